#include "memwall/core/output_file.h"

#include <fstream>
#include <string>

#include <unistd.h>

#include "memwall/core/error.h"

namespace memwall {

void write_whole_file(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw ConfigError(path.string(), "no folder " + quoted(folder.string()), "a folder that exists");
  }
  if (std::filesystem::is_directory(path, error)) {
    throw ConfigError(path.string(), "a folder", "the name of a file to write");
  }
  std::filesystem::path temporary = path;
  temporary += ".partial-" + std::to_string(::getpid());
  std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  stream.close();
  if (stream.fail()) {
    std::filesystem::remove(temporary, error);
    throw ConfigError(path.string(), "a file that cannot be written", "a writable place with room for it");
  }
  std::filesystem::rename(temporary, path, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw ConfigError(path.string(), error.message(), "a writable place");
  }
}

}  // namespace memwall
