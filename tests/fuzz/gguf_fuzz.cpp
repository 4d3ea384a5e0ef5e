// Any bytes as a GGUF file: a header, the numbers of its tensors and a model, or a ConfigError.
#include <cstddef>
#include <cstdint>
#include <span>

#include "memwall/core/error.h"
#include "memwall/model/gguf_model.h"
#include "memwall/tensor/coded_rows.h"

namespace {

// The header says that all data is within the file.
void decode_tensors(const memwall::GgufHeader& header, std::span<const std::byte> bytes) {
  for (const memwall::GgufTensor& tensor : header.tensors) {
    if (memwall::has_decoder(*tensor.type)) {
      const auto data = bytes.subspan(header.data_begin + tensor.offset, tensor.bytes);
      const memwall::CodedRows rows = memwall::decode_rows(*tensor.type, data, tensor.dimensions.front());
      rows.row_values(rows.rows - 1);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memwall;
  try {
    const GgufHeader header = parse_gguf_header(std::as_bytes(std::span(data, size)), "fuzz.gguf", size);
    decode_tensors(header, std::as_bytes(std::span(data, size)));
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
