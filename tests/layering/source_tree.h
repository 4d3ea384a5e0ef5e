// source_tree.h - the project's own files, for tests about how it is laid out.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace memwall {

struct SourceFile {
  std::string path;  // from the root of the project, with forward slashes
  std::string text;

  bool is_cpp() const { return path.ends_with(".cpp"); }
  bool is_header() const { return path.ends_with(".h"); }
  bool is_test() const { return path.ends_with("_test.cpp") || path.starts_with("tests/"); }
  std::ptrdiff_t lines() const { return std::count(text.begin(), text.end(), '\n'); }
};

// What builds and editors leave behind, by name of file or folder.
inline bool is_generated(const std::string& name) {
  constexpr std::array<std::string_view, 8> kGenerated = {
      ".git", "build", "out", ".cache", "node_modules", "compile_commands.json", "__pycache__", ".vscode"};
  return std::find(kGenerated.begin(), kGenerated.end(), name) != kGenerated.end();
}

// Every text file of the project, sorted by path.
inline std::vector<SourceFile> source_tree() {
  const std::filesystem::path root = MEMWALL_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (auto entry = std::filesystem::recursive_directory_iterator(root);
       entry != std::filesystem::recursive_directory_iterator(); ++entry) {
    if (is_generated(entry->path().filename().string())) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file()) {
      continue;
    }
    std::ifstream stream(entry->path(), std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (text.str().find('\0') == std::string::npos) {
      files.push_back({std::filesystem::relative(entry->path(), root).generic_string(), text.str()});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

// The C++ files that become the library and the command line.
inline std::vector<SourceFile> product_sources() {
  std::vector<SourceFile> files;
  for (SourceFile& file : source_tree()) {
    const bool is_product = file.path.starts_with("memwall/") || file.path.starts_with("cli/");
    if (is_product && (file.is_cpp() || file.is_header()) && !file.is_test()) {
      files.push_back(std::move(file));
    }
  }
  return files;
}

}  // namespace memwall
