// The JSON of every verb against its schema in docs/json, with a checker of the part of JSON Schema that the
// schemas use; a keyword beyond it is an error, so nothing goes unchecked.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/golden/run_program.h"

namespace memwall {
namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "null" && value.is_null()) || (type == "number" && value.is_number()) ||
         (type == "integer" && (value.is_number_integer() ||
                                (value.is_number_float() && std::floor(value.get<double>()) == value)));
}

class SchemaChecker {
 public:
  explicit SchemaChecker(json root) : root_(std::move(root)) {}

  // What is wrong, one line each; empty when the value is valid.
  std::vector<std::string> check(const json& value) {
    errors_.clear();
    check(value, root_, "$");
    return errors_;
  }

 private:
  void check(const json& value, const json& schema, const std::string& path) {
    for (const auto& [keyword, rule] : schema.items()) {
      check_keyword(value, schema, keyword, rule, path);
    }
  }

  void check_keyword(const json& value, const json& schema, const std::string& keyword, const json& rule,
                     const std::string& path) {
    const auto expect = [&](bool good) {
      if (!good) {
        errors_.push_back(path + ": " + keyword + " " + rule.dump() + ", found " +
                          value.dump().substr(0, 60));
      }
    };
    if (keyword == "type") {
      const json types = rule.is_array() ? rule : json::array({rule});
      expect(
          std::any_of(types.begin(), types.end(), [&](const json& type) { return has_type(value, type); }));
    } else if (keyword == "required") {
      for (const json& key : rule) {
        expect(!value.is_object() || value.contains(key.get<std::string>()));
      }
    } else if (keyword == "properties") {
      for (const auto& [key, inner] : rule.items()) {
        if (value.is_object() && value.contains(key)) {
          check(value[key], inner, path + "." + key);
        }
      }
    } else if (keyword == "additionalProperties") {
      for (const auto& item : value.items()) {
        expect(!value.is_object() || schema["properties"].contains(item.key()));
      }
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        check(value[i], rule, path + "[" + std::to_string(i) + "]");
      }
    } else if (keyword == "enum") {
      expect(std::find(rule.begin(), rule.end(), value) != rule.end());
    } else if (keyword == "minimum") {
      expect(!value.is_number() || value.get<double>() >= rule.get<double>());
    } else if (keyword == "maximum") {
      expect(!value.is_number() || value.get<double>() <= rule.get<double>());
    } else if (keyword == "$ref") {
      check(value, root_.at(json::json_pointer(rule.get<std::string>().substr(1))), path);
    } else if (keyword != "description" && keyword != "title" && keyword != "$schema" && keyword != "$defs") {
      errors_.push_back(path + ": the checker does not know '" + keyword + "'");
    }
  }

  json root_;
  std::vector<std::string> errors_;
};

json schema_of(const std::string& name) {
  std::ifstream stream(std::string(MEMWALL_SOURCE_DIR) + "/docs/json/" + name + ".schema.json");
  return json::parse(stream);
}

json output_of(const std::string& arguments) {
  const Sandbox::Result result = Sandbox().run("memwall " + arguments + " --json");
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  return json::parse(result.output);
}

TEST(SchemaChecker, FindsWhatIsWrong) {
  SchemaChecker checker(json::parse(R"({"type": "object", "required": ["a"], "additionalProperties": false,
      "properties": {"a": {"type": ["integer", "null"], "minimum": 1}, "b": {"enum": ["x"]},
                     "c": {"items": {"$ref": "#/$defs/half"}}},
      "$defs": {"half": {"type": "number", "maximum": 0.5}}})"));
  EXPECT_THAT(checker.check(json::parse(R"({"a": 1, "b": "x", "c": [0.5]})")), testing::IsEmpty());
  EXPECT_THAT(checker.check(json::parse(R"({"a": null})")), testing::IsEmpty());
  EXPECT_THAT(checker.check(json::parse("[]")), testing::SizeIs(1));
  EXPECT_THAT(checker.check(json::parse("{}")), testing::SizeIs(1));
  EXPECT_THAT(checker.check(json::parse(R"({"a": 0, "b": "y", "c": [0.6], "d": 1})")), testing::SizeIs(4));
  EXPECT_THAT(checker.check(json::parse(R"({"a": 1.5})")), testing::SizeIs(1));
  EXPECT_THAT(SchemaChecker(json{{"pattern", "x"}}).check(1), testing::SizeIs(1));
}

struct VerbCase {
  const char *schema, *arguments;
};

// The name of a test is the same in every run.
void PrintTo(const VerbCase& verb, std::ostream* out) { *out << verb.arguments; }

class VerbJson : public testing::TestWithParam<VerbCase> {};

TEST_P(VerbJson, FollowsItsSchema) {
  EXPECT_THAT(SchemaChecker(schema_of(GetParam().schema)).check(output_of(GetParam().arguments)),
              testing::IsEmpty());
}

constexpr const char* kStep = " --model gpt-oss-120b --system hnlpu-16 --decode 8@2048 --prefill 1@256";
const std::string kProgram = std::string("explain program") + kStep;
const std::string kLedger = std::string("explain ledger") + kStep;

INSTANTIATE_TEST_SUITE_P(
    Verbs, VerbJson,
    testing::Values(
        VerbCase{"list", "list"}, VerbCase{"list", "list models"}, VerbCase{"list", "list families"},
        VerbCase{"race",
                 "race --model gpt-oss-120b --model llama-3.1-8b --systems hgx-h100,taalas-hc1,hnlpu-16"},
        VerbCase{"step", "step --model llama-3.1-70b --system 8xh100 --decode 64@4096"},
        VerbCase{"step", "step --model llama-3.1-70b --system 8xh100 --decode 4@512 --prefill 1@2048+512"},
        VerbCase{"step", "step --model llama-3.1-405b --system 1xh100 --decode 64@4096"},
        VerbCase{"speculate",
                 "speculate --model llama-3.1-70b --system hgx-h100 --draft-model llama-3.2-1b "
                 "--draft-system 1xh100"},
        VerbCase{"op", "op gemm --system 1xh100 --m 1 --n 4096 --k 4096 --format bf16"},
        VerbCase{"op", "op attention --system 1xh100 --heads 64 --kv-heads 8 --decode 64@4096"},
        VerbCase{"op", "op allreduce --system 8xh100 --bytes 64KiB"},
        VerbCase{"op-split", "op gemm --split --system 1xsplittable --m 4"},
        VerbCase{"sweep", "sweep --system hgx-h100 --model llama-3.1-70b --decode 8@512 --fact host.step"},
        VerbCase{"sweep",
                 "sweep --system 1xtpu-v6e --model llama-3.1-8b --decode 8@512 --fact hbm.capacity "
                 "--values '8 GB'"},
        VerbCase{"sweep", "sweep --system 1xtpu-v6e --figure matrix.bf16_peak"},
        VerbCase{"op", "op moe --system 1xb200 --tokens 64 --format mxfp4"}, VerbCase{"validate", "validate"},
        VerbCase{"validate", "validate --carry h200=h100"},
        VerbCase{"calibrate", "calibrate --system 1xh100 --evaluations 20"},
        VerbCase{"harden", "harden smollm2-135m --seed 1 --tensor blk.0.o.weight --out wires"},
        VerbCase{"explain-model", "explain model --model gpt-oss-120b"},
        VerbCase{"explain-step", "explain step --model deepseek-v3 --decode 64@4096"},
        VerbCase{"explain-placement", "explain placement --model llama-3.1-70b --system 8xh100 --decode 1@1"},
        VerbCase{"explain-placement", "explain placement --model llama-3.1-70b --system 1xh100 --decode 1@1"},
        VerbCase{"explain-program", kProgram.c_str()}, VerbCase{"explain-ledger", kLedger.c_str()},
        VerbCase{"explain-chip", "explain chip --chip h100"},
        VerbCase{"explain-cost", "explain cost --system hnlpu-16"},
        VerbCase{"explain-system", "explain system --system hgx-h100"},
        VerbCase{"explain-figures", "explain figures --system hnlpu-16"}));

TEST(VerbJson, SharesSumToOne) {
  for (const char* arguments : {"step --model llama-3.1-70b --system 8xh100 --decode 64@4096",
                                "op gemm --system 1xh100 --m 16 --n 4096 --k 4096"}) {
    const json output = output_of(arguments);
    double sum = 0;
    for (const auto& share : output["shares"]) {
      sum += share.get<double>();
    }
    EXPECT_NEAR(sum, 1, 1e-9);
  }
}

// Rates follow from times by their definitions.
TEST(VerbJson, RaceFiguresAgreeWithEachOther) {
  const json race = output_of("race --model llama-3.1-8b --systems hgx-h100 --batch 4");
  const json& result = race["results"][0];
  const double tpot = result["tpot_s"];
  EXPECT_NEAR(result["tokens_per_s_per_user"].get<double>() * tpot, 1, 1e-12);
  EXPECT_NEAR(result["tokens_per_s"].get<double>() * tpot, result["users"].get<double>(), 1e-9);
  EXPECT_NEAR(result["tokens_per_s_per_chip"].get<double>() * 8, result["tokens_per_s"].get<double>(), 1e-6);
  EXPECT_EQ(result["bound_by"], result["decode"]["bound_by"]);
  EXPECT_EQ(result["decode"]["time_s"], result["tpot_s"]);
  // The step of the same batch at the mean context is the same step.
  const json step = output_of("step --model llama-3.1-8b --system hgx-h100 --decode 4@4352 --plan '" +
                              result["plan"].get<std::string>() + "'");
  EXPECT_EQ(step["time_s"], result["tpot_s"]);
}

// CSV has the same figures under the same names.
TEST(VerbCsv, HasTheKeysOfJson) {
  const Sandbox::Result csv = Sandbox().run("memwall op gemm --system 1xh100 --csv");
  EXPECT_EQ(csv.status, 0) << csv.errors;
  EXPECT_EQ(std::count(csv.output.begin(), csv.output.end(), '\n'), 2);
  for (const char* key : {"time_s", "bound_s", "energy_j", "ops", "bytes", "shares.weights"}) {
    EXPECT_THAT(csv.output, testing::HasSubstr(key));
  }
  const Sandbox::Result race =
      Sandbox().run("memwall race --model llama-3.1-8b --systems hgx-h100,hgx-h200 --csv");
  EXPECT_EQ(std::count(race.output.begin(), race.output.end(), '\n'), 3);
}

}  // namespace
}  // namespace memwall
