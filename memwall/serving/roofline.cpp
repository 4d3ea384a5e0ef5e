#include "memwall/serving/roofline.h"

#include <vector>

namespace memwall {
namespace {

// Amounts of one resource over the whole program and all replicas.
struct Use {
  double useful_ops = 0;
  double fetched = 0;  // useful bytes of weights and KV
  double charged = 0;
};

std::vector<Use> uses_of(const Program& program) {
  std::vector<Use> uses(program.resources.size());
  for (const Block& block : program.blocks) {
    const double times = static_cast<double>(block.repeat) * program.replicas;
    for (const Task& task : block.tasks) {
      for (std::int32_t i = 0; i < task.demand_count; ++i) {
        const Demand& demand = task.demands[static_cast<std::size_t>(i)];
        const auto index = static_cast<std::size_t>(demand.resource);
        const Amount amount = program.resources[index].amount;
        const bool fetches = demand.category == Category::weights || demand.category == Category::kv;
        uses[index].charged += times * demand.charged;
        uses[index].useful_ops += amount == Amount::ops ? times * demand.useful : 0;
        uses[index].fetched += amount == Amount::bytes && fetches ? times * demand.useful : 0;
      }
    }
  }
  return uses;
}

}  // namespace

Roofline roofline_of(const Program& program) {
  const std::vector<Use> uses = uses_of(program);
  Roofline roof;
  double most_fetched = 0;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const Resource& resource = program.resources[i];
    const double peak = resource.peak_rate * program.replicas;
    if (uses[i].useful_ops > 0 && peak > roof.peak_ops.value) {
      roof.arithmetic = resource.name;
      roof.peak_ops = OpsPerSecond(peak);
    }
    if (uses[i].fetched > most_fetched) {
      most_fetched = uses[i].fetched;
      roof.memory = resource.name;
      roof.peak_bandwidth = BytesPerSecond(peak);
      roof.bytes = Bytes(uses[i].charged);
    }
  }
  return roof;
}

Bytes bytes_of(const Program& program, const std::string& resource) {
  const std::vector<Use> uses = uses_of(program);
  for (std::size_t i = 0; i < uses.size(); ++i) {
    if (program.resources[i].name == resource && program.resources[i].amount == Amount::bytes) {
      return Bytes(uses[i].charged);
    }
  }
  return Bytes(0);
}

}  // namespace memwall
