// Includes point one way, and no processor family is named outside its own folder (docs/design.md).
#include <map>
#include <optional>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "tests/layering/source_tree.h"

namespace memwall {
namespace {

// A room may include rooms on lower floors only: not its neighbours on the same floor.
const std::map<std::string, int> kFloors = {
    {"core", 0},       {"tensor", 1},  {"model", 2},     {"hardware", 2}, {"program", 3},
    {"processors", 4}, {"serving", 5}, {"economics", 5}, {"explore", 6},  {"validation", 6},
    {"gateway", 6},    {"report", 7},  {"cli", 8},
};
constexpr const char* kRegistrar = "memwall/processors/builtin_processors.cpp";

// "memwall/program/clock.h" -> "program", "cli/main.cpp" -> "cli".
std::string room_of(const std::string& path) {
  const std::size_t begin = path.starts_with("memwall/") ? std::string("memwall/").size() : 0;
  return path.substr(begin, path.find('/', begin) - begin);
}

// "memwall/processors/toy/machine.h" -> "toy"; empty for files outside a family's folder.
std::string family_of(const std::string& path) {
  static const std::regex kFamily("^memwall/processors/([a-z_]+)/.*");
  std::smatch match;
  return std::regex_match(path, match, kFamily) ? match[1].str() : "";
}

std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex kInclude("(?:^|\\n)[ \\t]*#[ \\t]*include[ \\t]*\"([^\"]+)\"");
  std::vector<std::string> includes;
  for (std::sregex_iterator match(text.begin(), text.end(), kInclude), end; match != end; ++match) {
    includes.push_back((*match)[1]);
  }
  return includes;
}

// Why `from` may not include `to`, or nothing.
std::optional<std::string> objection(const std::string& from, const std::string& to) {
  if (from.ends_with("_test.cpp") && to.starts_with("tests/support/")) {
    return std::nullopt;
  }
  const std::string room = room_of(from), other = room_of(to);
  if (kFloors.count(other) == 0) {
    return "is in no room of the house";
  }
  if (room != other && kFloors.at(room) <= kFloors.at(other)) {
    return "is not on a lower floor";
  }
  const std::string family = family_of(to);
  if (!family.empty() && family != family_of(from) && from != kRegistrar) {
    return "is inside the family " + family;
  }
  return std::nullopt;
}

TEST(Layering, IncludesPointOneWay) {
  for (const SourceFile& file : source_tree()) {
    const bool is_held = file.path.starts_with("memwall/") || file.path.starts_with("cli/");
    if (!is_held || !(file.is_cpp() || file.is_header())) {
      continue;
    }
    ASSERT_EQ(kFloors.count(room_of(file.path)), 1u) << file.path << " is in no room of the house";
    for (const std::string& include : includes_of(file.text)) {
      if (const auto reason = objection(file.path, include)) {
        ADD_FAILURE() << file.path << " includes " << include << ", which " << *reason;
      }
    }
  }
}

TEST(Layering, TheRuleItselfHolds) {
  EXPECT_FALSE(objection("memwall/program/clock.cpp", "memwall/core/units.h"));
  EXPECT_FALSE(objection("memwall/processors/toy/machine.cpp", "memwall/processors/processor.h"));
  EXPECT_FALSE(objection(kRegistrar, "memwall/processors/toy/toy.h"));
  EXPECT_TRUE(objection("memwall/core/units.h", "memwall/model/model.h"));
  EXPECT_TRUE(objection("memwall/model/model.h", "memwall/hardware/chip.h"));
  EXPECT_FALSE(objection("memwall/model/read_model.cpp", "memwall/tensor/gguf.h"));
  EXPECT_TRUE(objection("memwall/tensor/gguf.h", "memwall/model/model.h"));
  EXPECT_TRUE(objection("memwall/program/clock.h", "memwall/processors/processor.h"));
  EXPECT_TRUE(objection("memwall/processors/toy/machine.cpp", "memwall/processors/other/machine.h"));
  EXPECT_TRUE(objection("memwall/processors/placement.cpp", "memwall/processors/toy/toy.h"));
  EXPECT_TRUE(objection("cli/main.cpp", "memwall/processors/toy/toy.h"));
  EXPECT_TRUE(objection("cli/main.cpp", "memwall/attic/old.h"));
  EXPECT_FALSE(objection("memwall/model/model_test.cpp", "tests/support/check_property.h"));
  EXPECT_TRUE(objection("memwall/model/model.cpp", "tests/support/check_property.h"));
}

// Code without comments: what the compiler sees, string literals included.
std::string without_comments(const std::string& text) {
  static const std::regex kComment("//[^\\n]*|\"(?:[^\"\\\\\\n]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)'");
  std::string code;
  std::size_t kept = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), kComment), end; match != end; ++match) {
    const auto begin = static_cast<std::size_t>(match->position());
    const auto length = static_cast<std::size_t>(match->length());
    const bool is_literal = text[begin] != '/';
    code.append(text, kept, begin - kept + (is_literal ? length : 0));
    kept = begin + length;
  }
  return code.append(text, kept, std::string::npos);
}

// Words of code in lower case: "is_gpu", "GpuClock" and "gpu" all hold the word gpu.
std::set<std::string> words_of(const std::string& code) {
  std::set<std::string> words;
  std::string word;
  char last = ' ';
  for (const char character : code + " ") {
    const bool is_upper = character >= 'A' && character <= 'Z';
    const bool is_lower = character >= 'a' && character <= 'z';
    const bool starts_word = is_upper && last >= 'a' && last <= 'z';
    if ((!is_upper && !is_lower) || starts_word) {
      words.insert(word);
      word.clear();
    }
    if (is_upper || is_lower) {
      word += static_cast<char>(is_upper ? character - 'A' + 'a' : character);
    }
    last = character;
  }
  return words;
}

// A family's name may be an ordinary word elsewhere: dies are cut from wafers, whatever else runs on one.
bool is_homonym(const std::string& path, const std::string& family) {
  return family == "wafer" && room_of(path) == "economics";
}

TEST(Layering, NoFamilyIsNamedOutsideItsFolder) {
  const std::vector<SourceFile> sources = product_sources();
  std::set<std::string> families;
  for (const SourceFile& file : sources) {
    families.insert(family_of(file.path));
  }
  families.erase("");
  for (const SourceFile& file : sources) {
    if (file.path == kRegistrar) {
      continue;
    }
    const std::set<std::string> words = words_of(without_comments(file.text));
    for (const std::string& family : families) {
      if (family != family_of(file.path) && words.count(family) > 0 && !is_homonym(file.path, family)) {
        ADD_FAILURE() << file.path << " names the family " << family;
      }
    }
  }
}

TEST(Layering, WordsAreFoundInAnySpelling) {
  const std::set<std::string> words =
      words_of(without_comments("if (isToy || x_toy2) f(\"a // toys\"); // hidden"));
  EXPECT_EQ(words.count("toy"), 1u);
  EXPECT_EQ(words.count("toys"), 1u);
  EXPECT_EQ(words.count("hidden"), 0u);
}

}  // namespace
}  // namespace memwall
