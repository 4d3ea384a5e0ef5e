// YAML through yaml-cpp's event interface, JSON through nlohmann's SAX interface: both libraries check the
// grammar, and neither keeps positions or refuses duplicate keys in its own tree, so the tree is built here.
#include <cctype>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "memwall/core/config_reader.h"

namespace memwall {
namespace {

// Grows one tree from a stream of events. Containers under construction are kept on a stack and moved into
// their parent when they close, so no pointer into a growing vector is ever held.
class TreeBuilder {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  void open(Node::Kind kind, int line, int column) {
    if (stack_.size() >= kMaxDepth) {
      throw ConfigError({file_, line, column}, "", "nesting deeper than " + std::to_string(kMaxDepth),
                        "a flatter file");
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.line = line;
    frame.node.column = column;
    stack_.push_back(std::move(frame));
  }

  void close() {
    Node finished = std::move(stack_.back().node);
    stack_.pop_back();
    place(std::move(finished));
  }

  void key(std::string text, int line, int column) {
    Frame& frame = stack_.back();
    if (!frame.keys.insert(text).second) {
      throw ConfigError({file_, line, column}, text, "a duplicate key", "each key once");
    }
    frame.node.entries.push_back({std::move(text), line, column, Node{}});
    frame.wants_value = true;
  }

  void scalar(Node::Kind kind, std::string text, bool quoted, int line, int column) {
    Node node;
    node.kind = kind;
    node.text = std::move(text);
    node.quoted = quoted;
    node.line = line;
    node.column = column;
    place(std::move(node));
  }

  bool wants_key() const {
    return !stack_.empty() && stack_.back().node.kind == Node::Kind::mapping && !stack_.back().wants_value;
  }
  Node take() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    std::set<std::string> keys;
    bool wants_value = false;
  };

  void place(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node.kind == Node::Kind::mapping) {
      parent.node.entries.back().value = std::move(node);
      parent.wants_value = false;
    } else {
      parent.node.items.push_back(std::move(node));
    }
  }

  const std::string& file_;
  std::vector<Frame> stack_;
  Node root_;
};

class YamlEvents final : public YAML::EventHandler {
 public:
  explicit YamlEvents(const std::string& file) : file_(file), tree_(file) {}
  Node take() { return tree_.take(); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (tree_.wants_key()) {
      refuse(mark, "an empty key", "a named key");
    }
    tree_.scalar(Node::Kind::null, "", false, mark.line + 1, mark.column + 1);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "an alias", "values written out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    if (tree_.wants_key()) {
      tree_.key(value, mark.line + 1, mark.column + 1);
      return;
    }
    const bool is_quoted = tag == "!";
    const bool is_null = !is_quoted && (value == "~" || value == "null" || value.empty());
    tree_.scalar(is_null ? Node::Kind::null : Node::Kind::scalar, value, is_quoted, mark.line + 1,
                 mark.column + 1);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { tree_.close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, mark, anchor);
  }
  void OnMapEnd() override { tree_.close(); }

 private:
  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& found, const std::string& expected) {
    throw ConfigError({file_, mark.line + 1, mark.column + 1}, "", found, expected);
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      refuse(mark, "an anchor", "values written out");
    }
  }
  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    if (tree_.wants_key()) {
      refuse(mark, "a list or mapping as a key", "a plain key");
    }
    tree_.open(kind, mark.line + 1, mark.column + 1);
  }

  const std::string& file_;
  TreeBuilder tree_;
};

// An input iterator for nlohmann's parser that counts lines as it is read, so that SAX events know where they
// are.
struct Cursor {
  std::string_view text;
  std::size_t next = 0;
  int line = 1, column = 0;  // of the character read last
};

class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator() = default;
  explicit CountingIterator(Cursor* cursor) : cursor_(cursor) {}
  reference operator*() const { return cursor_->text[cursor_->next]; }
  CountingIterator& operator++() {
    if (cursor_->text[cursor_->next] == '\n') {
      ++cursor_->line;
      cursor_->column = 0;
    } else {
      ++cursor_->column;
    }
    ++cursor_->next;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_end() == other.at_end(); }
  bool operator!=(const CountingIterator& other) const { return !(*this == other); }

 private:
  bool at_end() const { return cursor_ == nullptr || cursor_->next >= cursor_->text.size(); }
  Cursor* cursor_ = nullptr;
};

class JsonEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonEvents(const std::string& file, const Cursor& cursor) : file_(file), cursor_(cursor), tree_(file) {}
  Node take() { return tree_.take(); }

  bool null() override { return value(Node::Kind::null, "", false); }
  bool boolean(bool truth) override { return value(Node::Kind::scalar, truth ? "true" : "false", false); }
  bool number_integer(number_integer_t number) override {
    return value(Node::Kind::scalar, std::to_string(number), false);
  }
  bool number_unsigned(number_unsigned_t number) override {
    return value(Node::Kind::scalar, std::to_string(number), false);
  }
  bool number_float(number_float_t, const string_t& text) override {
    return value(Node::Kind::scalar, text, false);
  }
  bool string(string_t& text) override { return value(Node::Kind::scalar, text, true); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Node::Kind::mapping); }
  bool end_object() override { return tree_.close(), true; }
  bool start_array(std::size_t) override { return open(Node::Kind::sequence); }
  bool end_array() override { return tree_.close(), true; }
  bool key(string_t& text) override { return tree_.key(text, line(), column(text.size() + 2)), true; }
  bool parse_error(std::size_t, const std::string& token,
                   const nlohmann::detail::exception& problem) override {
    const bool ended = std::string_view(problem.what()).find("unexpected end of input") != std::string::npos;
    throw ConfigError({file_, cursor_.line, std::max(cursor_.column, 1)}, "",
                      ended ? "the end of the file" : "broken JSON near " + quoted(token), "valid JSON");
  }

 private:
  // The parser has read one character beyond a number and exactly to the end of a string.
  bool value(Node::Kind kind, std::string text, bool is_quoted) {
    const std::size_t width = text.size() + (is_quoted ? 2 : 0);
    tree_.scalar(kind, std::move(text), is_quoted, line(), column(width));
    return true;
  }
  bool open(Node::Kind kind) { return tree_.open(kind, line(), column(1)), true; }
  // A number that ends its line has pulled the line break in already.
  int line() const {
    const bool beyond = cursor_.next > 0 && cursor_.text[cursor_.next - 1] == '\n';
    return cursor_.line - (beyond ? 1 : 0);
  }
  int column(std::size_t width) const { return std::max(1, cursor_.column - static_cast<int>(width) + 1); }

  const std::string& file_;
  const Cursor& cursor_;
  TreeBuilder tree_;
};

void refuse_large(std::string_view text, const std::string& file) {
  if (text.size() > kMaxFileBytes) {
    throw ConfigError(Location{file}, "", "more than 64 MiB", "a configuration file");
  }
}

}  // namespace

Document parse_yaml(std::string_view text, const std::string& file) {
  refuse_large(text, file);
  Document document{file, Node{}};
  std::istringstream stream{std::string(text)};
  YamlEvents events(document.file);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events)) {
      throw ConfigError({file, 1, 1}, "", "an empty file", "a mapping of keys to values");
    }
  } catch (const YAML::Exception& problem) {
    throw ConfigError({file, std::max(problem.mark.line, 0) + 1, std::max(problem.mark.column, 0) + 1}, "",
                      "broken YAML (" + problem.msg + ")", "valid YAML");
  }
  document.root = events.take();
  return document;
}

Document parse_json(std::string_view text, const std::string& file) {
  refuse_large(text, file);
  Document document{file, Node{}};
  Cursor cursor{text};
  JsonEvents events(document.file, cursor);
  nlohmann::json::sax_parse(CountingIterator(&cursor), CountingIterator(), &events);
  document.root = events.take();
  return document;
}

}  // namespace memwall
