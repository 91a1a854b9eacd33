// SPDX-License-Identifier: Apache-2.0
// The choice among candidates, on times that are made up: what is faster wins, what is as fast as
// the default does not, whatever else the machine does meanwhile.
#include "compiler/tune/search.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mintor {
namespace {

// True times, each run slower by up to `noise` of it.
struct Machine {
  std::vector<double> seconds;
  double noise = 0;
  std::minstd_rand random{7};
  int runs = 0;
  double drift = 0;        // a run, of the machine as a whole
  double interrupted = 0;  // share of the runs that take ten times as long

  double operator()(size_t candidate) {
    const double unit = static_cast<double>(random()) / std::minstd_rand::max();
    const bool slow = static_cast<double>(random()) / std::minstd_rand::max() < interrupted;
    return seconds.at(candidate) * (1 + noise * unit) * (1 + drift * ++runs) * (slow ? 10 : 1);
  }
};

Fastest search(Machine& machine) {
  return fastest_of(machine.seconds.size(), [&](size_t c) { return machine(c); });
}

TEST(Search, OneCandidateIsTheDefault) {
  Machine machine{{3e-5}};
  const Fastest found = search(machine);
  EXPECT_EQ(found.candidate, 0U);
  EXPECT_DOUBLE_EQ(found.seconds, 3e-5);
  EXPECT_DOUBLE_EQ(found.default_seconds, 3e-5);
}

TEST(Search, TheFastestWinsWhereverItStands) {
  for (size_t fastest = 1; fastest < 40; fastest += 3) {
    Machine machine{std::vector<double>(40, 1e-4), 0.05};
    machine.seconds[fastest] = 8e-5;
    machine.seconds[(fastest + 5) % 40] = 5e-3;
    const Fastest found = search(machine);
    EXPECT_EQ(found.candidate, fastest);
    EXPECT_NEAR(found.seconds / found.default_seconds, 0.8, 0.03);
  }
}

TEST(Search, TheDefaultStaysWhereNothingIsFasterByMoreThanNoise) {
  for (uint32_t seed = 1; seed < 20; ++seed) {
    Machine machine{std::vector<double>(32, 1e-4), 0.2};
    machine.random.seed(seed);
    EXPECT_EQ(search(machine).candidate, 0U) << seed;
  }
  Machine machine{{1e-4, 0.99e-4, 0.985e-4}};
  const Fastest found = search(machine);
  EXPECT_EQ(found.candidate, 0U);
  EXPECT_DOUBLE_EQ(found.seconds, found.default_seconds);
}

TEST(Search, InterruptionsDecideNothing) {
  for (uint32_t seed = 1; seed < 20; ++seed) {
    Machine machine{std::vector<double>(12, 1e-4), 0.01};
    machine.interrupted = 0.4;
    machine.random.seed(seed);
    EXPECT_EQ(search(machine).candidate, 0U) << seed;
  }
}

// Ten times slower at the end: everything that runs later looks worse, but not beside the default.
TEST(Search, AMachineThatSlowsDownDecidesNothing) {
  Machine machine{{1e-4, 2e-4, 0.9e-4, 1e-4}};
  machine.drift = 0.05;
  EXPECT_EQ(search(machine).candidate, 2U);
  Machine equal{{1e-4, 1e-4, 1e-4, 1e-4}};
  equal.drift = 0.05;
  EXPECT_EQ(search(equal).candidate, 0U);
}

}  // namespace
}  // namespace mintor
