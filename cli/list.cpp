#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/verbs.h"
#include "memwall/core/data_files.h"
#include "memwall/core/error.h"
#include "memwall/model/read_model.h"
#include "memwall/report/list_report.h"

namespace memwall {
namespace {

struct ListOptions {
  std::string what;  // empty: all four
  OutputOptions output;
};

template <class Card, class Read>
std::vector<Card> read_cards(const std::string& kind, Read read) {
  std::vector<Card> cards;
  for (const std::string& name : card_names(kind)) {
    cards.push_back(read(name));
  }
  return cards;
}

void list(const ListOptions& options) {
  options.output.check();
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  std::string tables;
  const auto add = [&](const std::string& kind, const auto& to_table, const auto& to_json, const auto& read) {
    if (!options.what.empty() && options.what != kind) {
      return;
    }
    const auto cards = read();
    tables += (tables.empty() ? "" : "\n") + to_table(cards);
    json[kind] = to_json(cards);
  };
  add("models", models_table, models_json,
      [] { return read_cards<Model>("models", [](const std::string& name) { return read_model(name); }); });
  add("chips", chips_table, chips_json, [] { return read_cards<Chip>("chips", read_chip); });
  add("systems", systems_table, systems_json, [] { return read_cards<System>("systems", read_system); });
  add("families", families_table, families_json, [] {
    std::vector<FamilyEntry> families;
    const ProcessorRegistry processors = builtin_processors();
    for (const ProcessorRegistry::Entry& entry : processors.list()) {
      families.push_back({entry.name, entry.summary});
    }
    return families;
  });
  if (options.output.csv && options.what.empty()) {
    throw ConfigError("list", "--csv without a kind", "one of models, chips, systems, families");
  }
  print(options.output, [&] { return tables; }, [&] { return json; }, options.what);
}

}  // namespace

void add_list(const Verb& root) {
  const Verb verb = root.verb("list", "What memwall knows: models, chips, systems, processor families");
  const auto options = std::make_shared<ListOptions>();
  verb.positional("what", &options->what, {"models", "chips", "systems", "families"},
                  "models, chips, systems or families; default: all");
  add_output_options(verb, &options->output);
  verb.examples("  memwall list models\n  memwall list chips --json\n");
  verb.action([options] { list(*options); });
}

}  // namespace memwall
