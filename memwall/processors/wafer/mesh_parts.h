// mesh_parts.h - which cores of a mesh program can never exchange a wavelet, and which parts are alike.
#pragma once

#include <cstdint>
#include <vector>

#include "memwall/processors/wafer/mesh_program.h"

namespace memwall::mesh {

// Cores joined by routes, and where else on the mesh the same stands: the same cores moved by `offsets`
// (0 first, ascending), with the same programs. Start values may differ.
struct SamePart {
  std::vector<std::int32_t> cores;  // ascending
  std::vector<std::int32_t> offsets;
};

// Every core is in one part, or in one of a part's copies. In order of their first cores.
std::vector<SamePart> parts_of(const MeshProgram& program);

}  // namespace memwall::mesh
