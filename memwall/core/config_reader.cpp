#include "memwall/core/config_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "memwall/core/names.h"
#include "memwall/core/unit_text.h"

namespace memwall {
namespace {

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return quoted(node.text);
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
  }
  return "";
}

std::string plain(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw ConfigError(Location{path.string()}, "",
                      std::filesystem::exists(path, error) ? "a folder" : "no such file", "a readable file");
  }
  if (std::filesystem::file_size(path, error) > kMaxFileBytes) {
    throw ConfigError(Location{path.string()}, "", "a file of more than 64 MiB", "a configuration file");
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) {
    throw ConfigError(Location{path.string()}, "", "a file that cannot be read", "a readable file");
  }
  return text.str();
}

Document read_config_file(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  return path.extension() == ".json" ? parse_json(text, path.string()) : parse_yaml(text, path.string());
}

Fields::Fields(const Document& document) : Fields(document.file, document.root, "") {}

Fields::Fields(const std::string& file, const Node& mapping, std::string path)
    : file_(&file), mapping_(&mapping), path_(std::move(path)) {
  if (mapping.kind != Node::Kind::mapping) {
    throw ConfigError(where(), path_, shown(mapping), "a mapping of keys to values");
  }
}

const Node* Fields::find(const std::string& key) const {
  for (const Node::Entry& entry : mapping_->entries) {
    if (entry.key == key) {
      return &entry.value;
    }
  }
  return nullptr;
}

bool Fields::has(const std::string& key) const {
  const Node* node = find(key);
  return node != nullptr && node->kind != Node::Kind::null;
}

bool Fields::is_mapping(const std::string& key) const {
  const Node* node = find(key);
  return node != nullptr && node->kind == Node::Kind::mapping;
}

std::vector<std::string> Fields::keys() const {
  std::vector<std::string> names;
  for (const Node::Entry& entry : mapping_->entries) {
    names.push_back(entry.key);
  }
  return names;
}

Location Fields::where() const {
  return {*file_, std::max(mapping_->line, 1), std::max(mapping_->column, 1)};
}

Location Fields::where(const std::string& key) const {
  for (const Node::Entry& entry : mapping_->entries) {
    if (entry.key == key) {
      return {*file_, entry.line, entry.column};
    }
  }
  return where();
}

std::string Fields::key_path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

void Fields::fail(const std::string& key, const std::string& expected) const {
  const Node* node = find(key);
  throw ConfigError(where(key), key_path(key), node == nullptr ? "no such key" : shown(*node), expected);
}

const Node& Fields::require(const std::string& key, const std::string& expected) {
  asked_.insert(key);
  if (!has(key)) {
    fail(key, expected);
  }
  return *find(key);
}

const std::string& Fields::scalar(const std::string& key, const std::string& expected) {
  const Node& node = require(key, expected);
  if (node.kind != Node::Kind::scalar) {
    fail(key, expected);
  }
  return node.text;
}

std::string Fields::string(const std::string& key) { return scalar(key, "text"); }

std::string Fields::string_or(const std::string& key, const std::string& fallback) {
  asked_.insert(key);
  return has(key) ? string(key) : fallback;
}

bool Fields::boolean_or(const std::string& key, bool fallback) {
  asked_.insert(key);
  if (!has(key)) {
    return fallback;
  }
  const std::string& text = scalar(key, "true or false");
  if (find(key)->quoted || (text != "true" && text != "false")) {
    fail(key, "true or false");
  }
  return text == "true";
}

std::int64_t Fields::integer(const std::string& key, std::int64_t least, std::int64_t most) {
  const std::string expected =
      most == kLargestInteger ? "an integer of at least " + std::to_string(least)
                              : "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  const std::string& text = scalar(key, expected);
  std::int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool leading_zero = text.size() > 1 && text[0] == '0';
  if (error != std::errc() || rest != text.data() + text.size() || find(key)->quoted || leading_zero ||
      value < least) {
    fail(key, expected);
  }
  if (value > most) {
    fail(key, "an integer of at most " + std::to_string(most));
  }
  return value;
}

std::int64_t Fields::integer_or(const std::string& key, std::int64_t fallback, std::int64_t least,
                                std::int64_t most) {
  asked_.insert(key);
  return has(key) ? integer(key, least, most) : fallback;
}

double Fields::number(const std::string& key, double least, double most) {
  const std::string expected = "a number from " + plain(least) + " to " + plain(most);
  const std::string& text = scalar(key, expected);
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || find(key)->quoted || !(value >= least) ||
      !(value <= most)) {
    fail(key, expected);
  }
  return value;
}

Fields Fields::mapping(const std::string& key) {
  return Fields(*file_, require(key, "a mapping of keys to values"), key_path(key));
}

std::vector<Fields> Fields::mappings(const std::string& key) {
  const Node& node = require(key, "a list of mappings");
  if (node.kind != Node::Kind::sequence) {
    fail(key, "a list of mappings");
  }
  std::vector<Fields> list;
  for (std::size_t index = 0; index < node.items.size(); ++index) {
    list.emplace_back(*file_, node.items[index], key_path(key) + "[" + std::to_string(index) + "]");
  }
  return list;
}

std::vector<std::string> Fields::strings(const std::string& key) {
  const Node& node = require(key, "a list of texts");
  if (node.kind != Node::Kind::sequence) {
    fail(key, "a list of texts");
  }
  std::vector<std::string> list;
  for (const Node& item : node.items) {
    if (item.kind != Node::Kind::scalar) {
      throw ConfigError({*file_, item.line, item.column}, key_path(key), shown(item), "a list of texts");
    }
    list.push_back(item.text);
  }
  return list;
}

std::vector<std::int64_t> Fields::integers(const std::string& key, std::int64_t least) {
  const std::string expected = "a list of integers of at least " + std::to_string(least);
  std::vector<std::int64_t> list;
  for (const std::string& text : strings(key)) {
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || rest != text.data() + text.size() || value < least ||
        value > kLargestInteger) {
      throw ConfigError(where(key), key_path(key), quoted(text), expected);
    }
    list.push_back(value);
  }
  return list;
}

const Node& Fields::node(const std::string& key) { return require(key, "a value"); }

double Fields::quantity_value(const std::string& key, const Dimension& dimension) {
  const std::string expected = describe_dimension(dimension);
  const std::string& text = scalar(key, expected);
  MeasuredNumber number;
  try {
    number = parse_measured_number(text);
  } catch (const std::invalid_argument& problem) {
    throw ConfigError(where(key), key_path(key), quoted(text) + " (" + problem.what() + ")", expected);
  }
  const bool bare = !number.has_unit && dimension != Dimension{} && number.value != 0;
  if (bare) {
    throw ConfigError(where(key), key_path(key), quoted(text) + " without a unit", expected);
  }
  if (number.has_unit && number.dimension != dimension) {
    fail(key, expected);
  }
  constexpr double kAbsurd = 1e30;  // beyond any physical quantity in base units
  if (!(number.value > 0) || number.value > kAbsurd) {
    fail(key, expected + ", positive and below 1e30");
  }
  return number.value;
}

void Fields::ignore(const std::string& key) { asked_.insert(key); }
void Fields::ignore_rest() { ignore_rest_ = true; }

void Fields::finish() const {
  if (ignore_rest_) {
    return;
  }
  for (const Node::Entry& entry : mapping_->entries) {
    if (asked_.count(entry.key) == 0) {
      throw ConfigError({*file_, entry.line, entry.column}, key_path(entry.key), "an unknown key",
                        suggest_names(entry.key, {asked_.begin(), asked_.end()}));
    }
  }
}

}  // namespace memwall
