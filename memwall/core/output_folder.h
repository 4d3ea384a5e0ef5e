// output_folder.h - a folder of files that appears whole or not at all.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace memwall {

// Files are written into a folder of another name beside the target, which takes the target's name in
// commit(); without commit() nothing is left behind.
class OutputFolder {
 public:
  // Throws ConfigError if the target exists (unless it is an empty folder) or its parent does not.
  explicit OutputFolder(std::filesystem::path target);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  // Begins a file; the one before it is finished. Names are single path components. Throws ConfigError.
  std::ostream& file(const std::string& name);
  // Throws ConfigError if anything could not be written.
  void commit();

 private:
  void finish_file();

  std::filesystem::path target_, temporary_, current_;
  std::ofstream stream_;
  bool is_committed_ = false;
};

}  // namespace memwall
