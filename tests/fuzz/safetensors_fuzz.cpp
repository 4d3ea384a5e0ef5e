// Any bytes as a safetensors file and as an index: a header, or a ConfigError.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "memwall/core/error.h"
#include "memwall/tensor/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memwall;
  try {
    parse_safetensors_header(std::as_bytes(std::span(data, size)), "fuzz.safetensors", size);
  } catch (const ConfigError&) {
  }
  try {
    parse_safetensors_index({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  } catch (const ConfigError&) {
  }
  return 0;
}
