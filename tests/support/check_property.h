// check_property.h - a rapidcheck property with a stated number of cases, inside a gtest TEST.
//
// Cases are the same in every run. RC_PARAMS="seed=N" draws others (tools/soak.sh does, many times); on
// failure the message shows the shrunk counterexample and RC_PARAMS to run it again.
#pragma once

#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace memwall {

template <class Property>
void check_property(int cases, Property&& property) {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  rc::detail::TestMetadata metadata;
  metadata.id = std::string(test->test_suite_name()) + "/" + test->name();
  metadata.description = test->name();
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = cases;
  if (std::getenv("RC_PARAMS") == nullptr) {
    params.seed = 0;
  }
  const rc::detail::TestResult result = rc::detail::checkTestable(property, metadata, params);
  if (!result.template is<rc::detail::SuccessResult>()) {
    std::ostringstream message;
    rc::detail::printResultMessage(result, message);
    ADD_FAILURE() << message.str() << "\nseed " << params.seed;
  }
}

// Uniform over [low, high), where rapidcheck's inRange alone starts with the low end.
template <class Integer>
Integer pick(Integer low, Integer high) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<Integer>(low, high));
}

}  // namespace memwall
