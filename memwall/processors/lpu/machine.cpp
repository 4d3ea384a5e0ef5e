#include "memwall/processors/lpu/machine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "memwall/processors/lpu/matrix_plane.h"
#include "memwall/processors/lpu/stream_file.h"

namespace memwall {
namespace {

constexpr int kMostPlanes = 64;  // streams of one instruction
constexpr std::int64_t kPairInterval = 2;
constexpr std::uint32_t kAllTiles = ~std::uint32_t{0};

// c = op(a, b) for lanes [begin, end).
void apply(AluOp op, const float* a, const float* b, int begin, int end, float* c) {
  const auto each = [&](auto&& f) {
    for (int lane = begin; lane < end; ++lane) {
      c[lane] = f(a[lane], b[lane]);
    }
  };
  switch (op) {
    case AluOp::copy:
      return each([](float x, float) { return x; });
    case AluOp::add:
      return each([](float x, float y) { return x + y; });
    case AluOp::subtract:
      return each([](float x, float y) { return x - y; });
    case AluOp::multiply:
      return each([](float x, float y) { return x * y; });
    case AluOp::maximum:
      return each([](float x, float y) { return std::max(x, y); });
    case AluOp::exponential:
      return each([](float x, float) { return std::exp(x); });
    case AluOp::sigmoid:
      return each([](float x, float) { return 1 / (1 + std::exp(-x)); });
    case AluOp::inverse_root:
      return each([](float x, float) { return 1 / std::sqrt(x); });
    case AluOp::reciprocal:
      return each([](float x, float) { return 1 / x; });
  }
}

// The tile that acts, its lanes, and the cycle by its own clock.
struct Tile {
  std::int64_t cycle = 0;
  int index = 0, begin = 0, end = 0;
  std::uint32_t mask = 0;
  bool last = false;
};

struct AluRegister {
  std::vector<float> values;
  std::vector<std::int64_t> valid_in;  // by tile: the only cycle in which the value can be used
};

struct Flight {
  std::int64_t arrival = 0;
  std::vector<std::uint8_t> bytes;
};
struct Link {
  std::vector<Flight> sent;
  std::size_t received = 0;
  std::int64_t busy_until = 0;
};

}  // namespace

class LpuMachine::Chips {
 public:
  Chips(const LpuSchedule& schedule, const LpuMachineOptions& options)
      : schedule_(schedule), g_(schedule.geometry), options_(options), random_(options.seed) {
    tiles_ = options.tile_by_tile ? g_.superlanes : 1;
    const int longest =
        std::max({g_.read_delay, g_.write_delay, g_.alu_delay, g_.switch_delay, g_.emit_delay});
    calendar_.resize(static_cast<std::size_t>(longest + tiles_ + 1));
    for (int c = 0; c < schedule.chips; ++c) {
      Chip& chip = chips_.emplace_back(Chip{StreamFile(g_), {}, {}, {}});
      chip.banks.resize(static_cast<std::size_t>(2 * g_.mem_slices * LpuGeometry::kBanks));
      for (int p = 0; p < LpuGeometry::kPlanes; ++p) {
        chip.planes.emplace_back(g_, options.wide, tiles_);
      }
      chip.alus.resize(static_cast<std::size_t>(g_.alus));
      for (AluRegister& alu : chip.alus) {
        alu.values.resize(static_cast<std::size_t>(g_.lanes()));
        alu.valid_in.assign(static_cast<std::size_t>(tiles_), -1);
      }
    }
    links_.resize(schedule.links.size());
    results_.resize(schedule.instructions.size(), -1);
    a_.resize(static_cast<std::size_t>(g_.lanes()));
    b_ = a_;
    c_ = a_;
  }

  LpuRun run() {
    LpuRun run;
    run.error = check_instructions(schedule_);
    if (run.error) {
      return run;
    }
    for (const MemoryImage& image : schedule_.image) {
      std::copy(image.bytes.begin(), image.bytes.end(), row_of(image.address));
    }
    const std::vector<LpuInstruction>& all = schedule_.instructions;
    std::vector<std::size_t> next(static_cast<std::size_t>(tiles_), 0);  // of each tile
    for (std::int64_t now = 0; next.back() < all.size() || staged_ > 0; ++now) {
      commit(now);
      for (int t = 0; t < tiles_ && !error_; ++t) {
        const Tile tile = tile_at(t, now - t);
        std::size_t& i = next[static_cast<std::size_t>(t)];
        for (; i < all.size() && all[i].cycle == tile.cycle && !error_; ++i) {
          execute(i, tile);
        }
      }
      for (const Consumed& c : consumed_) {
        chips_[static_cast<std::size_t>(c.chip)].streams.consume(c.direction, c.stream, c.position, c.cycle,
                                                                 c.tiles);
      }
      consumed_.clear();
      if (error_) {
        run.error = error_;
        break;
      }
    }
    run.cycles = length_;
    run.instructions =
        static_cast<std::int64_t>(std::count_if(all.begin(), all.end(), [&](const LpuInstruction& i) {
          return !error_ || i.cycle <= error_->cycle;
        }));
    for (const Chip& chip : chips_) {
      for (const MatrixPlane& plane : chip.planes) {
        run.macs += plane.macs();
      }
    }
    return run;
  }

  std::vector<std::uint8_t> memory(const VectorAddress& address) const {
    const std::vector<std::uint8_t>& bank =
        chips_[static_cast<std::size_t>(address.chip)].banks[bank_of(address)];
    const std::size_t begin = static_cast<std::size_t>(address.row) * static_cast<std::size_t>(g_.lanes());
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(g_.lanes()));
    if (begin < bank.size()) {
      std::copy_n(bank.begin() + static_cast<std::ptrdiff_t>(begin), bytes.size(), bytes.begin());
    }
    return bytes;
  }

 private:
  struct Chip {
    StreamFile streams;
    std::vector<std::vector<std::uint8_t>> banks;  // [side][slice][bank]: rows of lanes
    std::vector<MatrixPlane> planes;
    std::vector<AluRegister> alus;
  };
  struct Consumed {
    std::int32_t chip;
    StreamDirection direction;
    int stream, position;
    std::int64_t cycle;
    std::uint32_t tiles;
  };
  // A result of an instruction on its way, one tile of it.
  struct Staged {
    std::size_t instruction;
    Tile tile;  // of the cycle in which it arrives
  };

  Tile tile_at(int index, std::int64_t cycle) const {
    const int lanes = g_.lanes() / tiles_;
    return {cycle,
            index,
            index * lanes,
            (index + 1) * lanes,
            tiles_ == 1 ? kAllTiles : std::uint32_t{1} << static_cast<unsigned>(index),
            index + 1 == tiles_};
  }

  static std::size_t place(Hemisphere side, int slice, int bank, int slices) {
    return static_cast<std::size_t>(
        ((side == Hemisphere::west ? 0 : slices) + slice - 1) * LpuGeometry::kBanks + bank);
  }
  std::size_t bank_of(const VectorAddress& address) const {
    return place(address.side, address.slice, address.bank, g_.mem_slices);
  }
  std::uint8_t* row_of(const VectorAddress& address) {
    std::vector<std::uint8_t>& bank = chips_[static_cast<std::size_t>(address.chip)].banks[bank_of(address)];
    const std::size_t begin = static_cast<std::size_t>(address.row) * static_cast<std::size_t>(g_.lanes());
    if (bank.size() < begin + static_cast<std::size_t>(g_.lanes())) {
      bank.resize(begin + static_cast<std::size_t>(g_.lanes()));
    }
    return bank.data() + begin;
  }
  static VectorAddress address_of(const LpuInstruction& i) { return {i.chip, i.side, i.unit, i.bank, i.row}; }
  Chip& chip_of(const LpuInstruction& i) { return chips_[static_cast<std::size_t>(i.chip)]; }
  MatrixPlane& plane_of(const LpuInstruction& i) {
    const int side = i.side == Hemisphere::west ? 0 : LpuGeometry::kPlanesPerHemisphere;
    return chip_of(i).planes[static_cast<std::size_t>(side + i.unit)];
  }
  std::size_t link_of(const LpuInstruction& i) const {
    return static_cast<std::size_t>(i.chip) * kLinksPerChip + static_cast<std::size_t>(2 * i.unit) +
           (i.side == Hemisphere::east ? 1 : 0);
  }

  void fail(const LpuInstruction& i, std::int64_t cycle, std::string what) {
    if (!error_) {
      error_ = LpuScheduleError{cycle, i.chip, queue_name(g_, queue_of(g_, i)), to_text(i), std::move(what)};
    }
  }

  // Pointers to the bytes of a stream range; false, and the error, when one is missing.
  bool gather(const LpuInstruction& i, const StreamRange& range, bool keep, const Tile& tile,
              std::array<const std::uint8_t*, kMostPlanes>& planes) {
    const int at = position(g_, i);
    for (int s = 0; s < range.count; ++s) {
      const int stream = range.first + s;
      const std::uint8_t* bytes = chip_of(i).streams.read(range.direction, stream, at, tile.cycle, tile.mask);
      if (bytes == nullptr) {
        const StreamRange one{range.direction, static_cast<std::int16_t>(stream), 1};
        fail(i, tile.cycle, "nothing on " + to_text(one));
        return false;
      }
      planes[static_cast<std::size_t>(s)] = bytes;
      if (!keep) {
        consumed_.push_back({i.chip, range.direction, stream, at, tile.cycle, tile.mask});
      }
    }
    return true;
  }

  // The bytes that an instruction makes, `count` vectors; every tile writes its lanes of the same ones.
  std::uint8_t* result_bytes(std::size_t instruction, int count) {
    int& index = results_[instruction];
    const std::size_t size = static_cast<std::size_t>(count) * static_cast<std::size_t>(g_.lanes());
    if (index < 0) {
      if (free_.empty()) {
        free_.push_back(static_cast<int>(buffers_.size()));
        buffers_.emplace_back();
      }
      index = free_.back();
      free_.pop_back();
      buffers_[static_cast<std::size_t>(index)].resize(
          std::max(size, buffers_[static_cast<std::size_t>(index)].size()));
    }
    return buffers_[static_cast<std::size_t>(index)].data();
  }
  std::array<std::uint8_t*, kMostPlanes> result_planes(std::size_t instruction, int count) {
    std::uint8_t* bytes = result_bytes(instruction, count);
    std::array<std::uint8_t*, kMostPlanes> planes{};
    for (int p = 0; p < count; ++p) {
      planes[static_cast<std::size_t>(p)] = bytes + static_cast<std::ptrdiff_t>(p) * g_.lanes();
    }
    return planes;
  }
  void stage(std::size_t instruction, Tile tile, int delay) {
    tile.cycle += delay;
    const std::int64_t now = tile.cycle + tile.index;
    calendar_[static_cast<std::size_t>(now) % calendar_.size()].push_back({instruction, tile});
    ++staged_;
    if (tile.index == 0) {
      length_ = std::max(length_, tile.cycle);
    }
  }

  void commit(std::int64_t now) {
    std::vector<Staged>& due = calendar_[static_cast<std::size_t>(now) % calendar_.size()];
    for (const Staged& staged : due) {
      const LpuInstruction& i = schedule_.instructions[staged.instruction];
      if (!error_) {
        arrive(i, staged.instruction, staged.tile);
      }
      if (staged.tile.last) {
        free_.push_back(results_[staged.instruction]);
        results_[staged.instruction] = -1;
      }
      --staged_;
    }
    due.clear();
  }

  void arrive(const LpuInstruction& i, std::size_t index, const Tile& tile) {
    const std::uint8_t* bytes = buffers_[static_cast<std::size_t>(results_[index])].data();
    if (i.opcode == LpuOpcode::write) {
      std::copy(bytes + tile.begin, bytes + tile.end, row_of(address_of(i)) + tile.begin);
      return;
    }
    int vectors = 0;
    if (i.opcode == LpuOpcode::alu) {
      AluRegister& alu = chip_of(i).alus[static_cast<std::size_t>(i.unit)];
      const auto* values = reinterpret_cast<const float*>(bytes);
      std::copy(values + tile.begin, values + tile.end, alu.values.begin() + tile.begin);
      alu.valid_in[static_cast<std::size_t>(tile.index)] = tile.cycle;
      vectors = static_cast<int>(sizeof(float));  // the register's, before those of the streams
    }
    const std::uint8_t* emitted = bytes + static_cast<std::ptrdiff_t>(vectors) * g_.lanes();
    if (i.opcode == LpuOpcode::permute) {
      emitted = permuted(i, bytes, tile);
    }
    emit(i, i.out, emitted, tile);
    emit(i, i.out2, emitted, tile);
  }

  const std::uint8_t* permuted(const LpuInstruction& i, const std::uint8_t* bytes, const Tile& tile) {
    permuted_.resize(static_cast<std::size_t>(i.out.count) * static_cast<std::size_t>(g_.lanes()));
    const std::vector<std::int16_t>& table = schedule_.tables[static_cast<std::size_t>(i.table)];
    for (int s = 0; s < i.out.count; ++s) {
      const std::ptrdiff_t vector = static_cast<std::ptrdiff_t>(s) * g_.lanes();
      for (int lane = tile.begin; lane < tile.end; ++lane) {
        permuted_[static_cast<std::size_t>(vector + lane)] =
            bytes[vector + table[static_cast<std::size_t>(lane)]];
      }
    }
    return permuted_.data();
  }

  void emit(const LpuInstruction& i, const StreamRange& out, const std::uint8_t* bytes, const Tile& tile) {
    const int at = position(g_, i);
    for (int s = 0; s < out.count; ++s) {
      const int stream = out.first + s;
      if (!chip_of(i).streams.write(out.direction, stream, at, tile.cycle, tile.mask, tile.begin, tile.end,
                                    bytes + static_cast<std::ptrdiff_t>(s) * g_.lanes())) {
        const StreamRange one{out.direction, static_cast<std::int16_t>(stream), 1};
        fail(i, tile.cycle, "second writer of " + to_text(one));
        return;
      }
    }
  }

  bool operand(const LpuInstruction& i, const AluInput& input, const Tile& tile, std::vector<float>& values) {
    switch (input.kind) {
      case AluInput::Kind::none:
        break;
      case AluInput::Kind::constant:
        std::fill(values.begin() + tile.begin, values.begin() + tile.end, input.value);
        break;
      case AluInput::Kind::streams: {
        std::array<const std::uint8_t*, kMostPlanes> planes;
        if (!gather(i, input.streams, input.keep, tile, planes)) {
          return false;
        }
        unpack_lanes(input.type, planes.data(), tile.begin, tile.end, values.data());
        break;
      }
      case AluInput::Kind::result: {
        const AluRegister& alu = chip_of(i).alus[static_cast<std::size_t>(input.alu)];
        if (alu.valid_in[static_cast<std::size_t>(tile.index)] != tile.cycle) {
          fail(i, tile.cycle, fmt::format("no result of ALU {}", input.alu));
          return false;
        }
        std::copy(alu.values.begin() + tile.begin, alu.values.begin() + tile.end,
                  values.begin() + tile.begin);
        break;
      }
    }
    return true;
  }

  void execute_alu(const LpuInstruction& i, std::size_t index, const Tile& tile) {
    if (!operand(i, i.a, tile, a_) || !operand(i, i.b, tile, b_)) {
      return;
    }
    apply(i.alu_op, a_.data(), b_.data(), tile.begin, tile.end, c_.data());
    const int register_vectors = static_cast<int>(sizeof(float));
    const auto planes = result_planes(index, register_vectors + width(i.type));
    std::copy(c_.begin() + tile.begin, c_.begin() + tile.end,
              reinterpret_cast<float*>(planes[0]) + tile.begin);
    if (i.out.count > 0 || i.out2.count > 0) {
      pack_lanes(i.type, c_.data(), tile.begin, tile.end, planes.data() + register_vectors);
    }
    stage(index, tile, g_.alu_delay);
  }

  void execute_matrix(const LpuInstruction& i, std::size_t index, const Tile& tile) {
    MatrixPlane& plane = plane_of(i);
    std::array<const std::uint8_t*, kMostPlanes> planes;
    switch (i.opcode) {
      case LpuOpcode::load: {
        const int vectors = i.is_pair() ? i.in.count / 2 : i.in.count;
        if (gather(i, i.in, i.keep, tile, planes) &&
            !plane.load(i.type, i.columns, planes.data(), vectors, tile.index)) {
          fail(i, tile.cycle, "the second buffer is full, or holds weights of another kind");
        }
        break;
      }
      case LpuOpcode::install:
        if (!plane.install(tile.index)) {
          fail(i, tile.cycle, "the second buffer is empty");
        }
        break;
      case LpuOpcode::pass:
        if (tile.index == 0 && i.is_pair() && tile.cycle < plane.last_pass() + kPairInterval) {
          fail(i, tile.cycle, "a pair of arrays takes a vector every second cycle");
          break;
        }
        if (gather(i, i.in, i.keep, tile, planes) &&
            !plane.pass(i.type, planes.data(), tile.cycle + g_.matrix_delay, tile.index)) {
          fail(i, tile.cycle, "the array holds no weights of this type");
        }
        length_ = std::max(length_, tile.cycle + g_.matrix_delay);
        break;
      default: {
        const auto sums = result_planes(index, width(LaneType::fp32));
        if (!plane.accumulate(tile.cycle, i.slot, i.adds, sums.data(), tile.index)) {
          fail(i, tile.cycle, "no result of the array");
          return;
        }
        stage(index, tile, g_.emit_delay);
        break;
      }
    }
  }

  void send(const LpuInstruction& i, const Tile& tile) {
    std::array<const std::uint8_t*, kMostPlanes> planes;
    if (!gather(i, i.in, i.keep, tile, planes)) {
      return;
    }
    const LinkEnd end = schedule_.links[link_of(i)];
    Link& link =
        links_[static_cast<std::size_t>(end.chip) * kLinksPerChip + static_cast<std::size_t>(end.link)];
    if (tile.index == 0) {
      if (tile.cycle < link.busy_until) {
        fail(i, tile.cycle, fmt::format("the link is busy until cycle {}", link.busy_until));
        return;
      }
      link.busy_until = tile.cycle + schedule_.wire_cycles;
      std::int64_t late = 0;
      if (options_.drift_cycles > 0) {
        late = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(options_.drift_cycles + 1));
      }
      const std::int64_t steady = schedule_.flight_cycles - options_.deskew_cycles;
      link.sent.push_back({tile.cycle + schedule_.wire_cycles + steady + late,
                           std::vector<std::uint8_t>(static_cast<std::size_t>(g_.lanes()))});
    }
    std::copy(planes[0] + tile.begin, planes[0] + tile.end, link.sent.back().bytes.begin() + tile.begin);
  }

  void receive(const LpuInstruction& i, std::size_t index, const Tile& tile) {
    Link& link = links_[link_of(i)];
    if (link.received >= link.sent.size() || link.sent[link.received].arrival > tile.cycle) {
      fail(i, tile.cycle, "nothing has come over the link");
      return;
    }
    const std::vector<std::uint8_t>& bytes = link.sent[link.received].bytes;
    std::copy(bytes.begin() + tile.begin, bytes.begin() + tile.end, result_bytes(index, 1) + tile.begin);
    stage(index, tile, g_.emit_delay);
    if (tile.last) {
      ++link.received;
    }
  }

  void execute(std::size_t index, const Tile& tile) {
    const LpuInstruction& i = schedule_.instructions[index];
    std::array<const std::uint8_t*, kMostPlanes> planes;
    switch (i.opcode) {
      case LpuOpcode::read: {
        const std::uint8_t* row = row_of(address_of(i));
        std::copy(row + tile.begin, row + tile.end, result_bytes(index, 1) + tile.begin);
        stage(index, tile, g_.read_delay);
        break;
      }
      case LpuOpcode::write:
        if (gather(i, i.in, i.keep, tile, planes)) {
          std::copy(planes[0] + tile.begin, planes[0] + tile.end, result_bytes(index, 1) + tile.begin);
          stage(index, tile, g_.write_delay);
        }
        break;
      case LpuOpcode::alu:
        execute_alu(i, index, tile);
        break;
      case LpuOpcode::load:
      case LpuOpcode::install:
      case LpuOpcode::pass:
      case LpuOpcode::accumulate:
        execute_matrix(i, index, tile);
        break;
      case LpuOpcode::permute: {
        if (gather(i, i.in, i.keep, tile, planes)) {
          const auto copies = result_planes(index, i.in.count);
          for (int s = 0; s < i.in.count; ++s) {
            const auto p = static_cast<std::size_t>(s);
            std::copy(planes[p] + tile.begin, planes[p] + tile.end, copies[p] + tile.begin);
          }
          stage(index, tile, g_.switch_delay);
        }
        break;
      }
      case LpuOpcode::send:
        send(i, tile);
        break;
      case LpuOpcode::receive:
        receive(i, index, tile);
        break;
    }
  }

  const LpuSchedule& schedule_;
  const LpuGeometry& g_;
  LpuMachineOptions options_;
  std::mt19937_64 random_;
  int tiles_ = 1;
  std::vector<Chip> chips_;
  std::vector<Link> links_;  // by receiving end
  std::vector<std::vector<Staged>> calendar_;
  std::int64_t staged_ = 0, length_ = 0;
  std::vector<int> results_;  // by instruction: its buffer, or -1
  std::vector<std::vector<std::uint8_t>> buffers_;
  std::vector<int> free_;
  std::vector<Consumed> consumed_;
  std::vector<std::uint8_t> permuted_;
  std::vector<float> a_, b_, c_;
  std::optional<LpuScheduleError> error_;
};

LpuMachine::LpuMachine(const LpuSchedule& schedule, const LpuMachineOptions& options)
    : chips_(std::make_unique<Chips>(schedule, options)) {}
LpuMachine::~LpuMachine() = default;

LpuRun LpuMachine::run() { return chips_->run(); }

std::vector<std::uint8_t> LpuMachine::memory(const VectorAddress& address) const {
  return chips_->memory(address);
}

}  // namespace memwall
