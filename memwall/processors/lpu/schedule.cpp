#include "memwall/processors/lpu/schedule.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace memwall {
namespace {

constexpr int kLinksPerSide = kLinksPerChip / 2;
constexpr int kMostSlots = 1 << 16;
constexpr std::int64_t kMostCycles = std::int64_t{1} << 40;

bool in_range(const LpuGeometry& g, const StreamRange& streams) {
  return streams.count >= 0 && streams.first >= 0 && streams.first + streams.count <= g.streams;
}

// What is wrong with the fields of one instruction, or nothing.
std::string wrong_field(const LpuSchedule& schedule, const LpuInstruction& i) {
  const LpuGeometry& g = schedule.geometry;
  const auto streams = [&](const StreamRange& range, int count) { return range.count == count; };
  if (i.chip < 0 || i.chip >= schedule.chips) {
    return fmt::format("no chip {}", i.chip);
  }
  if (i.cycle < 0 || i.cycle > kMostCycles) {
    return "a cycle before 0 or beyond 2^40";
  }
  for (const StreamRange& range : {i.in, i.out, i.out2, i.a.streams, i.b.streams}) {
    if (!in_range(g, range)) {
      return fmt::format("streams beyond the {} of a direction", g.streams);
    }
  }
  const auto limited = [&](int value, int least, int most, const char* what) {
    return value < least || value > most
               ? fmt::format("{} {}, where {} to {} exist", what, value, least, most)
               : std::string();
  };
  switch (i.opcode) {
    case LpuOpcode::read:
    case LpuOpcode::write: {
      std::string wrong = limited(i.unit, 1, g.mem_slices, "slice");
      wrong = wrong.empty() ? limited(i.bank, 0, LpuGeometry::kBanks - 1, "bank") : wrong;
      wrong = wrong.empty() ? limited(i.row, 0, g.words_per_bank - 1, "row") : wrong;
      const bool one = streams(i.opcode == LpuOpcode::read ? i.out : i.in, 1);
      return wrong.empty() && !one ? "a vector of bytes is one stream" : wrong;
    }
    case LpuOpcode::alu: {
      std::string wrong = limited(i.unit, 0, g.alus - 1, "ALU");
      for (const AluInput& input : {i.a, i.b}) {
        if (input.kind == AluInput::Kind::streams && input.streams.count != width(input.type)) {
          wrong = "as many streams as the type has bytes";
        }
        if (input.kind == AluInput::Kind::result && (input.alu < 0 || input.alu >= g.alus)) {
          wrong = limited(input.alu, 0, g.alus - 1, "ALU");
        }
      }
      for (const StreamRange& out : {i.out, i.out2}) {
        if (out.count > 0 && (out.count != width(i.type) || i.type == LaneType::int32)) {
          wrong = "as many streams as the type has bytes";
        }
      }
      return i.a.kind == AluInput::Kind::none ? "no operand" : wrong;
    }
    case LpuOpcode::load:
    case LpuOpcode::install:
    case LpuOpcode::pass:
    case LpuOpcode::accumulate: {
      if (i.opcode != LpuOpcode::accumulate && i.is_pair() && i.unit != 0) {
        return "a pair of planes is plane 0";
      }
      if (i.opcode == LpuOpcode::load && (i.in.count == 0 || (i.is_pair() && i.in.count % 2 != 0))) {
        return "no whole vector of weights";
      }
      if (i.opcode == LpuOpcode::pass && i.in.count != width(i.type)) {
        return "as many streams as the type has bytes";
      }
      if (i.opcode != LpuOpcode::accumulate && width(i.type) > 2) {
        return "arrays multiply int8, fp8 and fp16";
      }
      if (i.opcode == LpuOpcode::accumulate && i.out.count != 0 && i.out.count != width(LaneType::fp32)) {
        return "a sum is four streams";
      }
      std::string wrong = limited(i.unit, 0, LpuGeometry::kPlanesPerHemisphere - 1, "plane");
      return wrong.empty() ? limited(i.slot, 0, kMostSlots - 1, "accumulator") : wrong;
    }
    case LpuOpcode::permute: {
      std::string wrong = limited(i.unit, 0, g.switch_units - 1, "SXM unit");
      if (wrong.empty() && (i.in.count == 0 || i.out.count != i.in.count)) {
        return "as many streams out as in";
      }
      return wrong.empty() ? limited(i.table, 0, static_cast<int>(schedule.tables.size()) - 1, "table")
                           : wrong;
    }
    case LpuOpcode::send:
    case LpuOpcode::receive: {
      std::string wrong = limited(i.unit, 0, kLinksPerSide - 1, "link");
      if (!wrong.empty()) {
        return wrong;
      }
      const std::size_t link = static_cast<std::size_t>(i.chip) * kLinksPerChip +
                               static_cast<std::size_t>(2 * i.unit) + (i.side == Hemisphere::east ? 1 : 0);
      if (link >= schedule.links.size() || schedule.links[link].chip < 0) {
        return "no chip at the other end of the link";
      }
      return streams(i.opcode == LpuOpcode::send ? i.in : i.out, 1) ? "" : "a vector of bytes is one stream";
    }
  }
  return "";
}

}  // namespace

std::string to_text(const LpuScheduleError& error) {
  return fmt::format("cycle {}, chip {}, {}, '{}': {}", error.cycle, error.chip, error.slice,
                     error.instruction, error.what);
}

void sort_instructions(LpuSchedule& schedule) {
  const LpuGeometry& g = schedule.geometry;
  std::stable_sort(schedule.instructions.begin(), schedule.instructions.end(),
                   [&](const LpuInstruction& a, const LpuInstruction& b) {
                     return std::tuple(a.cycle, a.chip, queue_of(g, a), a.bank) <
                            std::tuple(b.cycle, b.chip, queue_of(g, b), b.bank);
                   });
}

std::optional<LpuScheduleError> check_instructions(const LpuSchedule& schedule) {
  const LpuGeometry& g = schedule.geometry;
  const LpuInstruction* before = nullptr;
  int queue_before = -1;
  for (const LpuInstruction& i : schedule.instructions) {
    const auto error = [&](std::string slice, std::string what) {
      return LpuScheduleError{i.cycle, i.chip, std::move(slice), to_text(i), std::move(what)};
    };
    const std::string wrong = wrong_field(schedule, i);
    if (!wrong.empty()) {
      return error("no slice", wrong);
    }
    const int queue = queue_of(g, i);
    if (before != nullptr && before->cycle == i.cycle && before->chip == i.chip && queue_before == queue) {
      const bool memory = i.opcode == LpuOpcode::read || i.opcode == LpuOpcode::write;
      if (!memory) {
        return error(queue_name(g, queue),
                     "its queue dispatches '" + to_text(*before) + "' in the same cycle");
      }
      if (before->bank == i.bank) {
        return error(queue_name(g, queue),
                     fmt::format("bank {} is taken by '{}' in the same cycle", i.bank, to_text(*before)));
      }
    }
    before = &i;
    queue_before = queue;
  }
  return std::nullopt;
}

}  // namespace memwall
