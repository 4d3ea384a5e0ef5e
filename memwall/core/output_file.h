// output_file.h - a file that appears whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

namespace memwall {

// Writes to a temporary name beside the target and renames. Throws ConfigError if the folder does not exist
// or cannot be written; then nothing is left behind.
void write_whole_file(const std::filesystem::path& path, std::string_view content);

}  // namespace memwall
