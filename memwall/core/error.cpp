#include "memwall/core/error.h"

namespace memwall {
namespace {

std::string message(const Location& where, const std::string& key, const std::string& found,
                    const std::string& expected) {
  std::string text;
  if (!where.file.empty()) {
    text += where.file;
    if (where.line > 0) {
      text += ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
    }
    text += ": ";
  }
  if (!key.empty()) {
    text += key + ": ";
  }
  if (!found.empty()) {
    text += "found " + found;
  }
  if (!expected.empty()) {
    text += (found.empty() ? "expected " : ", expected ") + expected;
  }
  return text;
}

}  // namespace

ConfigError::ConfigError(const Location& where, const std::string& key, const std::string& found,
                         const std::string& expected)
    : std::runtime_error(message(where, key, found, expected)) {}

ConfigError::ConfigError(const std::string& key, const std::string& found, const std::string& expected)
    : ConfigError(Location{}, key, found, expected) {}

std::string quoted(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  std::string shown = text.substr(0, kLongest);
  for (char& character : shown) {
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) {
      character = '?';
    }
  }
  return "'" + shown + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace memwall
