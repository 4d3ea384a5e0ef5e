// Any bytes as a GGUF file: a header and a model, or a ConfigError.
#include <cstddef>
#include <cstdint>
#include <span>

#include "memwall/core/error.h"
#include "memwall/model/gguf_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memwall;
  try {
    const GgufHeader header = parse_gguf_header(std::as_bytes(std::span(data, size)), "fuzz.gguf", size);
    model_of_gguf(header, "fuzz");
  } catch (const ConfigError&) {
  }
  // The same bytes as the beginning of a file that goes on.
  try {
    parse_gguf_header(std::as_bytes(std::span(data, size)), "fuzz.gguf", size + (std::size_t{1} << 40));
  } catch (const ConfigError&) {
  }
  return 0;
}
