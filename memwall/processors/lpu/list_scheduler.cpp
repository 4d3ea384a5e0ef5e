#include "memwall/processors/lpu/list_scheduler.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr std::int64_t kLongestSearch = 1 << 16;
constexpr int kWestTurn = 4;
constexpr int kAttemptBits = 5;
constexpr int kSides = 2, kPlanesPerSide = LpuGeometry::kPlanesPerHemisphere;

StreamDirection outward(Hemisphere side) {
  return side == Hemisphere::east ? StreamDirection::east : StreamDirection::west;
}
StreamDirection inward(Hemisphere side) {
  return side == Hemisphere::east ? StreamDirection::west : StreamDirection::east;
}
std::size_t at(int i) { return static_cast<std::size_t>(i); }
std::size_t side_index(std::int32_t chip, Hemisphere side) {
  return static_cast<std::size_t>(chip) * kSides + static_cast<std::size_t>(side);
}
int pass_interval(const WeightTile& tile) { return tile.type == LaneType::fp16 ? 2 : 1; }

}  // namespace

ListScheduler::ListScheduler(LpuSchedule& schedule, const std::vector<LinkEnd>& links)
    : schedule_(schedule), g_(schedule.geometry), taken_(g_) {
  const auto chips = static_cast<std::size_t>(schedule.chips);
  schedule_.links = links;
  arrays_.resize(chips * kSides * kPlanesPerSide);
  next_scratch_.assign(chips * kSides, 0);
  next_place_.assign(chips * LpuGeometry::kBanks, {});
  scratch_rows_.assign(chips * kSides * LpuGeometry::kBanks * at(g_.scratch_slices()), 0);
  tile_rows_.assign(chips * kSides * kPlanesPerSide, {0, 0});
  link_free_.assign(links.size(), 0);
}

int ListScheduler::label(const std::string& text) {
  const auto found = std::find(schedule_.labels.begin(), schedule_.labels.end(), text);
  if (found != schedule_.labels.end()) {
    return static_cast<int>(found - schedule_.labels.begin());
  }
  schedule_.labels.push_back(text);
  return static_cast<int>(schedule_.labels.size()) - 1;
}

int ListScheduler::table(const std::vector<std::int16_t>& lanes) {
  const auto found = std::find(schedule_.tables.begin(), schedule_.tables.end(), lanes);
  if (found != schedule_.tables.end()) {
    return static_cast<int>(found - schedule_.tables.begin());
  }
  schedule_.tables.push_back(lanes);
  return static_cast<int>(schedule_.tables.size()) - 1;
}

int& ListScheduler::next_row(const VectorAddress& address) {
  const std::size_t area = side_index(address.chip, address.side) * LpuGeometry::kBanks + at(address.bank);
  return scratch_rows_[area * at(g_.scratch_slices()) + at(address.slice - 1)];
}

std::vector<VectorAddress> ListScheduler::places(std::int32_t chip, Hemisphere side, int first, int bytes,
                                                 int bank) {
  std::vector<VectorAddress> planes;
  for (int b = 0; b < bytes; ++b) {
    const auto slice = static_cast<std::int16_t>((first + b) % g_.scratch_slices() + 1);
    planes.push_back({chip, side, slice, static_cast<std::int16_t>(bank), 0});
    planes.back().row = next_row(planes.back());
    if (planes.back().row >= g_.words_per_bank) {
      throw ConfigError("schedule",
                        fmt::format("more than {} vectors in a slice beside the VXM", g_.words_per_bank),
                        "a layer whose activations fit into the scratch slices");
    }
  }
  return planes;
}

std::vector<VectorAddress> ListScheduler::take_places(std::int32_t chip, Hemisphere side, int first,
                                                      int bytes, int bank) {
  std::vector<VectorAddress> planes = places(chip, side, first, bytes, bank);
  for (const VectorAddress& address : planes) {
    ++next_row(address);
  }
  return planes;
}

LaneVector ListScheduler::allocate(std::int32_t chip, LaneType type, NextReader reader,
                                   std::size_t followers) {
  constexpr std::size_t kPlacesInTurn = 2, kAllClose = 10;
  if (reader == NextReader::edge) {
    return allocate_on(chip, type, true, true);
  }
  LaneVector value;
  value.chip = chip;
  value.type = type;
  value.is_placed = false;
  value.preferred_place = std::min(followers < kAllClose ? 0 : static_cast<int>(followers % kPlacesInTurn),
                                   places_by_vxm(g_, width(type)) - 1);
  return value;
}

LaneVector ListScheduler::allocate_on(std::int32_t chip, LaneType type, bool west, bool east) {
  LaneVector value;
  value.chip = chip;
  value.type = type;
  for (const Hemisphere side : {Hemisphere::west, Hemisphere::east}) {
    const bool is_west = side == Hemisphere::west;
    if (is_west ? west : east) {
      int& place = next_scratch_[side_index(chip, side)];
      // Values that share a slice in the east do not in the west.
      const int turn = is_west ? kWestTurn * (place / g_.scratch_slices()) : 0;
      value.on(side).planes = take_places(chip, side, place + turn, width(type), 0);
      place += width(type);
    }
  }
  return value;
}

LaneVector ListScheduler::allocate_constant(std::int32_t chip, LaneType type, int bank) {
  LaneVector value;
  value.chip = chip;
  value.type = type;
  const int bytes = width(type);
  int& place = next_place_[at(chip * LpuGeometry::kBanks + bank)][at(bytes)];
  for (const Hemisphere side : {Hemisphere::west, Hemisphere::east}) {
    value.on(side).planes = take_places(chip, side, place * bytes, bytes, bank);
  }
  place = (place + 1) % places_by_vxm(g_, bytes);
  return value;
}

WeightTile ListScheduler::allocate_tile(std::int32_t chip, Hemisphere side, int plane, LaneType type,
                                        bool columns, int count, int bank) {
  const bool pair = type == LaneType::fp16;
  const auto index = side_index(chip, side) * kPlanesPerSide + static_cast<std::size_t>(plane);
  const auto rows_in = [&](std::size_t at) -> int& { return tile_rows_[at][static_cast<std::size_t>(bank)]; };
  const int row = pair ? std::max(rows_in(index), rows_in(index + 1)) : rows_in(index);
  const int steps = (count + g_.weight_streams() - 1) / g_.weight_streams();
  if (row + steps > g_.words_per_bank) {
    throw ConfigError("schedule",
                      fmt::format("weights of more than {} rows in a memory slice", g_.words_per_bank),
                      "a model whose weights fit into the chips");
  }
  rows_in(index) = row + steps;
  if (pair) {
    rows_in(index + 1) = row + steps;
  }
  return {chip, side, plane, type, columns, count, bank, row, 0};
}

VectorAddress ListScheduler::tile_address(const WeightTile& tile, int vector, int byte) const {
  const int streams = g_.weight_streams();
  const int plane = tile.type == LaneType::fp16 ? byte : tile.plane;
  VectorAddress address;
  address.chip = tile.chip;
  address.side = tile.side;
  address.slice = static_cast<std::int16_t>(g_.scratch_slices() + 1 + plane * streams + vector % streams);
  address.bank = static_cast<std::int16_t>(tile.bank);
  address.row = tile.row + vector / streams;
  return address;
}

ListScheduler::ArrayState& ListScheduler::array(std::int32_t chip, Hemisphere side, int plane) {
  return arrays_[side_index(chip, side) * kPlanesPerSide + static_cast<std::size_t>(plane)];
}

LpuInstruction ListScheduler::instruction(std::int32_t chip, LpuOpcode opcode, std::int64_t cycle) const {
  LpuInstruction i;
  i.chip = chip;
  i.opcode = opcode;
  i.cycle = cycle;
  i.label = label_;
  return i;
}

bool ListScheduler::add(Group& group, const LpuInstruction& i) {
  if (!taken_.take(i)) {
    return false;
  }
  group.instructions.push_back(i);
  return true;
}

// Streams side by side, free between the anchor and each of `ends`; count 0 when there are none. Activations
// take high numbers, weights and results low ones.
StreamRange ListScheduler::take_streams(std::int32_t chip, StreamDirection direction,
                                        const std::vector<int>& ends, std::int64_t anchor_cycle, int anchor) {
  const auto count = static_cast<int>(ends.size());
  const bool outwards = (direction == StreamDirection::east) == (std::max(anchor, ends.front()) > g_.vxm());
  for (int n = 0; n + count <= g_.streams; ++n) {
    const int first = outwards ? g_.streams - count - n : n;
    const std::size_t mark = taken_.mark();
    bool free = true;
    for (int b = 0; b < count && free; ++b) {
      free = taken_.take_stream(chip, direction, first + b, anchor, anchor_cycle,
                                ends[static_cast<std::size_t>(b)]);
    }
    if (free) {
      return {direction, static_cast<std::int16_t>(first), static_cast<std::int16_t>(count)};
    }
    taken_.undo_to(mark);
  }
  return {};
}

// Reads a value's bytes so that they meet at `to`.
bool ListScheduler::bring(Group& group, const LaneVector& value, Hemisphere side, int to,
                          std::int64_t arrival, StreamRange& streams) {
  const LaneVector::Copy& copy = value.on(side);
  assert(!copy.planes.empty());
  std::vector<int> from;
  for (const VectorAddress& address : copy.planes) {
    from.push_back(g_.at(side, address.slice));
  }
  const StreamDirection direction = to > from.front() ? StreamDirection::east : StreamDirection::west;
  streams = take_streams(value.chip, direction, from, arrival, to);
  if (streams.count == 0) {
    return false;
  }
  for (std::size_t b = 0; b < copy.planes.size(); ++b) {
    const VectorAddress& address = copy.planes[b];
    LpuInstruction read =
        instruction(value.chip, LpuOpcode::read, arrival - std::abs(to - from[b]) - g_.read_delay);
    if (read.cycle < copy.ready[b]) {
      return false;
    }
    read.side = side;
    read.unit = address.slice;
    read.bank = address.bank;
    read.row = address.row;
    read.out = {streams.direction, static_cast<std::int16_t>(streams.first + static_cast<int>(b)), 1};
    if (!add(group, read)) {
      return false;
    }
  }
  return true;
}

// Two operands in one bank of one slice cannot arrive together. The copy on the other side can; or one of
// them comes a level earlier and waits in an ALU. Which of them moves differs from try to try.
bool ListScheduler::add_value(Group& group, const ChainSource& source, std::size_t source_index,
                              std::int64_t arrival, Arrived& arrived) {
  const Hemisphere opposite = source.side == Hemisphere::east ? Hemisphere::west : Hemisphere::east;
  const bool swaps =
      (group.attempt >> (source_index % kAttemptBits) & 1) != 0 && source.value->is_on(opposite);
  const bool waits = (group.attempt >> (kAttemptBits + source_index % kAttemptBits) & 1) != 0;
  const Hemisphere first = swaps ? opposite : source.side, second = swaps ? source.side : opposite;
  const std::int64_t at = waits ? arrival - g_.alu_delay : arrival;
  const std::size_t mark = taken_.mark(), instructions = group.instructions.size();
  if (!bring(group, *source.value, first, g_.vxm(), at, arrived.streams)) {
    taken_.undo_to(mark);
    group.instructions.resize(instructions);
    if (!source.value->is_on(second) || !bring(group, *source.value, second, g_.vxm(), at, arrived.streams)) {
      return false;
    }
  }
  if (!waits) {
    return true;
  }
  LpuInstruction copy = instruction(source.value->chip, LpuOpcode::alu, at);
  copy.a.kind = AluInput::Kind::streams;
  copy.a.type = source.type;
  copy.a.streams = arrived.streams;
  arrived.alu = add_alu(group, copy);
  return arrived.alu >= 0;
}

// In the first ALU that is free; -1 when none is.
int ListScheduler::add_alu(Group& group, LpuInstruction alu) {
  for (int unit = 0; unit < g_.alus; ++unit) {
    alu.unit = static_cast<std::int16_t>(unit);
    if (add(group, alu)) {
      return unit;
    }
  }
  return -1;
}

bool ListScheduler::add_source(Group& group, std::int32_t chip, const ChainSource& source,
                               std::size_t source_index, std::int64_t arrival, const ArrayPass* pass,
                               Arrived& arrived) {
  if (source.kind == ChainSource::Kind::value) {
    return add_value(group, source, source_index, arrival, arrived);
  }
  StreamRange& streams = arrived.streams;
  const bool from_array = source.kind == ChainSource::Kind::array;
  const int distance = from_array ? g_.mxm_distance() : g_.sxm_distance();
  const std::vector<int> from(static_cast<std::size_t>(width(source.type)), g_.at(source.side, distance));
  streams = take_streams(chip, inward(source.side), from, arrival, g_.vxm());
  if (streams.count == 0) {
    return false;
  }
  LpuInstruction unit = instruction(chip, from_array ? LpuOpcode::accumulate : LpuOpcode::permute, 0);
  unit.side = source.side;
  unit.unit = static_cast<std::int16_t>(source.unit);
  unit.out = streams;
  if (from_array) {
    assert(pass != nullptr);
    unit.cycle = arrival - distance - g_.emit_delay;
    unit.slot = pass->slot;
    unit.adds = pass->adds;
    return add(group, unit);
  }
  unit.cycle = arrival - distance - g_.switch_delay;
  unit.table = source.table;
  // Other units of the same switch may read the same streams: what they bring is brought once.
  for (const LpuInstruction& other : group.instructions) {
    const bool same = other.opcode == LpuOpcode::permute && other.side == source.side &&
                      other.cycle == unit.cycle && other.chip == chip && other.in.count == width(source.type);
    if (same) {
      unit.in = other.in;
    }
  }
  if (unit.in.count == 0 &&
      !bring(group, *source.value, source.side, g_.at(source.side, distance), unit.cycle, unit.in)) {
    return false;
  }
  return add(group, unit);
}

bool ListScheduler::add_writes(Group& group, LpuInstruction& alu, LaneVector& value, Hemisphere side,
                               const std::vector<VectorAddress>& planes, std::int64_t cycle) {
  std::vector<int> ends;
  for (const VectorAddress& address : planes) {
    ends.push_back(g_.at(side, address.slice));
  }
  const StreamRange streams = take_streams(alu.chip, outward(side), ends, cycle, g_.vxm());
  if (streams.count == 0) {
    return false;
  }
  for (std::size_t b = 0; b < planes.size(); ++b) {
    LpuInstruction write = instruction(alu.chip, LpuOpcode::write, cycle + planes[b].slice);
    write.side = side;
    write.unit = planes[b].slice;
    write.bank = planes[b].bank;
    write.row = planes[b].row;
    write.in = {streams.direction, static_cast<std::int16_t>(streams.first + static_cast<int>(b)), 1};
    if (!add(group, write)) {
      return false;
    }
    group.written.push_back({&value, side, b, planes[b], write.cycle + g_.write_delay});
  }
  (alu.out.count == 0 ? alu.out : alu.out2) = streams;
  return true;
}

bool ListScheduler::add_output(Group& group, LpuInstruction& alu, LaneVector& value, std::int64_t cycle) {
  alu.type = value.type;
  const int bytes = width(value.type);
  for (const Hemisphere side : {Hemisphere::west, Hemisphere::east}) {
    if (value.is_placed) {
      if (value.is_on(side) && !add_writes(group, alu, value, side, value.on(side).planes, cycle)) {
        return false;
      }
      continue;
    }
    const std::size_t mark = taken_.mark(), instructions = group.instructions.size(),
                      written = group.written.size();
    bool is_added = false;
    const int count = places_by_vxm(g_, bytes);
    for (int n = 0; n < count && !is_added; ++n) {
      const int place = (value.preferred_place + n) % count;
      std::vector<VectorAddress> planes = places(alu.chip, side, place * bytes, bytes, 0);
      for (const Written& other : group.written) {  // rows are taken when the group is accepted
        for (VectorAddress& plane : planes) {
          plane.row +=
              !other.value->is_placed && other.address.slice == plane.slice && other.side == side ? 1 : 0;
        }
      }
      is_added = add_writes(group, alu, value, side, planes, cycle);
      if (!is_added) {
        undo(group, mark, instructions, written);
      }
    }
    if (!is_added) {
      return false;
    }
  }
  return true;
}

bool ListScheduler::add_chain(Group& group, std::int32_t chip, const VectorChain& chain, std::int64_t cycle,
                              const ArrayPass* pass) {
  std::vector<Arrived> arrived(chain.sources().size());
  for (std::size_t s = 0; s < arrived.size(); ++s) {
    const ChainSource& source = chain.sources()[s];
    if (source.level >= 0 &&
        !add_source(group, chip, source, s, cycle + static_cast<std::int64_t>(source.level) * g_.alu_delay,
                    pass, arrived[s])) {
      return false;
    }
  }
  std::vector<int> alu_of(chain.nodes().size());
  for (std::size_t n = 0; n < alu_of.size(); ++n) {
    const ChainNode& node = chain.nodes()[n];
    LpuInstruction alu =
        instruction(chip, LpuOpcode::alu, cycle + static_cast<std::int64_t>(node.level) * g_.alu_delay);
    alu.alu_op = node.op;
    const auto input = [&](const ChainNode::Operand& operand) {
      AluInput in;
      if (operand.source >= 0) {
        const auto source = static_cast<std::size_t>(operand.source);
        in.kind = arrived[source].alu < 0 ? AluInput::Kind::streams : AluInput::Kind::result;
        in.type = chain.sources()[source].type;
        in.streams = arrived[source].streams;
        in.alu = static_cast<std::int16_t>(std::max(0, arrived[source].alu));
      } else if (operand.node >= 0) {
        in.kind = AluInput::Kind::result;
        in.alu = static_cast<std::int16_t>(alu_of[static_cast<std::size_t>(operand.node)]);
      } else if (operand.is_constant) {
        in.kind = AluInput::Kind::constant;
        in.value = operand.constant;
      }
      return in;
    };
    alu.a = input(node.a);
    alu.b = input(node.b);
    for (const ChainOutput& output : chain.outputs()) {
      if (output.node == static_cast<int>(n) &&
          !add_output(group, alu, *output.value, alu.cycle + g_.alu_delay)) {
        return false;
      }
    }
    alu_of[n] = add_alu(group, alu);
    if (alu_of[n] < 0) {
      return false;
    }
  }
  return true;
}

// Level 0 of a chain cannot be before this.
std::int64_t ListScheduler::earliest(const VectorChain& chain) const {
  std::int64_t cycle = 0;
  for (const ChainSource& source : chain.sources()) {
    if (source.level < 0 || source.value == nullptr) {
      continue;
    }
    const bool switched = source.kind == ChainSource::Kind::permuted;
    const LaneVector::Copy& copy = source.value->on(source.side);
    for (std::size_t b = 0; b < copy.planes.size(); ++b) {
      const int slice = copy.planes[b].slice;
      const int transit = switched ? 2 * g_.sxm_distance() - slice + g_.switch_delay : slice;
      cycle = std::max(cycle, copy.ready[b] + g_.read_delay + transit -
                                  static_cast<std::int64_t>(source.level) * g_.alu_delay);
    }
  }
  return cycle;
}

template <class Try>
std::int64_t ListScheduler::first_cycle(std::int64_t from, Try&& attempt) {
  Group group;
  for (std::int64_t cycle = from; cycle < from + kLongestSearch; ++cycle) {
    const std::size_t mark = taken_.mark();
    group.attempt = static_cast<unsigned>(cycle - from);
    if (attempt(group, cycle)) {
      accept(group);
      return cycle;
    }
    undo(group, mark, 0, 0);
  }
  // Unlike a bank that is taken, a chip too small for a group is so in every cycle.
  throw ConfigError(
      "schedule", fmt::format("no cycle for the instructions of '{}' together", schedule_.labels[at(label_)]),
      fmt::format("a chip with more than {} VXM ALUs, {} streams and {} scratch slices", g_.alus, g_.streams,
                  g_.scratch_slices()));
}

void ListScheduler::accept(Group& group) {
  schedule_.instructions.insert(schedule_.instructions.end(), group.instructions.begin(),
                                group.instructions.end());
  for (const Written& written : group.written) {
    LaneVector::Copy& copy = written.value->on(written.side);
    if (!written.value->is_placed) {
      copy.planes.push_back(written.address);
      ++next_row(written.address);
    }
    copy.ready[written.plane] = written.ready;
  }
  for (const Written& written : group.written) {
    written.value->is_placed = true;
  }
}

void ListScheduler::undo(Group& group, std::size_t mark, std::size_t instructions, std::size_t written) {
  taken_.undo_to(mark);
  group.instructions.resize(instructions);
  group.written.resize(written);
}

void ListScheduler::run(std::int32_t chip, const VectorChain& chain) {
  first_cycle(earliest(chain), [&](Group& group, std::int64_t cycle) {
    return add_chain(group, chip, chain, cycle, nullptr);
  });
}

bool ListScheduler::add_load(Group& group, const WeightTile& tile, std::int64_t cycle) {
  const int streams = g_.weight_streams(), bytes = width(tile.type);
  const StreamDirection direction = outward(tile.side);
  const int array_at = g_.at(tile.side, g_.mxm_distance());
  for (int done = 0, step = 0; done < tile.count; done += streams, ++step) {
    const int vectors = std::min(streams, tile.count - done);
    const int first = tile.type == LaneType::fp16 ? 0 : tile.plane * streams;
    LpuInstruction load = instruction(tile.chip, LpuOpcode::load, cycle + step);
    load.side = tile.side;
    load.unit = static_cast<std::int16_t>(tile.plane);
    load.type = tile.type;
    load.columns = tile.columns;
    load.in = {direction, static_cast<std::int16_t>(first), static_cast<std::int16_t>(vectors * bytes)};
    if (!add(group, load)) {
      return false;
    }
    for (int n = 0; n < vectors * bytes; ++n) {
      const int vector = done + n % vectors;
      const VectorAddress address = tile_address(tile, vector, n / vectors);
      const int from = g_.at(tile.side, address.slice);
      LpuInstruction read =
          instruction(tile.chip, LpuOpcode::read, load.cycle - std::abs(array_at - from) - g_.read_delay);
      read.side = tile.side;
      read.unit = address.slice;
      read.bank = address.bank;
      read.row = address.row;
      read.out = {direction, static_cast<std::int16_t>(first + n), 1};
      const bool early = vector + 1 == tile.count && read.cycle < tile.last_ready[at(n / vectors)];
      if (early || !taken_.take_stream(tile.chip, direction, first + n, array_at, load.cycle, from) ||
          !add(group, read)) {
        return false;
      }
    }
  }
  return true;
}

void ListScheduler::load(const WeightTile& tile) {
  const bool pair = tile.type == LaneType::fp16;
  const int steps = (tile.count + g_.weight_streams() - 1) / g_.weight_streams();
  ArrayState& state = array(tile.chip, tile.side, tile.plane);
  std::int64_t from = state.buffer_free;
  if (pair) {
    from = std::max(from, array(tile.chip, tile.side, 1).buffer_free);
  }
  const std::int64_t start =
      first_cycle(from, [&](Group& group, std::int64_t cycle) { return add_load(group, tile, cycle); });
  state.loaded = start + steps;
  const std::int64_t array_free =
      pair ? std::max(state.array_free, array(tile.chip, tile.side, 1).array_free) : state.array_free;
  const std::int64_t installed =
      first_cycle(std::max(state.loaded, array_free), [&](Group& group, std::int64_t cycle) {
        LpuInstruction install = instruction(tile.chip, LpuOpcode::install, cycle);
        install.side = tile.side;
        install.unit = static_cast<std::int16_t>(tile.plane);
        install.type = tile.type;
        return add(group, install);
      });
  state.buffer_free = state.array_free = installed;
  if (pair) {
    ArrayState& other = array(tile.chip, tile.side, 1);
    other.buffer_free = other.array_free = installed;
  }
}

bool ListScheduler::add_pass(Group& group, const std::vector<WeightTile>& tiles, const ArrayPass& pass,
                             std::int64_t cycle) {
  std::array<StreamRange, 2> streams;
  for (const WeightTile& tile : tiles) {
    StreamRange& in = streams[static_cast<std::size_t>(tile.side)];
    if (in.count == 0 &&
        !bring(group, *pass.operand, tile.side, g_.at(tile.side, g_.mxm_distance()), cycle, in)) {
      return false;
    }
    LpuInstruction multiply = instruction(tile.chip, LpuOpcode::pass, cycle);
    multiply.side = tile.side;
    multiply.unit = static_cast<std::int16_t>(tile.plane);
    multiply.type = tile.type;
    multiply.in = in;
    if (!add(group, multiply)) {
      return false;
    }
    if (pass.then == nullptr) {
      LpuInstruction sum = instruction(tile.chip, LpuOpcode::accumulate, cycle + g_.matrix_delay);
      sum.side = tile.side;
      sum.unit = static_cast<std::int16_t>(tile.plane);
      sum.slot = pass.slot;
      sum.adds = pass.adds;
      if (!add(group, sum)) {
        return false;
      }
    }
  }
  const std::int64_t arrival = cycle + g_.matrix_delay + g_.emit_delay + g_.mxm_distance();
  return pass.then == nullptr || add_chain(group, tiles.front().chip, *pass.then, arrival, &pass);
}

void ListScheduler::run_passes(const std::vector<WeightTile>& tiles, const std::vector<ArrayPass>& passes) {
  std::int64_t from = 0;
  for (const WeightTile& tile : tiles) {
    load(tile);
    from = std::max(from, array(tile.chip, tile.side, tile.plane).array_free);
  }
  const int interval = pass_interval(tiles.front());
  const std::int64_t arrays_to_vxm = g_.matrix_delay + g_.emit_delay + g_.mxm_distance();
  for (const ArrayPass& pass : passes) {
    for (const WeightTile& tile : tiles) {
      const LaneVector::Copy& copy = pass.operand->on(tile.side);
      for (std::size_t b = 0; b < copy.planes.size(); ++b) {
        from = std::max(from, copy.ready[b] + g_.read_delay + g_.mxm_distance() - copy.planes[b].slice);
      }
    }
    if (pass.then != nullptr) {
      from = std::max(from, earliest(*pass.then) - arrays_to_vxm);
    }
    from = interval + first_cycle(from, [&](Group& group, std::int64_t cycle) {
             return add_pass(group, tiles, pass, cycle);
           });
  }
  for (const WeightTile& tile : tiles) {
    array(tile.chip, tile.side, tile.plane).array_free = from;
    if (tile.type == LaneType::fp16) {
      array(tile.chip, tile.side, 1).array_free = from;
    }
  }
}

void ListScheduler::run_send(const LaneVector& value, const std::vector<std::int32_t>& peers,
                             std::vector<LaneVector>& received) {
  const auto link_to = [&](std::int32_t peer) {
    for (int l = 0; l < kLinksPerChip; ++l) {
      if (schedule_.links[static_cast<std::size_t>(value.chip) * kLinksPerChip + static_cast<std::size_t>(l)]
              .chip == peer) {
        return l;
      }
    }
    throw std::logic_error("[lpu] no link between chips that exchange");
  };
  const auto side_of = [](int link) { return link % 2 == 0 ? Hemisphere::west : Hemisphere::east; };
  const auto end_of = [&](int link) {
    return schedule_
        .links[static_cast<std::size_t>(value.chip) * kLinksPerChip + static_cast<std::size_t>(link)];
  };
  received.clear();
  for (const std::int32_t peer : peers) {
    const bool east = side_of(end_of(link_to(peer)).link) == Hemisphere::east;
    received.push_back(allocate_on(peer, value.type, !east, east));
  }
  for (int b = 0; b < width(value.type); ++b) {
    std::int64_t from = 0;
    for (const std::int32_t peer : peers) {
      const Hemisphere side = side_of(link_to(peer));
      const VectorAddress& address = value.on(side).planes[static_cast<std::size_t>(b)];
      from = std::max({from,
                       link_free_[static_cast<std::size_t>(value.chip) * kLinksPerChip +
                                  static_cast<std::size_t>(link_to(peer))],
                       value.on(side).ready[at(b)] + g_.read_delay + g_.c2c_distance() - address.slice});
    }
    const std::int64_t sent = first_cycle(from, [&](Group& group, std::int64_t cycle) {
      std::array<StreamRange, 2> streams;
      for (std::size_t p = 0; p < peers.size(); ++p) {
        const int link = link_to(peers[p]);
        const Hemisphere side = side_of(link);
        StreamRange& in = streams[static_cast<std::size_t>(side)];
        if (in.count == 0) {
          LaneVector plane;
          plane.chip = value.chip;
          plane.on(side) = {{value.on(side).planes[at(b)]}, {value.on(side).ready[at(b)]}};
          if (!bring(group, plane, side, g_.at(side, g_.c2c_distance()), cycle, in)) {
            return false;
          }
        }
        LpuInstruction send = instruction(value.chip, LpuOpcode::send, cycle);
        send.side = side;
        send.unit = static_cast<std::int16_t>(link / 2);
        send.in = in;
        LpuInstruction receive = instruction(peers[p], LpuOpcode::receive,
                                             cycle + schedule_.wire_cycles + schedule_.flight_cycles);
        receive.side = side_of(end_of(link).link);
        receive.unit = static_cast<std::int16_t>(end_of(link).link / 2);
        const VectorAddress& target = received[p].on(receive.side).planes[static_cast<std::size_t>(b)];
        const int from_link = g_.at(receive.side, g_.c2c_distance()), to = g_.at(receive.side, target.slice);
        const std::int64_t out = receive.cycle + g_.emit_delay;
        receive.out = take_streams(peers[p], inward(receive.side), {to}, out, from_link);
        LpuInstruction write = instruction(peers[p], LpuOpcode::write, out + std::abs(from_link - to));
        write.side = receive.side;
        write.unit = target.slice;
        write.bank = target.bank;
        write.row = target.row;
        write.in = receive.out;
        if (receive.out.count == 0 || !add(group, send) || !add(group, receive) || !add(group, write)) {
          return false;
        }
        group.written.push_back({&received[p], receive.side, at(b), target, write.cycle + g_.write_delay});
      }
      return true;
    });
    for (const std::int32_t peer : peers) {
      link_free_[static_cast<std::size_t>(value.chip) * kLinksPerChip +
                 static_cast<std::size_t>(link_to(peer))] = sent + schedule_.wire_cycles;
    }
  }
}

}  // namespace memwall
