#include "memwall/hardware/system.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "memwall/core/config_reader.h"
#include "memwall/core/data_files.h"
#include "memwall/core/names.h"

namespace memwall {
namespace {

constexpr int kMostChips = 1 << 20;
constexpr std::array kRoles = {PoolRole::everything, PoolRole::prefill, PoolRole::decode, PoolRole::attention,
                               PoolRole::ffn};

PoolRole role_named(const std::string& text, Fields& pool) {
  std::vector<std::string> known;
  for (const PoolRole role : kRoles) {
    if (name(role) == text) {
      return role;
    }
    known.emplace_back(name(role));
  }
  throw ConfigError(pool.where("role"), pool.key_path("role"), quoted(text), suggest_names(text, known));
}

// Chips of a pool beyond one scale-up domain need a link of another kind.
void require_links(const System& system, const Pool& pool, const Location& where, const std::string& key) {
  const auto card_of = [&](const std::string& fact) -> const Chip& {
    return system.facts.has(fact) ? system.facts : pool.chip;
  };
  const double domain = card_of("scale_up.domain").get_or<Ratio>("scale_up.domain", Ratio(1));
  if (pool.count > domain && !card_of("scale_out.bandwidth").has("scale_out.bandwidth")) {
    throw ConfigError(
        where, key, fmt::format("{} chips of {}", pool.count, pool.chip.name),
        fmt::format("at most {:g}, the scale_up.domain of {}, or a scale_out.bandwidth on a card", domain,
                    pool.chip.name));
  }
}

// One token needs every operator of the model: a lone prefill or attention pool cannot produce it.
void require_roles_cover(const System& system, Fields& root) {
  const auto has = [&](PoolRole role) {
    return std::any_of(system.pools.begin(), system.pools.end(),
                       [role](const Pool& pool) { return pool.role == role; });
  };
  const bool decodes = has(PoolRole::everything) || (has(PoolRole::attention) && has(PoolRole::ffn)) ||
                       (has(PoolRole::decode) && has(PoolRole::prefill));
  if (!decodes) {
    throw ConfigError(root.where("pools"), "pools", "roles that do not make a token",
                      "everything, or prefill with decode, or attention with ffn");
  }
}

// A box says of itself what it costs, of its links what they do, and of anything on a chip's card that it is
// otherwise here.
void refuse_unknown_facts(const System& system) {
  std::vector<std::string> known = {"all_in_power",   "price",      "price_per_hour",
                                    "tco_per_hour.*", "nre.*",      "scale_up.*",
                                    "scale_out.*",    "crossing.*", "cost.*"};
  for (const Pool& pool : system.pools) {
    for (const auto& [key, fact] : pool.chip.facts) {
      known.push_back(key);
    }
    for (const auto& [key, word] : pool.chip.words) {
      known.push_back(key);
    }
  }
  system.facts.refuse_unknown(known);
}

Pool read_pool(Fields& fields, const std::filesystem::path& folder) {
  Pool pool;
  std::string chip = fields.string("chip");
  if (is_card_path(chip)) {
    chip = (folder / chip).string();
  }
  pool.chip = read_chip(chip);
  pool.count = static_cast<int>(fields.integer("count", 1, kMostChips));
  pool.role = role_named(fields.string_or("role", "everything"), fields);
  fields.finish();
  return pool;
}

// "8xh100" -> (8, "h100"); nullopt for anything that does not begin with digits and an x.
struct Shorthand {
  std::int64_t count = 0;
  std::string chip;
};
std::optional<Shorthand> parse_shorthand(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || text[digits] != 'x') {
    return std::nullopt;
  }
  Shorthand shorthand{0, text.substr(digits + 1)};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + digits, shorthand.count);
  if (error != std::errc() || shorthand.count < 1 || shorthand.count > kMostChips) {
    throw ConfigError("system", quoted(text), fmt::format("a count of chips from 1 to {}", kMostChips));
  }
  return shorthand;
}

System system_of(const Shorthand& shorthand, const std::string& text) {
  System system;
  Pool pool;
  pool.chip = read_chip(shorthand.chip);
  pool.count = static_cast<int>(shorthand.count);
  system.name = text;
  system.title = fmt::format("{} x {}", pool.count, pool.chip.title);
  system.file = pool.chip.file;
  system.facts.name = text;
  system.facts.file = pool.chip.file;
  require_links(system, pool, Location{}, "system");
  system.pools.push_back(std::move(pool));
  return system;
}

}  // namespace

std::string_view name(PoolRole role) {
  switch (role) {
    case PoolRole::everything:
      return "everything";
    case PoolRole::prefill:
      return "prefill";
    case PoolRole::decode:
      return "decode";
    case PoolRole::attention:
      return "attention";
    case PoolRole::ffn:
      return "ffn";
  }
  return "";
}

int System::chips() const {
  int total = 0;
  for (const Pool& pool : pools) {
    total += pool.count;
  }
  return total;
}

System parse_system(const std::string& text, const std::string& file) {
  const Document document = parse_yaml(text, file);
  Fields root(document);
  System system;
  system.file = file;
  system.name = std::filesystem::path(file).stem().string();
  system.title = root.string("title");
  system.facts.name = system.name;
  system.facts.title = system.title;
  system.facts.file = file;
  system.facts.sources = read_sources(root);
  read_facts(root, system.facts, {"title", "sources", "pools"});
  for (Fields& fields : root.mappings("pools")) {
    Pool pool = read_pool(fields, std::filesystem::path(file).parent_path());
    require_links(system, pool, fields.where("count"), fields.key_path("count"));
    system.pools.push_back(std::move(pool));
  }
  if (system.pools.empty()) {
    throw ConfigError(root.where("pools"), "pools", "an empty list", "at least one pool of chips");
  }
  if (system.chips() > kMostChips) {
    throw ConfigError(root.where("pools"), "pools", fmt::format("{} chips", system.chips()),
                      fmt::format("at most {} chips", kMostChips));
  }
  require_roles_cover(system, root);
  refuse_unknown_facts(system);
  return system;
}

System read_system(const std::string& name_or_path) {
  if (const std::optional<Shorthand> shorthand = parse_shorthand(name_or_path)) {
    return system_of(*shorthand, name_or_path);
  }
  const std::filesystem::path file =
      is_card_path(name_or_path) ? std::filesystem::path(name_or_path) : card_file("systems", name_or_path);
  return parse_system(read_text_file(file), file.string());
}

std::string to_text(const System& system) {
  std::string text = fmt::format("{}: {}\n", system.name, system.title);
  for (const Pool& pool : system.pools) {
    text += fmt::format("  {} x {} ({})\n", pool.count, pool.chip.name, name(pool.role));
  }
  if (!system.facts.facts.empty()) {
    text += to_text(system.facts);
  }
  std::vector<std::string> shown;
  for (const Pool& pool : system.pools) {
    if (std::find(shown.begin(), shown.end(), pool.chip.name) == shown.end()) {
      shown.push_back(pool.chip.name);
      text += to_text(pool.chip);
    }
  }
  return text;
}

}  // namespace memwall
