#include "memwall/core/output_folder.h"

#include <cassert>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "memwall/core/error.h"

namespace memwall {

OutputFolder::OutputFolder(std::filesystem::path target) : target_(std::move(target)) {
  const std::string shown = target_.string();
  if (!target_.has_filename()) {
    target_ = target_.parent_path();  // "out/" is the folder "out"
  }
  const std::filesystem::path parent = target_.has_parent_path() ? target_.parent_path() : ".";
  std::error_code error;
  if (!std::filesystem::is_directory(parent, error)) {
    throw ConfigError(shown, "no folder " + quoted(parent.string()), "a folder that exists");
  }
  if (std::filesystem::exists(target_, error) && !std::filesystem::is_empty(target_, error)) {
    throw ConfigError(shown, "something already there", "the name of a new or empty folder");
  }
  temporary_ = target_;
  temporary_ += ".partial-" + std::to_string(::getpid());
  if (!std::filesystem::create_directory(temporary_, error)) {
    throw ConfigError(shown, "a folder that cannot be made", "a writable place");
  }
}

OutputFolder::~OutputFolder() {
  if (!is_committed_) {
    stream_.close();
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
  }
}

std::ostream& OutputFolder::file(const std::string& name) {
  assert(!name.empty() && name.find('/') == std::string::npos && name != "." && name != "..");
  finish_file();
  current_ = temporary_ / name;
  stream_.open(current_, std::ios::binary | std::ios::trunc);
  return stream_;
}

void OutputFolder::finish_file() {
  if (current_.empty()) {
    return;
  }
  stream_.close();
  if (stream_.fail()) {
    throw ConfigError((target_ / current_.filename()).string(), "a file that cannot be written",
                      "a writable place with room for it");
  }
  stream_.clear();
}

void OutputFolder::commit() {
  finish_file();
  std::error_code error;
  std::filesystem::rename(temporary_, target_, error);  // an empty folder gives way
  if (error) {
    throw ConfigError(target_.string(), error.message(), "a writable place");
  }
  is_committed_ = true;
}

}  // namespace memwall
