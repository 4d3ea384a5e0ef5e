// byte_reader.h - little-endian numbers and strings off the beginning of a file, each checked against its
// size.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "memwall/core/error.h"

namespace memwall {

// The file goes on, but the bytes at hand do not: read more of it and start again.
struct MoreBytesNeeded {
  std::uint64_t bytes = 0;  // at least so many from the beginning
};

class ByteReader {
 public:
  // Borrows both. REQUIRES: bytes.size() <= file_size.
  ByteReader(std::span<const std::byte> bytes, const std::string& file, std::uint64_t file_size)
      : bytes_(bytes), file_(file), file_size_(file_size) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t remaining() const { return file_size_ - position_; }  // in the file

  template <class Number>
  Number number(const std::string& what) {
    static_assert(std::endian::native == std::endian::little);
    Number value;
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }
  std::string text(std::uint64_t length, const std::string& what) {
    const char* begin = reinterpret_cast<const char*>(take(length, what));
    return {begin, static_cast<std::size_t>(length)};
  }
  void skip(std::uint64_t length, const std::string& what) { take(length, what); }

  // The place is named by its byte: "model.gguf: byte 24, key: found ..., expected ...".
  [[noreturn]] void refuse(std::uint64_t byte, const std::string& what, const std::string& found,
                           const std::string& expected) const {
    throw ConfigError(Location{file_}, "byte " + std::to_string(byte) + ", " + what, found, expected);
  }
  // A count of things of at least `least_bytes` each that cannot all be in the rest of the file.
  void check_count(std::uint64_t byte, std::uint64_t count, std::uint64_t least_bytes,
                   const std::string& what) const {
    if (count > remaining() / least_bytes) {
      refuse(byte, what, std::to_string(count),
             "at most the " + std::to_string(remaining() / least_bytes) + " that the file has room for");
    }
  }

 private:
  const std::byte* take(std::uint64_t length, const std::string& what) {
    if (length > remaining()) {
      refuse(position_, what, "the end of the file after " + std::to_string(remaining()) + " bytes",
             std::to_string(length) + " bytes");
    }
    if (length > bytes_.size() - position_) {
      throw MoreBytesNeeded{position_ + length};
    }
    const std::byte* begin = bytes_.data() + position_;
    position_ += length;
    return begin;
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::uint64_t file_size_;
  std::uint64_t position_ = 0;
};

// The beginning of a file, as much of it as was asked for so far.
class FileBeginning {
 public:
  // Throws ConfigError if the file cannot be read.
  explicit FileBeginning(const std::filesystem::path& file);
  const std::string& name() const { return name_; }
  std::uint64_t file_size() const { return size_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  // At least so many bytes, or twice as many as before. Throws ConfigError above 256 MiB.
  void read(std::uint64_t least);

 private:
  std::string name_;
  std::ifstream stream_;
  std::uint64_t size_ = 0;
  std::vector<std::byte> bytes_;
};

// parse(bytes, name, file_size) on ever longer beginnings until it has enough.
template <class Parse>
auto parse_beginning(const std::filesystem::path& path, Parse&& parse) {
  FileBeginning file(path);
  while (true) {
    try {
      return parse(file.bytes(), file.name(), file.file_size());
    } catch (const MoreBytesNeeded& needed) {
      file.read(needed.bytes);
    }
  }
}

// The same for bytes in memory that are all there is.
template <class Parse>
auto parse_bytes(std::span<const std::byte> bytes, const std::string& file, std::uint64_t file_size,
                 Parse&& parse) {
  try {
    return parse(bytes, file, file_size);
  } catch (const MoreBytesNeeded& needed) {
    throw ConfigError(Location{file}, "byte " + std::to_string(bytes.size()), "the end of the bytes at hand",
                      "a header of " + std::to_string(needed.bytes) + " bytes or more");
  }
}

}  // namespace memwall
