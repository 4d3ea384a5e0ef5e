// The whole pipeline over random models, systems, plans and batches, for every processor family that has a
// card. Nothing here knows a family.
#include <map>

#include "memwall/core/data_files.h"
#include "memwall/program/ledger.h"
#include "memwall/report/timeline.h"
#include "memwall/serving/open_system.h"
#include "tests/property/random_model.h"

namespace memwall {
namespace {

const OpenSystem& open(const std::string& name) {
  static std::map<std::string, OpenSystem> opened;
  static const ProcessorRegistry processors = [] {
    ProcessorRegistry registry("processor family");
    register_builtin_processors(registry);
    return registry;
  }();
  auto found = opened.find(name);
  if (found == opened.end()) {
    found = opened.emplace(name, open_system(name, processors)).first;
  }
  return found->second;
}

// All cards, and 1 to 8 chips of each kind where so many can be joined.
std::vector<std::string> all_systems() {
  std::vector<std::string> systems = card_names("systems");
  for (const std::string& chip : card_names("chips")) {
    for (int count = 1; count <= 8; count *= 2) {
      const std::string name = std::to_string(count) + "x" + chip;
      try {
        open(name);
        systems.push_back(name);
      } catch (const ConfigError&) {
        EXPECT_GT(count, 1) << name;
      }
    }
  }
  return systems;
}
std::string any_system() {
  static const std::vector<std::string> systems = all_systems();
  return *rc::gen::elementOf(systems);
}

// Spread over orders of magnitude: small systems hold little.
std::int64_t any_size(int bits) { return pick<std::int64_t>(1, (std::int64_t{2} << pick(0, bits)) + 1); }
Slice any_decode() { return {any_size(8), 1, any_size(14)}; }
Slice any_prefill() { return {any_size(2), any_size(12), any_size(13) - 1}; }
Step any_step() {
  Step step;
  const int slices = 1 + pick(0, 2) * pick(0, 3);
  for (int i = 0; i < slices; ++i) {
    step.slices.push_back(pick(0, 3) == 0 ? any_prefill() : any_decode());
  }
  if (pick(0, 3) == 0) {
    step.routing.kind = Routing::Kind::power_law;
    step.routing.exponent = 0.8;
  }
  return step;
}

Need need_of(const Step& step) {
  Need need;
  need.sequences = step.sequences();
  need.step_tokens = step.new_tokens();
  need.context = 1;
  for (const Slice& slice : step.slices) {
    need.context = std::max(need.context, slice.new_tokens + slice.past_tokens);
  }
  return need;
}

// A placed model of random shape, or nothing when it does not fit anywhere.
struct Placed {
  std::unique_ptr<PlacedModel> loaded;
  explicit operator bool() const { return loaded != nullptr; }
};

Placed any_placed(const Need& need) {
  const std::string name = any_system();
  const OpenSystem& on = open(name);
  // Chips wired for one model run nothing else.
  const std::string wired = on.system.chip().word_or("wired.model", "");
  const Model model = wired.empty() ? any_model() : read_model(wired);
  const std::vector<Plan> plans = on.processor->candidate_plans(model, on.system);
  if (plans.empty()) {
    return {};
  }
  const Plan plan = plans[static_cast<std::size_t>(pick<int>(0, static_cast<int>(plans.size())))];
  RC_LOG() << name << " " << to_text(plan) << "\n";
  const Placement placement = on.processor->place(model, on.system, plan, need);
  if (!placement.fits) {
    RC_ASSERT(!placement.refusal.empty());
    return {};
  }
  LowerOptions options;
  options.eager = pick(0, 2) == 0;
  return {on.processor->load(model, on.system, placement, options)};
}

TEST(Pipeline, BoundIsNeverAboveTheSchedule) {
  int fitting = 0;
  check_property(1500, [&] {
    const Step step = any_step();
    const Placed placed = any_placed(need_of(step));
    if (!placed) {
      return;
    }
    ++fitting;
    Program program;
    placed.loaded->lower(step, program);
    verify(program);
    ScheduleClock clock;
    const Timing schedule = clock.run(program);
    RC_ASSERT(bound_time(program).time <= schedule.time);
    RC_ASSERT(schedule.time.value > 0);
    const Timing executed = clock.execute(program);
    RC_ASSERT(executed.time == schedule.time);
    RC_ASSERT(executed.on_path == schedule.on_path);
  });
  EXPECT_GE(fitting, 500);  // the property was about something
}

TEST(Pipeline, EqualInputGivesEqualBytes) {
  check_property(200, [] {
    const Step step = any_step(), other = any_step();
    Need need = need_of(step);
    need.sequences = std::max(need.sequences, other.sequences());
    need.context = std::max(need.context, need_of(other).context);
    need.step_tokens = std::max(need.step_tokens, other.new_tokens());
    const Placed placed = any_placed(need);
    if (!placed) {
      return;
    }
    Program fresh, used;
    placed.loaded->lower(step, fresh);
    placed.loaded->lower(other, used);  // storage that another step has left behind
    placed.loaded->lower(step, used);
    RC_ASSERT(to_text(fresh) == to_text(used));
    ScheduleClock clock, used_clock;
    used_clock.run(used);
    RC_ASSERT(to_text(make_ledger(fresh, clock)) == to_text(make_ledger(used, used_clock)));
    std::vector<TaskSpan> spans, again;
    clock.execute(fresh, &spans);
    clock.execute(fresh, &again);
    RC_ASSERT(spans == again);
  });
}

Seconds bound(const Placed& placed, const Step& step, Program& program) {
  placed.loaded->lower(step, program);
  return bound_time(program).time;
}

// The bound exactly. The schedule up to a step of a kernel's choices: where one more chunk of keys makes a
// library change its kernel or cut the cache into more parts that more of the chip reads at once.
TEST(Pipeline, MoreContextIsNeverFaster) {
  constexpr double kStep = 0.03;
  check_property(500, [] {
    Step shorter{{any_decode()}, {}};
    Step longer = shorter;
    longer.slices[0].past_tokens += pick<std::int64_t>(0, 16384);
    const Placed placed = any_placed(need_of(longer));
    if (!placed) {
      return;
    }
    Program program;
    RC_ASSERT(bound(placed, shorter, program) <= bound(placed, longer, program));
    ScheduleClock clock;
    placed.loaded->lower(shorter, program);
    const Seconds before = clock.run(program).time;
    placed.loaded->lower(longer, program);
    const Seconds after = clock.run(program).time;
    RC_LOG() << shorter.slices[0].count << "@" << shorter.slices[0].past_tokens << ": " << before.value
             << " s, " << longer.slices[0].past_tokens << ": " << after.value << " s\n";
    RC_ASSERT(before * (1 - kStep) <= after);
  });
}

// Groups of a data-parallel plan can be equally full before and after; their amounts then differ by rounding,
// which moves a task's time by a picosecond at most.
TEST(Pipeline, MoreSequencesNeverHaveALowerBound) {
  check_property(500, [] {
    Step fewer{{any_decode()}, {}};
    Step more = fewer;
    more.slices[0].count += pick<std::int64_t>(0, 257);
    const Placed placed = any_placed(need_of(more));
    if (!placed) {
      return;
    }
    Program program;
    const Seconds before = bound(placed, fewer, program), after = bound(placed, more, program);
    RC_LOG() << fewer.slices[0].count << "@" << fewer.slices[0].past_tokens << ": " << before.value << " s, "
             << more.slices[0].count << " sequences: " << after.value << " s\n";
    const double rounding = 1e-12 * static_cast<double>(program.task_count());
    RC_ASSERT(before.value <= after.value + rounding);
  });
}

}  // namespace
}  // namespace memwall
