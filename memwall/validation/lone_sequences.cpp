#include "memwall/validation/lone_sequences.h"

#include <map>

namespace memwall {
namespace {

const char* const kOrigin = "llamacpp";

}  // namespace

void read_lone_sequences(const Table& table, MeasurementSink& sink) {
  const std::map<std::string_view, const char*> boards = {{"4090", "1xrtx4090"}};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string_view phase = table.required(row, "phase");
    const bool is_prefill = phase == "prefill";
    if (!is_prefill && phase != "decode") {
      throw ConfigError(table.where(row), "phase", quoted(std::string(phase)), "prefill or decode");
    }
    const std::string_view device = table.required(row, "device");
    const auto board = boards.find(device);
    if (device == "A100_SXM") {
      sink.exclude(kOrigin,
                   "A100 SXM: prompts at a tenth of what the PCIe board reaches: something is wrong");
    } else if (table.required(row, "model") != "llama 8B F16") {
      sink.exclude(kOrigin, "no card of " + std::string(table.text(row, "model")));
    } else if (board == boards.end()) {
      sink.exclude(kOrigin, "no card of " + std::string(device));
    } else if (table.integer(row, "num_gpus", 1) != 1) {
      sink.exclude(kOrigin, "several boards that take their layers in turn");
    } else {
      const std::int64_t tokens = table.integer(row, "tokens");
      const double seconds = 1 / table.number(row, "tok_s");
      StepRun run;
      run.model = "llama-3.1-8b";  // the shapes of Llama 3
      run.sampling = Sampling::greedy;
      run.kind = is_prefill ? StepRun::Kind::generation : StepRun::Kind::decode_step;
      run.prompt = is_prefill ? tokens : 1;
      run.output = is_prefill ? 1 : tokens;
      Measurement measurement;
      measurement.origin = kOrigin;
      measurement.note = phase;
      measurement.system = board->second;
      measurement.what = run;
      measurement.value = is_prefill ? seconds * static_cast<double>(tokens) : seconds;
      measurement.where = table.where(row);
      sink.take(measurement);
    }
  }
}

}  // namespace memwall
