#include "memwall/model/module_pattern.h"

#include <stdexcept>
#include <string_view>

namespace memwall {
namespace {

constexpr std::size_t kMostAlternatives = 64;
constexpr std::size_t kLongestPattern = 256;

// "a(b|c)d" becomes "abd" and "acd".
std::vector<std::string> expand_groups(const std::string& text) {
  const std::size_t open = text.find('(');
  if (open == std::string::npos) {
    return {text};
  }
  const std::size_t close = text.find(')', open);
  if (close == std::string::npos || text.substr(open + 1, close - open - 1).find('(') != std::string::npos) {
    throw std::invalid_argument("groups that are open or nested");
  }
  const std::string head = text.substr(0, open), tail = text.substr(close + 1);
  std::vector<std::string> expanded;
  for (std::size_t begin = open + 1; begin <= close;) {
    const std::size_t end = std::min(text.find('|', begin), close);
    const std::string chosen = head + text.substr(begin, end - begin);
    for (const std::string& rest : expand_groups(tail)) {
      expanded.push_back(std::string(chosen).append(rest));
    }
    if (expanded.size() > kMostAlternatives) {
      throw std::invalid_argument("more than 64 alternatives");
    }
    begin = end + 1;
  }
  return expanded;
}

}  // namespace

ModulePattern::ModulePattern(const std::string& text) {
  constexpr std::string_view kExpression = "re:";
  if (text.empty() || text.size() > kLongestPattern) {
    throw std::invalid_argument("an empty name or one longer than 256 characters");
  }
  if (text.starts_with(kExpression)) {
    for (const std::string& alternative : expand_groups(text.substr(kExpression.size()))) {
      add_expression(alternative);
    }
    return;
  }
  by_component_ = true;
  Sequence tokens;
  for (const char character : text) {
    tokens.push_back(character == '*' ? Token{Piece::anything, 0} : Token{Piece::character, character});
  }
  alternatives_.push_back(std::move(tokens));
}

void ModulePattern::add_expression(const std::string& text) {
  Sequence tokens;
  bool to_the_end = false;
  for (std::size_t i = text.starts_with('^') ? 1 : 0; i < text.size(); ++i) {
    const char character = text[i];
    const bool last = i + 1 == text.size();
    if (character == '$' && last) {
      to_the_end = true;
    } else if (character == '\\' && !last) {
      tokens.push_back({Piece::character, text[++i]});
      if (std::string_view(".-_").find(text[i]) == std::string_view::npos) {
        throw std::invalid_argument("an escape other than '\\.'");
      }
    } else if (character == '.' && !last && text[i + 1] == '*') {
      tokens.push_back({Piece::anything, 0});
      ++i;
    } else if (character == '.') {
      tokens.push_back({Piece::any_character, 0});
    } else if (std::string_view("*+?[]{}|()^$\\").find(character) != std::string_view::npos) {
      throw std::invalid_argument("an expression beyond '.', '.*' and '(a|b)'");
    } else {
      tokens.push_back({Piece::character, character});
    }
  }
  if (!to_the_end) {
    tokens.push_back({Piece::anything, 0});
  }
  alternatives_.push_back(std::move(tokens));
}

// At most pattern times text steps: after a mismatch only the last "anything" takes one character more.
bool ModulePattern::match(const Sequence& tokens, std::string_view text) {
  std::size_t token = 0, at = 0;
  std::size_t retry_token = tokens.size() + 1, retry_at = 0;
  while (at < text.size()) {
    if (token < tokens.size() && tokens[token].piece == Piece::anything) {
      retry_token = ++token;
      retry_at = at;
    } else if (token < tokens.size() &&
               (tokens[token].piece == Piece::any_character || tokens[token].character == text[at])) {
      ++token;
      ++at;
    } else if (retry_token <= tokens.size()) {
      token = retry_token;
      at = ++retry_at;
    } else {
      return false;
    }
  }
  while (token < tokens.size() && tokens[token].piece == Piece::anything) {
    ++token;
  }
  return token == tokens.size();
}

bool ModulePattern::matches(const std::string& module) const {
  for (const Sequence& tokens : alternatives_) {
    if (!by_component_) {
      if (match(tokens, module)) {
        return true;
      }
      continue;
    }
    // Every run of whole components: from each start, with everything from a later '.' cut off.
    for (std::size_t begin = 0; begin < module.size();) {
      for (std::size_t end = module.size(); end != std::string::npos && end > begin;
           end = module.rfind('.', end - 1)) {
        if (match(tokens, std::string_view(module).substr(begin, end - begin))) {
          return true;
        }
      }
      const std::size_t dot = module.find('.', begin);
      begin = dot == std::string::npos ? module.size() : dot + 1;
    }
  }
  return false;
}

}  // namespace memwall
