// roofline.h - which arithmetic and which memory a program leans on: the two roofs over it.
#pragma once

#include <string>

#include "memwall/program/program.h"

namespace memwall {

struct Roofline {
  std::string arithmetic;  // the fastest resource of operations that does useful work
  OpsPerSecond peak_ops;
  // The memory that most weights and KV have to come from (useful bytes, so no cache in front of it counts);
  // empty and 0 when nothing is fetched.
  std::string memory;
  BytesPerSecond peak_bandwidth;
  Bytes bytes;  // charged to that memory
};

// Of all replicas together: the chips that work on one step at the same time.
Roofline roofline_of(const Program& program);
// Charged to the resource of that name, over all replicas; 0 when there is none.
Bytes bytes_of(const Program& program, const std::string& resource);

}  // namespace memwall
