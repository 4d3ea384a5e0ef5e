// What a program may not be: one line each that names the core and the colour.
#include "memwall/processors/wafer/mesh_program.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memwall/processors/wafer/machine_test_support.h"

namespace memwall {
namespace {

using testing::HasSubstr;
using wafer_test::card;

// A route from (0, 0) to (0, 2) and a vector along it.
MeshBuilder sound() {
  MeshBuilder builder(2, 3, 8);
  const int color = builder.connect(Axis::rows, 0, 0, 2);
  builder.send(0, color, 0, 8);
  builder.receive(2, color, 0, 8);
  return builder;
}

void expect_refused(const std::function<void(MeshProgram&)>& spoil, const std::string& message) {
  MeshBuilder builder = sound();
  spoil(builder.program());
  try {
    verify(builder.program(), card());
    ADD_FAILURE() << "accepted, expected: " << message;
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

TEST(MeshProgram, ASoundProgramPasses) { EXPECT_NO_THROW(verify(sound().program(), card())); }

TEST(MeshProgram, RefusesAColourRoutedIntoAWall) {
  expect_refused(
      [](MeshProgram& p) { p.cores[2].routes[0].positions[0].outputs = mask(Port::east); },
      "core (0, 2), colour 0: found a route east into the wall, expected a route that stays on the mesh");
  expect_refused([](MeshProgram& p) { p.cores[0].routes[0].positions[0].outputs = mask(Port::north); },
                 "core (0, 0), colour 0: found a route north into the wall");
}

TEST(MeshProgram, RefusesARouteThatNobodyTakes) {
  expect_refused(
      [](MeshProgram& p) { p.cores[1].routes.clear(); },
      "core (0, 0), colour 0: found a route east to a router that does not take it from there, expected "
      "that router's input west");
}

TEST(MeshProgram, RefusesARouteThatLoops) {
  expect_refused(
      [](MeshProgram& p) {
        // Around the square of cores 0, 1, 4, 3.
        const auto ring = [&](int core, Port input, Port output) {
          p.cores[core].routes.push_back({5, {{input, mask(output)}}});
        };
        ring(0, Port::south, Port::east);
        ring(1, Port::west, Port::south);
        ring(4, Port::north, Port::west);
        ring(3, Port::east, Port::north);
      },
      "colour 5: found a route that loops, expected a route that ends");
}

TEST(MeshProgram, RefusesWhatTheRouterDoesNotHave) {
  expect_refused([](MeshProgram& p) { p.cores[3].routes.push_back({24, {{Port::ramp, mask(Port::east)}}}); },
                 "core (1, 0), colour 24: found a route of that colour, expected colours below 24");
  expect_refused(
      [](MeshProgram& p) { p.cores[0].routes[0].positions.assign(5, {Port::ramp, mask(Port::east)}); },
      "core (0, 0), colour 0: found 5 switch positions, expected 1 to 4");
  expect_refused([](MeshProgram& p) { p.cores[0].routes[0].positions[0].outputs = mask(Port::ramp); },
                 "found no output, or an output that is the input");
  expect_refused([](MeshProgram& p) { p.cores[0].routes.push_back(p.cores[0].routes[0]); },
                 "found two routes, expected one route per colour");
}

TEST(MeshProgram, RefusesOperandsThatAreNotThere) {
  expect_refused([](MeshProgram& p) { p.cores[0].start[0].from.where = 4; },
                 "found values 4 to 11, expected addresses below 8");
  expect_refused([](MeshProgram& p) { p.cores[2].start[0].from.where = 3; },
                 "core (0, 2), colour 3: found an operand on it, expected a route of it to the ramp");
  expect_refused([](MeshProgram& p) { p.cores[0].start[0].to.where = 3; },
                 "core (0, 0), colour 3: found an operand on it, expected a route of it from the ramp");
  expect_refused([](MeshProgram& p) { p.cores[0].start[0].thread = 5; }, "found thread 5, expected below 5");
  expect_refused([](MeshProgram& p) { p.cores[0].bound.push_back({7, {}}); },
                 "core (0, 0), colour 7: found a task bound to it, expected a route of it to the ramp");
}

TEST(MeshProgram, RefusesMoreMemoryThanACoreHas) {
  expect_refused([](MeshProgram& p) { p.memory_values = 24577; },
                 "mesh program: found 49154 bytes per core, expected at most the 49152 bytes of core.sram");
}

}  // namespace
}  // namespace memwall
