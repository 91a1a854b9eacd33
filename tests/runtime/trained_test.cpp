// SPDX-License-Identifier: Apache-2.0
// What trains, and who reduces gradients, as options of open; what a failure leaves behind.
// Takes a Program by hand: `grads` adds 1 to the sum of w and 2 to that of h, `apply` subtracts
// both sums from their parameters and makes them 0. Keeps true: a mask that fails is the one
// before.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/runtime/allocations_helper.h"
#include "tests/runtime/program_by_hand.h"

namespace MT_PACKAGE {
namespace {

using mintor::AllocationLimit;
using mintor::live_allocations;

constexpr int64_t kCount = 1024, kBytes = kCount * 4;
enum { w, h, sum_w, sum_h, k_states };

void grads(const void*, const Args& a, int32_t, int32_t, int32_t) {
  for (int64_t i = 0; i < kCount; ++i) {
    at<float>(a.state, sum_w * kBytes)[i] += 1;
    at<float>(a.state, sum_h * kBytes)[i] += 2;
  }
}

void apply(const void*, const Args& a, int32_t phase, int32_t, int32_t) {
  float* const value = at<float>(a.state, phase * kBytes);
  float* const sum = at<float>(a.state, (sum_w + phase) * kBytes);
  for (int64_t i = 0; i < kCount; ++i) {
    value[i] -= sum[i];
    sum[i] = 0;
  }
}

int64_t arena_bytes(const int64_t*) { return 64; }

const char* const kNames[] = {"one", "two"};
const mt_tensor_info kRate[] = {{"lr", MT_F64, 0, {}, {}}};
const mt_tensor_info kStates[] = {{"w", MT_F32, 1, {kCount}, {}},
                                  {"h", MT_F32, 1, {kCount}, {}},
                                  {"grad.w", MT_F32, 1, {kCount}, {}},
                                  {"grad.h", MT_F32, 1, {kCount}, {}}};
const mt_state_info kStateInfos[] = {
    {MT_STATE_VALUE, -1}, {MT_STATE_VALUE, -1}, {MT_STATE_GRADIENT, w}, {MT_STATE_GRADIENT, h}};
const State kPlaces[] = {{w * kBytes, 0, kBytes},
                         {h * kBytes, 0, kBytes},
                         {sum_w * kBytes, 0, kBytes},
                         {sum_h * kBytes, 0, kBytes}};
// One phase makes both sums; apply has a phase for each parameter.
const uint32_t kGradsServe[] = {1u << sum_w | 1u << sum_h};
const StateWrite kGradsWrite[] = {{0, sum_w}, {0, sum_h}};
const uint32_t kApplyServes[] = {1u << w | 1u << sum_w, 1u << h | 1u << sum_h};
const StateWrite kApplyWrites[] = {{0, w}, {0, sum_w}, {1, h}, {1, sum_h}};

const mt_entry_info kEntryInfos[] = {{"grads", 0, 0, 1, nullptr, nullptr, kNames},
                                     {"apply", 1, 0, 2, kRate, nullptr, kNames}};

Entry make_entry(PhaseFn run, int32_t phases, const uint32_t* serves, const StateWrite* writes,
                 int32_t count) {
  Entry entry{};
  entry.run = run;
  entry.phase_count = phases;
  entry.names = kNames;
  entry.arena_bytes = arena_bytes;
  entry.serves = serves;
  entry.writes = writes;
  entry.write_count = count;
  return entry;
}

const Entry kEntries[] = {make_entry(grads, 1, kGradsServe, kGradsWrite, 2),
                          make_entry(apply, 2, kApplyServes, kApplyWrites, 4)};
const Program kTwo = program_by_hand("two", kEntries, kEntryInfos,
                                     {kStates, kStateInfos, kPlaces, k_states* kBytes, kBytes});

struct trained : testing::Test {
  alignas(64) std::array<float, kCount> zeros{};
  Program two = kTwo;
  mt_options options{};
  Model* model = nullptr;
  Context* context = nullptr;

  trained() {
    options.size = sizeof(options);
    options.weights = zeros.data();
    options.weights_bytes = kBytes;
    set_trained(nullptr, nullptr, 0);  // the memory of a thread's messages is made once
  }
  ~trained() override {
    context_destroy(context);
    close(model);
  }

  void train(const std::vector<const char*>& names) {
    options.trained = names.data();
    options.trained_count = static_cast<int32_t>(names.size());
    open_both();
  }
  void open_both() {
    ASSERT_EQ(open(two, &options, &model), MT_OK) << last_error();
    ASSERT_EQ(context_create(model, nullptr, &context), MT_OK) << last_error();
  }
  mt_status run_apply(int32_t dtype = MT_F64) {
    double rate = 0;
    const mt_tensor input = {&rate, sizeof(rate), dtype, 0, {}};
    return run_entry(context, 1, &input, nullptr);
  }
  // The values, after gradients and a step.
  void expect_step(float value_w, float value_h) {
    EXPECT_EQ(run_entry(context, 0, nullptr, nullptr), MT_OK) << last_error();
    EXPECT_EQ(run_apply(), MT_OK) << last_error();
    EXPECT_EQ(value("w"), value_w);
    EXPECT_EQ(value("h"), value_h);
  }
  float value(const char* name) {
    mt_tensor of{};
    EXPECT_EQ(get_parameter(context, name, &of), MT_OK);
    return static_cast<const float*>(of.data)[kCount - 1];
  }
  void expect_refused(const std::string& why) {
    const long before = live_allocations();
    EXPECT_EQ(open(two, &options, &model), MT_INVALID_ARGUMENT);
    EXPECT_EQ(last_error(), why);
    EXPECT_EQ(model, nullptr);
    EXPECT_EQ(live_allocations(), before) << why;
  }
};

TEST_F(trained, all_without_a_mask) {
  open_both();
  expect_step(-1, -2);
}

TEST_F(trained, those_that_open_was_given) {
  std::string name = "h";
  train({name.c_str()});
  name = "?";  // nobody reads the caller's text after open
  expect_step(0, -2);
  EXPECT_EQ(value("grad.w"), 0);
  EXPECT_EQ(set_trained(context, "w", 1), MT_OK);
  expect_step(-1, -4);
  Context* other = nullptr;  // begins as the model was opened
  ASSERT_EQ(context_create(model, nullptr, &other), MT_OK);
  std::swap(context, other);
  expect_step(0, -2);
  context_destroy(other);
}

TEST_F(trained, none_by_an_empty_list) {
  const char* const none[] = {nullptr};
  options.trained = none;
  open_both();
  expect_step(0, 0);
}

TEST_F(trained, refuses_what_it_cannot_use) {
  const char* const names[] = {"w", "v", nullptr};
  options.trained = names;
  options.trained_count = 2;
  expect_refused("trained: 'v' is nothing that runs update");
  options.trained = names + 2;
  options.trained_count = 1;
  expect_refused("trained[0] is null");
  options.trained_count = -1;
  expect_refused("trained_count is -1, but trained is a list");
  options.trained = nullptr;
  options.trained_count = 1;
  expect_refused("trained_count is 1, but trained is null");
  options.trained_count = 0;
  options.reduce_data = &options;
  expect_refused("reduce_data is set, but reduce is null");
  options.reduce = [](void*, const char*, mt_tensor*) -> int32_t { return 0; };
  two.info.entry_count = 1;
  expect_refused("reduce is set, but no entry of 'two' applies gradients");
  options.reduce = nullptr;
  options.reduce_data = nullptr;
  options.trained = names;
  two.info.state_count = 2;
  expect_refused("trained is set, but nothing of 'two' has a sum of gradients");
}

// The words and phases of a mask are small; what is written and not kept is as large as a state.
TEST_F(trained, as_before_where_there_is_no_memory) {
  train({"h"});
  for (const size_t bytes : {size_t{0}, size_t{kBytes - 1}}) {
    const long before = live_allocations();
    {
      const AllocationLimit limit(bytes);
      EXPECT_EQ(set_trained(context, "grad.h", 0), MT_OUT_OF_MEMORY) << bytes;
    }
    EXPECT_EQ(live_allocations(), before);
  }
  expect_step(0, -2);
  expect_step(0, -4);
}

TEST_F(trained, leaves_nothing_of_a_context_that_fails) {
  train({"h"});
  mt_context_options given{};
  given.size = sizeof(given);
  given.share = context;
  Context* other = nullptr;
  const long before = live_allocations();
  {
    const AllocationLimit limit(kBytes - 1);
    EXPECT_EQ(context_create(model, &given, &other), MT_OUT_OF_MEMORY);
    EXPECT_STREQ(last_error(), "no memory for 4096 bytes of frozen states");
  }
  given.memory = zeros.data();
  given.memory_bytes = 63;
  EXPECT_EQ(context_create(model, &given, &other), MT_BUFFER_TOO_SMALL);
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(live_allocations(), before);
}

// What the host sees: names in order, and it halves.
using Seen = std::vector<std::string>;
int32_t halve(void* data, const char* name, mt_tensor* gradient) {
  static_cast<Seen*>(data)->push_back(name);
  for (int64_t i = 0; i < kCount; ++i) static_cast<float*>(gradient->data)[i] /= 2;
  return 0;
}

TEST_F(trained, reduced_once_in_each_run_that_applies) {
  Seen seen;
  options.reduce = halve;
  options.reduce_data = &seen;
  open_both();
  EXPECT_EQ(run_entry(context, 0, nullptr, nullptr), MT_OK);
  EXPECT_EQ(run_apply(MT_F32), MT_INVALID_ARGUMENT);  // refused before anybody is asked
  EXPECT_EQ(seen, Seen());
  EXPECT_EQ(run_apply(), MT_OK) << last_error();
  EXPECT_EQ(seen, (Seen{"w", "h"}));
  EXPECT_EQ(value("w"), -0.5f);
  EXPECT_EQ(value("h"), -1);
  EXPECT_EQ(set_trained(context, "w", 0), MT_OK);
  expect_step(-0.5f, -2);
  EXPECT_EQ(seen, (Seen{"w", "h", "h"}));
}

TEST_F(trained, a_reduction_that_fails_applies_nothing) {
  options.reduce = [](void*, const char* name, mt_tensor*) -> int32_t {
    return *name == 'h' ? 7 : 0;
  };
  open_both();
  EXPECT_EQ(run_entry(context, 0, nullptr, nullptr), MT_OK);
  EXPECT_EQ(run_apply(), MT_INVALID_ARGUMENT);
  EXPECT_STREQ(last_error(), "reduce: the callback gave 7 for 'h'");
  EXPECT_EQ(value("w"), 0);
  EXPECT_EQ(value("grad.w"), 1);
  EXPECT_EQ(set_trained(context, "h", 0), MT_OK);
  EXPECT_EQ(run_apply(), MT_OK);  // nobody holds the context after the failure
  EXPECT_EQ(value("w"), -1);
}

}  // namespace
}  // namespace MT_PACKAGE
