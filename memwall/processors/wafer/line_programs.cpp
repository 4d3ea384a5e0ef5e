#include "memwall/processors/wafer/line_programs.h"

#include <algorithm>
#include <cassert>

#include "memwall/processors/wafer/mesh_cost.h"

namespace memwall {
namespace {

Port ahead(Axis axis) { return axis == Axis::rows ? Port::east : Port::south; }
Port behind(Axis axis) { return opposite(ahead(axis)); }

// Members of a line add up towards members[root] from both sides; `member` are line indices.
void add_towards(MeshBuilder& builder, Axis axis, int line, const std::vector<int>& members, std::size_t root,
                 int address, int values) {
  const auto side = [&](std::size_t end, int step) {
    if (end == root) {
      return;
    }
    int color = -1;
    for (std::size_t i = end; i != root; i += static_cast<std::size_t>(step)) {
      const std::size_t next = i + static_cast<std::size_t>(step);
      const int core = builder.core(axis, line, members[i]);
      const int onward = builder.connect(axis, line, members[i], members[next]);
      if (color < 0) {
        builder.send(core, onward, address, values);
      } else {
        builder.accumulate_on(core, color, onward, address, values);
      }
      color = onward;
    }
    builder.accumulate(builder.core(axis, line, members[root]), color, address, values);
  };
  side(0, 1);
  side(members.size() - 1, -1);
}

}  // namespace

MeshBuilder::MeshBuilder(int rows, int columns, int memory_values) {
  program_.rows = rows;
  program_.columns = columns;
  program_.memory_values = memory_values;
  program_.cores.resize(static_cast<std::size_t>(rows) * columns);
  program_.memory.resize(static_cast<std::size_t>(rows) * columns * memory_values);
}

int MeshBuilder::free_color(Axis axis, int line, int first, int last) const {
  std::uint64_t taken = 0;
  for (int i = first; i <= last; ++i) {
    for (const Route& route : program_.cores[core(axis, line, i)].routes) {
      taken |= std::uint64_t{1} << route.color;
    }
  }
  int color = 0;
  while ((taken >> color & 1) != 0) {
    ++color;
  }
  return color;
}

void MeshBuilder::route(int core, int color, Port input, std::uint8_t outputs) {
  program_.cores[core].routes.push_back({color, {{input, outputs}}});
}

int MeshBuilder::connect(Axis axis, int line, int from, int to) {
  assert(from != to);
  const int color = free_color(axis, line, std::min(from, to), std::max(from, to));
  const Port way = from < to ? ahead(axis) : behind(axis);
  const int step = from < to ? 1 : -1;
  route(core(axis, line, from), color, Port::ramp, mask(way));
  for (int i = from + step; i != to; i += step) {
    route(core(axis, line, i), color, opposite(way), mask(way));
  }
  route(core(axis, line, to), color, opposite(way), mask(Port::ramp));
  return color;
}

int MeshBuilder::spread(Axis axis, int line, int root) {
  const int last = length(axis) - 1;
  const int color = free_color(axis, line, 0, last);
  for (int i = 0; i <= last; ++i) {
    const std::uint8_t on = i < last ? mask(ahead(axis)) : std::uint8_t{0};
    const std::uint8_t back = i > 0 ? mask(behind(axis)) : std::uint8_t{0};
    if (i == root) {
      route(core(axis, line, i), color, Port::ramp, on | back);
    } else if (i > root) {
      route(core(axis, line, i), color, behind(axis), mask(Port::ramp) | on);
    } else {
      route(core(axis, line, i), color, ahead(axis), mask(Port::ramp) | back);
    }
  }
  return color;
}

void MeshBuilder::send(int core, int color, int address, int values, std::uint8_t thread) {
  add(core, {.thread = thread, .to = on_fabric(color), .from = in_memory(address), .length = values});
}
void MeshBuilder::receive(int core, int color, int address, int values, std::uint8_t thread) {
  add(core, {.thread = thread, .to = in_memory(address), .from = on_fabric(color), .length = values});
}
void MeshBuilder::accumulate(int core, int color, int address, int values) {
  add(core, {.kind = Instruction::Kind::add,
             .to = in_memory(address),
             .from = on_fabric(color),
             .other = in_memory(address),
             .length = values});
}
void MeshBuilder::accumulate_on(int core, int from_color, int to_color, int address, int values) {
  add(core, {.kind = Instruction::Kind::add,
             .to = on_fabric(to_color),
             .from = on_fabric(from_color),
             .other = in_memory(address),
             .length = values});
}

void broadcast(MeshBuilder& builder, Axis axis, int root, int address, int values) {
  for (int line = 0; line < builder.lines(axis); ++line) {
    const int color = builder.spread(axis, line, root);
    for (int i = 0; i < builder.length(axis); ++i) {
      const int core = builder.core(axis, line, i);
      i == root ? builder.send(core, color, address, values) : builder.receive(core, color, address, values);
    }
  }
}

void chain_reduce(MeshBuilder& builder, Axis axis, int address, int values) {
  std::vector<int> members(builder.length(axis));
  for (int i = 0; i < builder.length(axis); ++i) {
    members[i] = i;
  }
  for (int line = 0; line < builder.lines(axis); ++line) {
    add_towards(builder, axis, line, members, 0, address, values);
  }
}

void tree_reduce(MeshBuilder& builder, Axis axis, int address, int values) {
  const int n = builder.length(axis);
  for (int line = 0; line < builder.lines(axis); ++line) {
    // Core i sends to i less its lowest bit; nearest children come first.
    std::vector<int> to_parent(n, -1);
    for (int i = n - 1; i >= 0; --i) {
      std::vector<int> from_children;
      const int reach = i == 0 ? n : i & -i;
      for (int distance = 1; distance < reach && i + distance < n; distance *= 2) {
        from_children.push_back(to_parent[i + distance]);
      }
      const int core = builder.core(axis, line, i);
      to_parent[i] = i > 0 ? builder.connect(axis, line, i, i - reach) : -1;
      for (std::size_t c = 0; c < from_children.size(); ++c) {
        if (c + 1 < from_children.size() || i == 0) {
          builder.accumulate(core, from_children[c], address, values);
        } else {  // hands on while it adds the last
          builder.accumulate_on(core, from_children[c], to_parent[i], address, values);
        }
      }
      if (from_children.empty() && i > 0) {
        builder.send(core, to_parent[i], address, values);
      }
    }
  }
}

void two_phase_reduce(MeshBuilder& builder, Axis axis, int group, int address, int values) {
  const int n = builder.length(axis);
  for (int line = 0; line < builder.lines(axis); ++line) {
    std::vector<int> leaders;
    for (int first = 0; first < n; first += group) {
      std::vector<int> members;
      for (int i = first; i < std::min(first + group, n); ++i) {
        members.push_back(i);
      }
      add_towards(builder, axis, line, members, 0, address, values);
      leaders.push_back(first);
    }
    add_towards(builder, axis, line, leaders, 0, address, values);
  }
}

int ktree_reduce(MeshBuilder& builder, Axis axis, int levels, int address, int values) {
  const int n = builder.length(axis);
  const auto group = static_cast<std::size_t>(group_size(n, levels));
  int root = 0;
  for (int line = 0; line < builder.lines(axis); ++line) {
    std::vector<int> level(n);
    for (int i = 0; i < n; ++i) {
      level[i] = i;
    }
    while (level.size() > 1) {
      std::vector<int> roots;
      for (std::size_t first = 0; first < level.size(); first += group) {
        const std::vector<int> members(
            level.begin() + static_cast<std::ptrdiff_t>(first),
            level.begin() + static_cast<std::ptrdiff_t>(std::min(first + group, level.size())));
        add_towards(builder, axis, line, members, members.size() / 2, address, values);
        roots.push_back(members[members.size() / 2]);
      }
      level = roots;
    }
    root = level.front();
  }
  return root;
}

void all_reduce_chain(MeshBuilder& builder, Axis axis, int address, int values) {
  chain_reduce(builder, axis, address, values);
  broadcast(builder, axis, 0, address, values);
}

void all_reduce_ktree(MeshBuilder& builder, Axis axis, int levels, int address, int values) {
  const int root = ktree_reduce(builder, axis, levels, address, values);
  broadcast(builder, axis, root, address, values);
}

void take_turns(MeshBuilder& builder, Axis axis, int address, int values) {
  const int n = builder.length(axis);
  constexpr int kColor = 0;
  for (int line = 0; line < builder.lines(axis); ++line) {
    for (int i = 0; i < n; ++i) {
      const int core = builder.core(axis, line, i);
      const std::uint8_t on = i + 1 < n ? mask(ahead(axis)) : std::uint8_t{0};
      const SwitchPosition listen{behind(axis), static_cast<std::uint8_t>(mask(Port::ramp) | on)};
      const SwitchPosition speak{Port::ramp, on};
      Route route{kColor, {}};
      if (i > 0) {
        route.positions.push_back(listen);
      }
      if (i + 1 < n) {
        route.positions.push_back(speak);
      }
      builder.program().cores[core].routes.push_back(route);
      for (int turn = 0; turn < i; ++turn) {
        builder.receive(core, kColor, address + (turn + 1) * values, values);
      }
      if (i + 1 < n) {
        builder.send(core, kColor, address, values);
        // Mine stays as it is, that of the next core turns to speaking.
        constexpr auto kAdvanceSecond =
            static_cast<std::uint16_t>(static_cast<int>(SwitchCommand::advance) << 2);
        builder.add(core, {.kind = Instruction::Kind::control,
                           .to = on_fabric(kColor),
                           .length = 1,
                           .commands = kAdvanceSecond});
      }
    }
  }
}

std::vector<int> folded_ring(int n) {
  std::vector<int> ring;
  for (int i = 0; i < n; i += 2) {
    ring.push_back(i);
  }
  for (int i = n % 2 == 0 ? n - 1 : n - 2; i > 0; i -= 2) {
    ring.push_back(i);
  }
  return ring;
}

RingColors ring_colors(MeshBuilder& builder, Axis axis, int line) {
  const int n = builder.length(axis);
  const std::vector<int> ring = folded_ring(n);
  RingColors colors{std::vector<int>(n), std::vector<int>(n)};
  for (int j = 0; j < n; ++j) {
    const int from = ring[j], to = ring[(j + n - 1) % n];
    const int color = builder.connect(axis, line, from, to);
    colors.send[from] = color;
    colors.receive[to] = color;
  }
  return colors;
}

void cyclic_shift(MeshBuilder& builder, Axis axis, int address, int arrival, int values) {
  for (int line = 0; line < builder.lines(axis); ++line) {
    const RingColors colors = ring_colors(builder, axis, line);
    for (int i = 0; i < builder.length(axis); ++i) {
      const int core = builder.core(axis, line, i);
      builder.send(core, colors.send[i], address, values, 1);
      builder.receive(core, colors.receive[i], arrival, values, 2);
      builder.add(core, {.kind = Instruction::Kind::wait});
    }
  }
}

void kv_shift(MeshBuilder& builder, int address, int arrival, int values) {
  for (int column = 0; column < builder.lines(Axis::columns); ++column) {
    for (int row = 1; row < builder.length(Axis::columns); ++row) {
      const int color = builder.connect(Axis::columns, column, row, row - 1);
      builder.send(builder.core(Axis::columns, column, row), color, address, values, 1);
      builder.program().cores[builder.core(Axis::columns, column, row - 1)].bound.push_back(
          {color, {{.to = in_memory(arrival), .from = on_fabric(color), .length = values}}});
    }
  }
}

}  // namespace memwall
