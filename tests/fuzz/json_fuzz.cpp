// Any bytes as a config.json: a model or a ConfigError, and a model can be printed and stepped.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "memwall/core/error.h"
#include "memwall/model/build_model.h"
#include "memwall/model/step.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memwall;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Model model = model_of_config(parse_json(text, "fuzz.json"), "fuzz");
    to_text(model);
    const Step step{{{8, 1, 100}, {1, 64, 0}}, {}};
    to_text(step, model);
  } catch (const ConfigError&) {
  }
  return 0;
}
