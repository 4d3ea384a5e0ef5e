#include "memwall/core/config_reader.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace memwall {
namespace {

using testing::HasSubstr;

// The message of the ConfigError that `action` throws, or "" when it throws none.
template <class Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ConfigReader, JsonAndYamlBecomeTheSameTree) {
  for (const Document& document : {parse_json("{\"a\": 1,\n \"b\": {\"c\": \"x\"}}", "f.json"),
                                   parse_yaml("a: 1\nb:\n  c: x\n", "f.yaml")}) {
    Fields fields(document);
    EXPECT_EQ(fields.integer("a"), 1);
    Fields inner = fields.mapping("b");
    EXPECT_EQ(inner.string("c"), "x");
    EXPECT_EQ(inner.path(), "b");
    inner.finish();
    fields.finish();
  }
}

TEST(ConfigReader, PositionsAreThoseOfTheKey) {
  const Document json = parse_json("{\n  \"a\": 1,\n  \"heads\": 0\n}", "m.json");
  Fields fields(json);
  EXPECT_EQ(refusal([&] { fields.integer("heads"); }),
            "m.json:3:3: heads: found '0', expected an integer of at least 1");
  const Document yaml = parse_yaml("a: 1\n  \nheads: -4\n", "m.yaml");
  Fields other(yaml);
  EXPECT_EQ(refusal([&] { other.integer("heads"); }),
            "m.yaml:3:1: heads: found '-4', expected an integer of at least 1");
}

TEST(ConfigReader, DuplicateKeysAreRefusedInBothFormats) {
  EXPECT_EQ(refusal([] { parse_json("{\"a\": 1,\n\"a\": 2}", "f.json"); }),
            "f.json:2:1: a: found a duplicate key, expected each key once");
  EXPECT_EQ(refusal([] { parse_yaml("a: 1\na: 2\n", "f.yaml"); }),
            "f.yaml:2:1: a: found a duplicate key, expected each key once");
}

TEST(ConfigReader, UnknownKeysSuggestTheNearest) {
  const Document document = parse_yaml("bandwith: 1 B/s\n", "f.yaml");
  Fields fields(document);
  fields.quantity_or<BytesPerSecond>("bandwidth", BytesPerSecond(1));
  EXPECT_EQ(refusal([&] { fields.finish(); }),
            "f.yaml:1:1: bandwith: found an unknown key, expected one of bandwidth");
}

TEST(ConfigReader, QuantitiesNeedTheRightUnit) {
  const Document document = parse_yaml(
      "bare: 3.35\nwrong: 3 GB\nzero: 0 B/s\nnegative: -1 B/s\nnan: nan B/s\nhuge: 1e40 B/s\nodd: 3 "
      "TBs\nright: 3.35 TB/s\n",
      "f.yaml");
  Fields fields(document);
  const auto message = [&](const std::string& key) {
    return refusal([&] { fields.quantity<BytesPerSecond>(key); });
  };
  EXPECT_THAT(message("bare"),
              HasSubstr("f.yaml:1:1: bare: found '3.35' without a unit, expected a rate such as"));
  EXPECT_THAT(message("wrong"), HasSubstr("found '3 GB', expected a rate"));
  EXPECT_THAT(message("zero"), HasSubstr("positive"));
  EXPECT_THAT(message("negative"), HasSubstr("positive"));
  EXPECT_THAT(message("nan"), HasSubstr("found 'nan B/s' (not a finite number)"));
  EXPECT_THAT(message("huge"), HasSubstr("below 1e30"));
  EXPECT_THAT(message("odd"), HasSubstr("unknown unit 'TBs'"));
  EXPECT_DOUBLE_EQ(fields.quantity<BytesPerSecond>("right").value, 3.35e12);
}

TEST(ConfigReader, IntegersAreWrittenPlainly) {
  const Document document =
      parse_yaml("octal: 010\nyes: 1.5\nquoted: \"3\"\nword: no\nvast: 99999999999999999999\n", "f");
  Fields fields(document);
  for (const char* key : {"octal", "yes", "quoted", "word", "vast"}) {
    EXPECT_THAT(refusal([&] { fields.integer(key); }), HasSubstr("expected an integer")) << key;
  }
  EXPECT_THAT(refusal([&] { fields.boolean_or("word", true); }), HasSubstr("expected true or false"));
}

TEST(ConfigReader, BrokenFilesNameTheLine) {
  EXPECT_THAT(refusal([] { parse_json("{\"a\": 1,\n\"b\": }", "f.json"); }),
              HasSubstr("f.json:2:6: found broken JSON near"));
  EXPECT_THAT(refusal([] { parse_json("{\"a\": NaN}", "f.json"); }), HasSubstr("f.json:1:"));
  EXPECT_THAT(refusal([] { parse_json("{\"a\": 1", "f.json"); }), HasSubstr("found the end of the file"));
  EXPECT_THAT(refusal([] { parse_yaml("a: [1, 2\nb: 3\n", "f.yaml"); }), HasSubstr("found broken YAML"));
  EXPECT_THAT(refusal([] { parse_yaml("", "f.yaml"); }), HasSubstr("found an empty file"));
  EXPECT_THAT(refusal([] { parse_yaml("a: &x 1\nb: *x\n", "f.yaml"); }), HasSubstr("found an anchor"));
}

TEST(ConfigReader, NestingIsBounded) {
  const std::string deep_json = std::string(100, '[') + std::string(100, ']');
  EXPECT_THAT(refusal([&] { parse_json(deep_json, "f.json"); }), HasSubstr("nesting deeper than 64"));
  EXPECT_THAT(refusal([&] { parse_yaml(deep_json, "f.yaml"); }), HasSubstr("nesting deeper than 64"));
  EXPECT_NE(refusal([&] { parse_yaml(std::string(100000, '['), "f.yaml"); }), "");
}

TEST(ConfigReader, MissingFileAndFolder) {
  EXPECT_EQ(refusal([] { read_config_file("no/such.json"); }),
            "no/such.json: found no such file, expected a readable file");
  EXPECT_EQ(refusal([] { read_config_file("."); }), ".: found a folder, expected a readable file");
}

}  // namespace
}  // namespace memwall
