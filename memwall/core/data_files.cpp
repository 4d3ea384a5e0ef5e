#include "memwall/core/data_files.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "memwall/core/error.h"
#include "memwall/core/names.h"

#ifndef MEMWALL_SOURCE_DIR
#define MEMWALL_SOURCE_DIR "."
#endif

namespace memwall {
namespace {

bool is_card(const std::filesystem::path& file) {
  return file.extension() == ".yaml" || file.extension() == ".json";
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
  return text;
}

}  // namespace

std::filesystem::path data_root() {
  const char* configured = std::getenv("MEMWALL_DATA");
  return configured != nullptr ? configured : MEMWALL_SOURCE_DIR;
}

std::filesystem::path data_folder(const std::string& kind) {
  const std::filesystem::path root = data_root();
  std::filesystem::path folder = root / kind;
  if (!std::filesystem::is_directory(folder)) {
    throw ConfigError(std::getenv("MEMWALL_DATA") != nullptr ? "MEMWALL_DATA" : "data folder",
                      quoted(root.string()), "a folder that holds " + kind + "/");
  }
  return folder;
}

std::vector<std::string> card_names(const std::string& kind) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(data_folder(kind))) {
    if (is_card(entry.path())) {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::filesystem::path card_file(const std::string& kind, const std::string& name) {
  const std::vector<std::string> names = card_names(kind);
  for (const std::string& known : names) {
    if (lower_case(known) == lower_case(name)) {
      const std::filesystem::path stem = data_folder(kind) / known;
      const std::filesystem::path yaml = stem.string() + ".yaml";
      return std::filesystem::exists(yaml) ? yaml : std::filesystem::path(stem.string() + ".json");
    }
  }
  // "chips" -> "chip": the kind is plural in the folder's name and singular in a message.
  throw ConfigError(kind.substr(0, kind.size() - 1), quoted(name), suggest_names(name, names));
}

}  // namespace memwall
