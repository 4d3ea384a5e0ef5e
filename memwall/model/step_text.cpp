// What `memwall explain step` prints: the batch, then a line per operator with its shape, MACs and bytes.
#include <fmt/format.h>

#include "memwall/core/unit_text.h"
#include "memwall/model/step.h"

namespace memwall {
namespace {

std::string describe(const Routing& routing) {
  switch (routing.kind) {
    case Routing::Kind::uniform:
      return "uniform";
    case Routing::Kind::power_law:
      return fmt::format("power law {}", routing.exponent);
    case Routing::Kind::histogram:
      return fmt::format("histogram of {} experts", routing.histogram.size());
    case Routing::Kind::dealt:
      return fmt::format("dealt to {} experts", routing.histogram.size());
  }
  return "";
}

// Bytes without a fraction of nothing: "-" where an operator moves none of a kind.
std::string shown(Bytes bytes) { return bytes.value > 0 ? to_text(bytes) : "-"; }

std::string section(const std::string& title, const std::vector<Operator>& operators, const Step& step) {
  std::string text = fmt::format("{}\n", title);
  for (const Operator& op : operators) {
    const OpWork done = work(op, step);
    text += fmt::format(
        "  {:<20} {:>10.6g} {:>10.6g} {:>10.6g} {:>12} {:>10} {:>10} {:>10} {:>10}\n", op.name, done.m,
        done.n, done.k, done.macs > 0 ? format_scaled(done.macs, "MAC") : "-", shown(done.weight_read),
        shown(done.kv_read + done.kv_written), shown(done.activation_read), shown(done.activation_written));
  }
  return text;
}

}  // namespace

std::string to_text(const Step& step, const Model& model) {
  std::string text =
      fmt::format("{}: {} sequences, {} new tokens\n", model.name, step.sequences(), step.new_tokens());
  bool has_experts = false;
  for (const Slice& slice : step.slices) {
    text += fmt::format("  {} x {} new on {} past\n", slice.count, slice.new_tokens, slice.past_tokens);
  }
  double macs = 0;
  Bytes weights, kv;
  for_each_operator(model, [&](const Operator& op, std::int64_t repeat) {
    const OpWork done = work(op, step);
    const auto times = static_cast<double>(repeat);
    macs += done.macs * times;
    weights += done.weight_read * times;
    kv += (done.kv_read + done.kv_written) * times;
    has_experts = has_experts || std::holds_alternative<Experts>(op.shape);
  });
  if (has_experts) {
    text += fmt::format("  routing {}\n", describe(step.routing));
  }
  text += fmt::format("in all {}, weights read {}, kv moved {}\n", format_scaled(macs, "MAC"),
                      to_text(weights), to_text(kv));
  text += fmt::format("  {:<20} {:>10} {:>10} {:>10} {:>12} {:>10} {:>10} {:>10} {:>10}\n", "operator", "m",
                      "n", "k", "work", "weights", "kv", "read", "written");
  text += section("prologue", model.prologue, step);
  for (const LayerGroup& group : model.groups) {
    text += section(fmt::format("{} x{}", group.name, group.repeat), group.operators, step);
  }
  return text + section("epilogue", model.epilogue, step);
}

}  // namespace memwall
