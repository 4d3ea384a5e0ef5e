#include "memwall/tensor/gguf_weights.h"

#include <fstream>

#include "memwall/core/error.h"
#include "memwall/tensor/gguf.h"

namespace memwall {
namespace {

class GgufWeights final : public WeightSource {
 public:
  explicit GgufWeights(const std::filesystem::path& file)
      : header_(read_gguf_header(file)), stream_(file, std::ios::binary) {
    for (const GgufTensor& tensor : header_.tensors) {
      tensors_.push_back(
          {tensor.name, tensor.dimensions, std::string(tensor.type->name), has_decoder(*tensor.type)});
    }
  }

  const std::string& name() const override { return header_.file; }
  const std::vector<WeightTensor>& tensors() const override { return tensors_; }

  CodedRows rows(std::size_t index, std::int64_t first, std::int64_t count) const override {
    const GgufTensor& tensor = header_.tensors.at(index);
    const std::int64_t inputs = tensor.dimensions.front();
    const std::uint64_t row_bytes =
        static_cast<std::uint64_t>(inputs) / tensor.type->values * tensor.type->bytes;
    const std::uint64_t begin =
        header_.data_begin + tensor.offset + static_cast<std::uint64_t>(first) * row_bytes;
    std::vector<std::byte> bytes(static_cast<std::size_t>(count) * row_bytes);
    stream_.clear();
    stream_.seekg(static_cast<std::streamoff>(begin));
    stream_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!stream_) {
      throw ConfigError(Location{header_.file}, "byte " + std::to_string(begin) + ", " + quoted(tensor.name),
                        "data that cannot be read", std::to_string(bytes.size()) + " bytes");
    }
    return decode_rows(*tensor.type, bytes, inputs);
  }

 private:
  GgufHeader header_;
  mutable std::ifstream stream_;
  std::vector<WeightTensor> tensors_;
};

}  // namespace

std::unique_ptr<WeightSource> open_gguf_weights(const std::filesystem::path& file) {
  return std::make_unique<GgufWeights>(file);
}

}  // namespace memwall
