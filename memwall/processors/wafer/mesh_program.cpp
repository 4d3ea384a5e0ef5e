#include "memwall/processors/wafer/mesh_program.h"

#include <algorithm>

#include <fmt/format.h>

#include "memwall/core/error.h"

namespace memwall {
namespace {

constexpr std::array<std::string_view, kPorts> kPortNames = {"north", "east", "south", "west", "ramp"};
std::string_view name(Port port) { return kPortNames[static_cast<std::size_t>(port)]; }

class Verifier {
 public:
  Verifier(const MeshProgram& program, const WaferCard& card) : program_(program), card_(card) {}

  void run() {
    const double bytes = program_.memory_values * card_.value.value;
    if (bytes > card_.sram.value) {
      throw ConfigError("mesh program", fmt::format("{:.0f} bytes per core", bytes),
                        fmt::format("at most the {:.0f} bytes of core.sram", card_.sram.value));
    }
    for (int core = 0; core < program_.count(); ++core) {
      core_ = core;
      for (const Route& route : program_.cores[core].routes) {
        check_route(route);
      }
      check_instructions(program_.cores[core].start);
      for (const BoundTask& task : program_.cores[core].bound) {
        require(takes(core, task.color, Port::ramp, true), task.color, "a task bound to it",
                "a route of it to the ramp");
        check_instructions(task.instructions);
      }
    }
    check_loops();
  }

 private:
  void require(bool condition, int color, const std::string& found, const std::string& expected) const {
    if (!condition) {
      throw ConfigError(
          fmt::format("core ({}, {}), colour {}", core_ / program_.columns, core_ % program_.columns, color),
          found, expected);
    }
  }

  const Route* route_of(int core, int color) const {
    for (const Route& route : program_.cores[core].routes) {
      if (route.color == color) {
        return &route;
      }
    }
    return nullptr;
  }
  // Some position has this port as input, or as output.
  bool takes(int core, int color, Port port, bool as_output) const {
    const Route* route = route_of(core, color);
    return route != nullptr &&
           std::any_of(route->positions.begin(), route->positions.end(), [&](const SwitchPosition& position) {
             return as_output ? (position.outputs & mask(port)) != 0 : position.input == port;
           });
  }
  // -1: the edge of the mesh.
  int neighbour(int core, Port port) const {
    const int row = core / program_.columns, column = core % program_.columns;
    switch (port) {
      case Port::north:
        return row > 0 ? core - program_.columns : -1;
      case Port::south:
        return row + 1 < program_.rows ? core + program_.columns : -1;
      case Port::west:
        return column > 0 ? core - 1 : -1;
      case Port::east:
        return column + 1 < program_.columns ? core + 1 : -1;
      case Port::ramp:
        break;
    }
    return -1;
  }

  void check_route(const Route& route) const {
    require(route.color >= 0 && route.color < card_.colors, route.color, "a route of that colour",
            fmt::format("colours below {}", card_.colors));
    require(route_of(core_, route.color) == &route, route.color, "two routes", "one route per colour");
    const auto positions = static_cast<int>(route.positions.size());
    require(positions >= 1 && positions <= std::min(card_.switch_positions, kMostPositions), route.color,
            fmt::format("{} switch positions", positions), fmt::format("1 to {}", card_.switch_positions));
    for (const SwitchPosition& position : route.positions) {
      require(position.outputs != 0 && (position.outputs & mask(position.input)) == 0, route.color,
              "no output, or an output that is the input", "one or more other ports");
      for (int p = 0; p < kNeighbours; ++p) {
        const Port port = static_cast<Port>(p);
        if ((position.outputs & mask(port)) == 0) {
          continue;
        }
        const int next = neighbour(core_, port);
        require(next >= 0, route.color, fmt::format("a route {} into the wall", name(port)),
                "a route that stays on the mesh");
        require(takes(next, route.color, opposite(port), false), route.color,
                fmt::format("a route {} to a router that does not take it from there", name(port)),
                fmt::format("that router's input {}", name(opposite(port))));
      }
    }
  }

  void check_operand(const Operand& operand, double values, bool is_target) const {
    if (operand.kind == Operand::Kind::memory) {
      require(operand.where >= 0 && operand.where + values <= program_.memory_values, -1,
              fmt::format("values {} to {}", operand.where, operand.where + values - 1),
              fmt::format("addresses below {}", program_.memory_values));
    } else if (operand.kind == Operand::Kind::fabric) {
      require(takes(core_, operand.where, Port::ramp, !is_target), operand.where, "an operand on it",
              is_target ? "a route of it from the ramp" : "a route of it to the ramp");
    }
  }
  void check_instructions(const std::vector<Instruction>& instructions) const {
    for (const Instruction& each : instructions) {
      const bool is_mac = each.kind == Instruction::Kind::mac;
      const double length = each.length;
      require(each.thread < kThreads, -1, fmt::format("thread {}", each.thread),
              fmt::format("below {}", kThreads));
      check_operand(each.to, is_mac ? length * each.columns : length, true);
      check_operand(each.from, is_mac ? length * each.depth : length, false);
      check_operand(each.other, is_mac ? static_cast<double>(each.depth) * each.columns : length, false);
    }
  }

  // A wavelet's state is (router, port it came in by); following outputs must never lead back.
  void check_loops() {
    enum : std::uint8_t { kNew, kOnPath, kDone };
    for (int color = 0; color < card_.colors; ++color) {
      std::vector<std::uint8_t> state(static_cast<std::size_t>(program_.count()) * kPorts, kNew);
      for (int start = 0; start < program_.count(); ++start) {
        for (const int port : {0, 1, 2, 3, 4}) {
          walk(color, start * kPorts + port, state);
        }
      }
    }
  }
  void walk(int color, int first, std::vector<std::uint8_t>& state) {
    enum : std::uint8_t { kNew, kOnPath, kDone };
    if (state[first] != kNew || !takes(first / kPorts, color, static_cast<Port>(first % kPorts), false)) {
      return;
    }
    std::vector<std::pair<int, std::vector<int>>> path;  // node, successors to visit
    const auto enter = [&](int node) {
      state[node] = kOnPath;
      path.emplace_back(node, successors(color, node));
    };
    enter(first);
    while (!path.empty()) {
      auto& [node, left] = path.back();
      if (left.empty()) {
        state[node] = kDone;
        path.pop_back();
        continue;
      }
      const int next = left.back();
      left.pop_back();
      core_ = next / kPorts;
      require(state[next] != kOnPath, color, "a route that loops", "a route that ends");
      if (state[next] == kNew) {
        enter(next);
      }
    }
  }
  std::vector<int> successors(int color, int node) const {
    std::vector<int> result;
    for (const SwitchPosition& position : route_of(node / kPorts, color)->positions) {
      if (position.input != static_cast<Port>(node % kPorts)) {
        continue;
      }
      for (int p = 0; p < kNeighbours; ++p) {
        if ((position.outputs & (1U << p)) != 0) {
          const Port port = static_cast<Port>(p);
          result.push_back(neighbour(node / kPorts, port) * kPorts + static_cast<int>(opposite(port)));
        }
      }
    }
    return result;
  }

  const MeshProgram& program_;
  const WaferCard& card_;
  int core_ = 0;
};

}  // namespace

void verify(const MeshProgram& program, const WaferCard& card) { Verifier(program, card).run(); }

}  // namespace memwall
