// schedule_engine.h - the flat arrays of the schedule clock; clock.h says what they compute.
//
// A program is compiled into one Node per task and one entry per occupied resource and per edge. Execution
// takes the waiting task with the least (ready, number) again and again; that is the order of the queues,
// because whatever a task releases becomes ready no earlier than the task itself was. All memory is kept
// between programs.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "memwall/program/clock.h"
#include "memwall/program/task_time.h"

namespace memwall {

struct ScheduleEngine {
  // What does not change during a run. Tasks are numbered over all blocks; [begin, end) are ranges of uses,
  // successors, sources and block_successors.
  struct Node {
    std::int64_t delay_ps = 0, work_ps = 0;
    std::int32_t use_begin = 0, use_end = 0;
    std::int32_t successor_begin = 0, successor_end = 0;
    std::int32_t predecessors = 0;
    std::int32_t block = 0;
  };
  struct Use {  // one resource that a task occupies, for all its demands on it
    std::int64_t ps = 0;
    std::int32_t resource = 0;
    Category category = Category::overhead;  // of the longest demand
  };
  struct BlockNode {
    std::int32_t first = 0, end = 0;  // tasks
    std::int32_t source_begin = 0, source_end = 0;
    std::int32_t successor_begin = 0, successor_end = 0;
    std::int64_t repeat = 1;
  };

  // Of the current repetition. start_ps and pending are reset when the task has run.
  struct TaskState {
    std::int64_t start_ps = -1;  // latest finish of the predecessors so far
    std::int64_t waiting_ps = 0;
    std::int64_t ran = 0;                   // the repetition in which it ran last, from 1
    std::int32_t pending = 0;               // predecessors that have not run
    std::int32_t critical = -1;             // the predecessor that finished last
    Category blocker = Category::overhead;  // of the demand that it waited for
  };
  struct TaskSums {
    std::int64_t waiting_ps = 0;
    std::int64_t critical_count = 0;  // repetitions with the task on its block's critical path
    std::int64_t critical_waiting_ps = 0;
  };
  struct ResourceState {
    std::int64_t free_ps = 0;
    Category holder = Category::overhead;
  };
  struct BlockState {
    std::int64_t start_ps = 0;        // latest finish of the blocks before it; then of the current repetition
    std::int64_t finish_ps = 0;       // latest finish in the current repetition so far
    std::int64_t started = 0;         // repetitions
    std::int32_t unfinished = 0;      // tasks of the repetition that have not run
    std::int32_t last = -1;           // the task that finishes last so far
    std::int32_t pending = 0;         // blocks to wait for
    std::int32_t critical = -1;       // the one that finished last
    CategoryTimes waiting_on_path{};  // all repetitions
  };
  struct Waiting {
    std::int64_t ready_ps = 0;
    std::int32_t task = 0;
  };

  std::vector<Node> nodes;
  std::vector<Use> uses;
  std::vector<std::int32_t> successors, sources, block_successors;
  std::vector<BlockNode> block_nodes;

  std::vector<TaskState> tasks;
  std::vector<TaskSums> sums;
  std::vector<ResourceState> resources;
  std::vector<BlockState> blocks;
  std::vector<std::int32_t> startable;  // blocks that wait for no other block and have not started
  std::vector<Waiting> heap;            // started tasks that have not run, least (ready, number) first
  std::vector<TaskTotals> totals;

  // The state when a block was about to repeat, to recognise it when it comes again. An encoded state holds
  // all that decides what happens next, with times relative to time_ps.
  struct Snapshot {
    std::vector<std::int64_t> encoded;
    std::int64_t time_ps = 0;
    // In order of the active blocks and their tasks:
    std::vector<std::int64_t> started;
    std::vector<CategoryTimes> waiting_on_path;
    std::vector<TaskSums> sums;
  };
  std::vector<std::int32_t> active;  // blocks that have started and not ended
  Snapshot saved;
  std::vector<std::int64_t> encoded;  // of now
  std::int64_t snapshots = 0;         // since a block last started or ended
  std::int64_t runs_since_snapshot = 0;

  Timing run(const Program& program, bool fast_forward, std::vector<TaskSpan>* spans);

  // Later in the order of the queues: the heap's least element is on top.
  static bool later(const Waiting& a, const Waiting& b) {
    return a.ready_ps != b.ready_ps ? a.ready_ps > b.ready_ps : a.task > b.task;
  }
  void compile(const Program& program);
  void compile_task(const Program& program, const Task& task, std::int32_t block);
  void compile_successors(const Program& program);
  void compile_block_successors(const Program& program);
  void reset(const Program& program);
  void push(std::int32_t task, std::int64_t ready_ps);
  void run_task(std::int32_t task, std::int64_t ready_ps, std::vector<TaskSpan>* spans);
  void start_repetition(std::int32_t block_index);
  void walk_critical_path(BlockState& block);
  void end_block(std::int32_t block_index);
  void start_blocks();
  void skip_repetitions(std::int32_t block_index);
  void encode_state(std::int32_t block_index);
  void save_state(std::int64_t time_ps);
  std::int64_t periods_left(std::int32_t block_index) const;
  void skip_periods(std::int32_t block_index, std::int64_t periods);
  Timing account(const Program& program);
};

}  // namespace memwall
