// module_pattern.h - the patterns with which quantization_config names modules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace memwall {

// Three notations are in use. A plain path, whole or in part ("lm_head", "mlp.gate"), matches where whole
// components match: "gate" is in "layers.3.mlp.gate", not in "mlp.gate_proj". "*" stands for anything. After
// "re:" a regular expression, matched from the start of the path, of which characters, ".", ".*", "\.", "^",
// "$" and groups of alternatives "(a|b)" are understood.
class ModulePattern {
 public:
  // Throws std::invalid_argument with a phrase for what it does not understand.
  explicit ModulePattern(const std::string& text);
  bool matches(const std::string& module) const;

 private:
  enum class Piece { character, any_character, anything };
  struct Token {
    Piece piece = Piece::character;
    char character = 0;
  };
  using Sequence = std::vector<Token>;

  void add_expression(const std::string& text);
  static bool match(const Sequence& tokens, std::string_view text);

  std::vector<Sequence> alternatives_;
  bool by_component_ = false;
};

}  // namespace memwall
