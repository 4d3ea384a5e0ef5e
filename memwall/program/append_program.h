// append_program.h - builds one Program out of several that were lowered for different pools of chips.
#pragma once

#include <string>
#include <vector>

#include "memwall/program/program.h"

namespace memwall {

// Tasks of a block that everything appended next has to wait for.
using Frontier = std::vector<std::int32_t>;

class ProgramBuilder {
 public:
  // Overwrites `program`; borrows it.
  explicit ProgramBuilder(Program& program);

  // A new block after the blocks in `after`; the following appends go into it. Returns its index.
  std::int32_t open_block(std::string name, std::int64_t repeat, std::vector<std::int32_t> after);

  // All tasks of `part`, repetitions unrolled, in its own order, once `frontier` is done; returns what has to
  // be done for the part to be done. Resources and labels are named "PREFIX.NAME"; those of one prefix and
  // name are one. All replicas of the part are charged: amounts and rates are multiplied by their number.
  // Power is not taken over.
  Frontier append(const Program& part, const std::string& prefix, const Frontier& frontier);
  // One task; `task` has neither label nor predecessors yet.
  Frontier append(Task task, const std::string& label, const Frontier& frontier);

  std::int32_t add_resource(Resource resource);  // or the one that has its name already

 private:
  std::int32_t label(const std::string& text);
  Block& block() { return program_.blocks.back(); }
  std::int32_t add_task(Task task, const Frontier& frontier);

  Program& program_;
};

}  // namespace memwall
