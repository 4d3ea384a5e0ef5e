#include "memwall/processors/wafer/mesh_parts.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <unordered_map>

namespace memwall::mesh {
namespace {

class Joined {
 public:
  explicit Joined(int count) : parent_(static_cast<std::size_t>(count)) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  std::int32_t first_of(std::int32_t core) {
    while (parent_[core] != core) {
      parent_[core] = parent_[parent_[core]];
      core = parent_[core];
    }
    return core;
  }
  void join(std::int32_t a, std::int32_t b) {
    a = first_of(a);
    b = first_of(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::int32_t> parent_;
};

// Equal parts have equal digests; which parts are equal is decided by comparing them.
class Digest {
 public:
  void add(std::int64_t value) {
    constexpr std::uint64_t kPrime = 0x9E3779B97F4A7C15ULL;
    constexpr int kHalf = 32;
    value_ = (value_ ^ static_cast<std::uint64_t>(value)) * kPrime;
    value_ ^= value_ >> kHalf;
  }
  void add(const CoreProgram& core) {
    add(core.repeat);
    for (const Route& route : core.routes) {
      add(route.color);
      for (const SwitchPosition& position : route.positions) {
        add(static_cast<int>(position.input));
        add(position.outputs);
      }
    }
    for (const Instruction& each : core.start) {
      add(each.length);
      add(each.to.where);
      add(each.from.where);
    }
    add(static_cast<std::int64_t>(core.bound.size()));
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 1;
};

bool are_alike(const MeshProgram& program, const std::vector<std::int32_t>& a,
               const std::vector<std::int32_t>& b) {
  const std::int32_t offset = b.front() - a.front();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i >= b.size() || b[i] - a[i] != offset || !(program.cores[a[i]] == program.cores[b[i]])) {
      return false;
    }
  }
  return a.size() == b.size();
}

}  // namespace

std::vector<SamePart> parts_of(const MeshProgram& program) {
  Joined joined(program.count());
  const std::array<std::int32_t, kNeighbours> step = {-program.columns, 1, program.columns, -1};
  for (std::int32_t core = 0; core < program.count(); ++core) {
    for (const Route& route : program.cores[core].routes) {
      for (const SwitchPosition& position : route.positions) {
        for (int d = 0; d < kNeighbours; ++d) {
          if ((position.outputs & (1U << d)) != 0) {
            joined.join(core, core + step[d]);
          }
        }
      }
    }
  }
  std::vector<std::vector<std::int32_t>> cores_of(program.cores.size());
  for (std::int32_t core = 0; core < program.count(); ++core) {
    cores_of[joined.first_of(core)].push_back(core);
  }
  std::vector<SamePart> parts;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_digest;  // looked up, never gone through
  for (std::vector<std::int32_t>& cores : cores_of) {
    if (cores.empty()) {
      continue;
    }
    Digest digest;
    for (const std::int32_t core : cores) {
      digest.add(program.cores[core]);
    }
    std::vector<std::size_t>& candidates = by_digest[digest.value()];
    const auto same = std::find_if(candidates.begin(), candidates.end(), [&](std::size_t part) {
      return are_alike(program, parts[part].cores, cores);
    });
    if (same != candidates.end()) {
      parts[*same].offsets.push_back(cores.front() - parts[*same].cores.front());
    } else {
      candidates.push_back(parts.size());
      parts.push_back({std::move(cores), {0}});
    }
  }
  return parts;
}

}  // namespace memwall::mesh
