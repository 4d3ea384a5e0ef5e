#include "memwall/processors/systolic/sharing.h"

#include <deque>

#include <gtest/gtest.h>

#include "memwall/model/read_model.h"
#include "memwall/processors/systolic/figures.h"
#include "memwall/processors/systolic/test_support.h"
#include "memwall/program/clock.h"

namespace memwall {
namespace {

// Requests one by one through continuous batching on an array that is shared: a prompt waits, is prefilled in
// pieces beside the others' decodes, then decodes to its end. Whatever the steps take, requests in flight =
// rate * time in the system, and tokens being decoded = tokens per second * time per token.
TEST(Sharing, LittlesLawHoldsForRequestsOneByOne) {
  const SystolicModel model(read_systolic_card(read_system("8xsplittable")), read_model("llama-3.1-8b"),
                            parse_plan("tp8 mode=hbm"));
  constexpr int kRequests = 60;
  constexpr std::int64_t kPrompt = 700, kOutput = 24, kPiece = 256;
  constexpr double kInterval = 4e-3;  // s between arrivals
  struct Request {
    double arrival = 0;
    std::int64_t prefilled = 0, decoded = 0;
  };
  std::deque<Request> waiting;
  std::vector<Request> decoding;
  double now = 0, request_seconds = 0, latencies = 0, token_seconds = 0, token_latencies = 0;
  int arrived = 0, finished = 0;
  std::int64_t tokens = 0;
  ScheduleClock clock;
  Program program;
  while (finished < kRequests) {
    while (arrived < kRequests && arrived * kInterval <= now) {
      waiting.push_back({arrived++ * kInterval});
    }
    Step step;
    if (!decoding.empty()) {
      step.slices.push_back({static_cast<std::int64_t>(decoding.size()), 1, kPrompt + kOutput / 2});
    }
    if (!waiting.empty()) {
      step.slices.push_back(
          {1, std::min(kPiece, kPrompt - waiting.front().prefilled), waiting.front().prefilled});
    }
    if (step.slices.empty()) {
      now = arrived * kInterval;
      continue;
    }
    model.lower(step, program);
    const double time = clock.run(program).time.value;
    token_seconds += static_cast<double>(decoding.size()) * time;
    token_latencies += static_cast<double>(decoding.size()) * time;
    tokens += static_cast<std::int64_t>(decoding.size());
    // Those who arrive within the step are in the system from then on.
    request_seconds += static_cast<double>(waiting.size() + decoding.size()) * time;
    for (int late = arrived; late < kRequests && late * kInterval < now + time; ++late) {
      request_seconds += now + time - late * kInterval;
    }
    now += time;
    for (Request& request : decoding) {
      ++request.decoded;
    }
    const auto done = std::stable_partition(decoding.begin(), decoding.end(),
                                            [](const Request& request) { return request.decoded < kOutput; });
    for (auto request = done; request != decoding.end(); ++request) {
      latencies += now - request->arrival;
      ++finished;
    }
    decoding.erase(done, decoding.end());
    if (!waiting.empty() && (waiting.front().prefilled += step.slices.back().new_tokens) == kPrompt) {
      decoding.push_back(waiting.front());
      waiting.pop_front();
    }
  }
  const double in_flight = request_seconds / now, rate = kRequests / now, latency = latencies / kRequests;
  EXPECT_NEAR(in_flight, rate * latency, 1e-9 * in_flight);
  EXPECT_NEAR(token_seconds / now,
              static_cast<double>(tokens) / now * (token_latencies / static_cast<double>(tokens)), 1e-9);
  EXPECT_EQ(tokens, kRequests * kOutput);
}

const System& one_chip() {
  static const System system = read_system("1xsplittable");
  return system;
}

// In the study the batch is rate * TPOT, times the batches in flight, for every way on one chip.
TEST(Sharing, StudyObeysLittlesLaw) {
  const SharingStudy study = read_study(one_chip().chip());
  const SharingComparison comparison = compare_sharing(study, read_model(study.model), one_chip());
  for (const SharingRate& rate : {comparison.batched, comparison.turns, comparison.shared}) {
    EXPECT_NEAR(rate.tokens_per_s * rate.tpot.value, static_cast<double>(rate.batch), 1e-6);
    EXPECT_LE(rate.tpot, study.tpot);
    EXPECT_LE(rate.ttft, study.ttft);
  }
}

// The point of sharing: slabs beside slabs beat turns on the whole array and two halves.
TEST(Sharing, SlabsBesideSlabsBeatTurnsAndHalves) {
  const SharingStudy study = read_study(one_chip().chip());
  const SharingComparison comparison = compare_sharing(study, read_model(study.model), one_chip());
  EXPECT_GT(comparison.shared.tokens_per_s, comparison.turns.tokens_per_s);
  EXPECT_GT(comparison.shared.tokens_per_s, comparison.halves.tokens_per_s);
  EXPECT_GT(comparison.shared.decode_slabs, 0);
}

// Two findings on divided GPUs: beyond a share more slabs do not speed decode up, and what couples the two
// sides is memory bandwidth: a prefill that shares no cell with decode slows it down.
TEST(Sharing, ReturnsDiminishAndBandwidthCouples) {
  const SharingStudy study = read_study(one_chip().chip());
  const std::vector<SharePoint> points = decode_shares(study, read_model(study.model), one_chip(), 32);
  ASSERT_EQ(points.size(), 4U);  // 1, 2, 4 and 8 of 16
  EXPECT_GT(points[0].alone, 1.2 * points[1].alone);
  EXPECT_NEAR(points[3].alone / points[1].alone, 1, 0.02);
  for (const SharePoint& point : points) {
    EXPECT_GT(point.waiting, 0.1 * point.alone) << point.slabs;
  }
}

TEST(Sharing, SteadyStepPrefillsWhatItEnds) {
  SharingStudy study;
  study.prompt = 2048;
  study.output = 256;
  // 32 sequences end an eighth of one per step: 256 tokens of a prompt.
  const Step part = steady_step(study, 32);
  EXPECT_EQ(part.slices.back(), (Slice{1, 256, (2048 - 256) / 2}));
  EXPECT_EQ(steady_step(study, 512).slices.back(), (Slice{2, 2048, 0}));
  // 288 sequences end 1.125 of them: a whole prompt and an eighth of another.
  EXPECT_EQ(steady_step(study, 288).slices[1], (Slice{1, 2048, 0}));
  EXPECT_EQ(steady_step(study, 288).slices[2], (Slice{1, 256, (2048 - 256) / 2}));
}

TEST(SystolicFigures, HaveTheSameNamesWhateverAFactsValue) {
  System system = one_chip();
  const auto names = [&] {
    std::vector<std::string> list;
    for (const Figure& figure : systolic_figures(system)) {
      list.push_back(figure.name);
    }
    return list;
  };
  const std::vector<std::string> expected = names();
  for (const char* key : {"array.row_parts", "hbm.capacity", "array.count"}) {
    System moved = one_chip();
    Fact& fact = moved.pools.front().chip.facts.at(key);
    for (const double value : {*fact.low, *fact.high}) {
      fact.value = value;
      std::swap(system, moved);
      EXPECT_EQ(names(), expected) << key << " " << value;
      std::swap(system, moved);
    }
  }
}

}  // namespace
}  // namespace memwall
