// config_reader.h - YAML and JSON files as one kind of tree, read strictly.
//
// Both formats become the same tree of Nodes with line and column. Duplicate keys, anchors, nesting deeper
// than kMaxDepth and files larger than kMaxFileBytes are refused while parsing; Fields refuses missing keys,
// wrong types, values out of range, bare numbers where a unit is due, and (in finish) keys that nobody asked
// for. Every refusal is a ConfigError that names file, line, column, key, found and expected.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memwall/core/error.h"
#include "memwall/core/units.h"

namespace memwall {

inline constexpr int kMaxDepth = 64;
inline constexpr std::size_t kMaxFileBytes = 64u << 20;

struct Node {
  enum class Kind { null, scalar, sequence, mapping };
  struct Entry;

  Kind kind = Kind::null;
  std::string text;     // of a scalar, as written (JSON strings unescaped)
  bool quoted = false;  // a quoted scalar is a string, never a number
  int line = 0, column = 0;
  std::vector<Node> items;     // of a sequence
  std::vector<Entry> entries;  // of a mapping, in file order, keys distinct
};
struct Node::Entry {
  std::string key;
  int line = 0, column = 0;  // of the key
  Node value;
};

struct Document {
  std::string file;  // for messages
  Node root;
};

std::string read_text_file(const std::filesystem::path& path);
Document parse_yaml(std::string_view text, const std::string& file);
Document parse_json(std::string_view text, const std::string& file);
// By extension: .json is JSON, everything else YAML.
Document read_config_file(const std::filesystem::path& path);

// A mapping being read: each key is asked for once by name, and finish() refuses the ones left over.
// Borrows the document: it must outlive every Fields made from it.
class Fields {
 public:
  explicit Fields(const Document& document);
  Fields(const std::string& file, const Node& mapping, std::string path);

  bool has(const std::string& key) const;  // present and not null
  bool is_mapping(const std::string& key) const;
  std::vector<std::string> keys() const;  // in file order
  Location where() const;                 // of the mapping itself
  Location where(const std::string& key) const;
  const std::string& path() const { return path_; }
  // path "calibration" + key "hbm" is "calibration.hbm"
  std::string key_path(const std::string& key) const;

  std::string string(const std::string& key);
  std::string string_or(const std::string& key, const std::string& fallback);
  bool boolean_or(const std::string& key, bool fallback);
  std::int64_t integer(const std::string& key, std::int64_t least = 1, std::int64_t most = kLargestInteger);
  std::int64_t integer_or(const std::string& key, std::int64_t fallback, std::int64_t least = 0,
                          std::int64_t most = kLargestInteger);
  double number(const std::string& key, double least, double most);
  Fields mapping(const std::string& key);
  std::vector<Fields> mappings(const std::string& key);  // a sequence of mappings
  std::vector<std::string> strings(const std::string& key);
  std::vector<std::int64_t> integers(const std::string& key, std::int64_t least = 0);
  const Node& node(const std::string& key);  // raw; counts as asked for

  // A quantity of the asked dimension, finite and positive. "bare number" and "wrong unit" are told apart.
  template <class Q>
  Q quantity(const std::string& key) {
    return Q(quantity_value(key, dimension_of(Q{})));
  }
  template <class Q>
  Q quantity_or(const std::string& key, Q fallback) {
    asked_.insert(key);
    return has(key) ? quantity<Q>(key) : fallback;
  }

  void ignore(const std::string& key);  // known to exist and not used
  void ignore_rest();                   // for formats that others extend, such as config.json
  void finish() const;                  // refuses keys that nobody asked for, naming the nearest known one

  [[noreturn]] void fail(const std::string& key, const std::string& expected) const;

  static constexpr std::int64_t kLargestInteger = std::int64_t{1} << 48;

 private:
  const Node* find(const std::string& key) const;
  const Node& require(const std::string& key, const std::string& expected);
  const std::string& scalar(const std::string& key, const std::string& expected);
  double quantity_value(const std::string& key, const Dimension& dimension);

  const std::string* file_;
  const Node* mapping_;
  std::string path_;
  std::set<std::string> asked_;
  bool ignore_rest_ = false;
};

}  // namespace memwall
