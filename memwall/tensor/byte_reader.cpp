#include "memwall/tensor/byte_reader.h"

#include <algorithm>

namespace memwall {

FileBeginning::FileBeginning(const std::filesystem::path& file) : name_(file.string()) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw ConfigError(Location{name_}, "", std::filesystem::exists(file, error) ? "a folder" : "no such file",
                      "a readable file");
  }
  size_ = std::filesystem::file_size(file, error);
  stream_.open(file, std::ios::binary);
  constexpr std::uint64_t kFirst = 1 << 20;
  read(std::min(size_, kFirst));
}

void FileBeginning::read(std::uint64_t least) {
  constexpr std::uint64_t kMostBytes = 256 << 20;
  if (least > kMostBytes) {
    throw ConfigError(Location{name_}, "", "a header of more than 256 MiB", "a model's header");
  }
  const std::size_t have = bytes_.size();
  bytes_.resize(std::min(size_, std::max<std::uint64_t>(least, 2 * have)));
  stream_.read(reinterpret_cast<char*>(bytes_.data()) + have,
               static_cast<std::streamsize>(bytes_.size() - have));
  if (!stream_) {
    throw ConfigError(Location{name_}, "", "a file that cannot be read", "a readable file");
  }
}

}  // namespace memwall
