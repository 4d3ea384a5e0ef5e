#include "memwall/validation/calibration_text.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace memwall {
namespace {

const std::string kTitle = std::string(Chip::kCalibration) + ":";

std::vector<std::string> parts_of(const std::string& key) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('.', begin), key.size());
    parts.push_back(key.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string quoted_scalar(const std::string& text) {
  std::string safe = "\"";
  for (const char character : text) {
    safe +=
        (character == '"' || character == '\\') ? std::string("\\") + character : std::string(1, character);
  }
  return safe + "\"";
}

std::string entry(const Fact& fact) {
  std::string text = "{value: " + fact.text;
  for (const auto& [key, part] : {std::pair{"fitted", &fact.fitted}, std::pair{"estimate", &fact.estimate},
                                  std::pair{"note", &fact.note}}) {
    if (!part->empty()) {
      text += fmt::format(", {}: {}", key, quoted_scalar(*part));
    }
  }
  return text + (fact.source.empty() ? "" : ", source: " + fact.source) + "}";
}

// The line that follows `begin`.
std::size_t next_line(const std::string& text, std::size_t begin) {
  const std::size_t end = text.find('\n', begin);
  return end == std::string::npos ? text.size() : end + 1;
}

bool belongs_to_section(const std::string& text, std::size_t line) {
  return text[line] == ' ' || text[line] == '\t' || text[line] == '\n' || text[line] == '#';
}

}  // namespace

std::string calibration_section(const Chip& chip) {
  std::string text;
  std::vector<std::string> open;  // groups that the last line was in, the section itself first
  for (const auto& [key, fact] : chip.facts) {
    if (!key.starts_with(std::string(Chip::kCalibration) + ".")) {
      continue;
    }
    std::vector<std::string> parts = parts_of(key);
    const std::string name = parts.back();
    parts.pop_back();
    const auto common = static_cast<std::size_t>(
        std::mismatch(open.begin(), open.end(), parts.begin(), parts.end()).first - open.begin());
    for (std::size_t depth = common; depth < parts.size(); ++depth) {
      text += fmt::format("{:{}}{}:\n", "", 2 * depth, parts[depth]);
    }
    text += fmt::format("{:{}}{}: {}\n", "", 2 * parts.size(), name, entry(fact));
    open = std::move(parts);
  }
  return text;
}

std::string with_calibration_section(const std::string& card, const std::string& section) {
  std::size_t begin = card.starts_with(kTitle) ? 0 : card.find("\n" + kTitle);
  if (begin == std::string::npos) {
    return card + (card.empty() || card.ends_with('\n') ? "" : "\n") + section;
  }
  begin += card.starts_with(kTitle) ? 0 : 1;
  std::size_t end = next_line(card, begin);
  std::size_t after_facts = end;  // comments and blank lines behind the last fact belong to what follows
  while (end < card.size() && belongs_to_section(card, end)) {
    const bool is_fact = card[end] == ' ' || card[end] == '\t';
    end = next_line(card, end);
    after_facts = is_fact ? end : after_facts;
  }
  return card.substr(0, begin) + section + card.substr(after_facts);
}

}  // namespace memwall
