// SPDX-License-Identifier: Apache-2.0
// Runs that end early because their host says so: after each number of questions, at a deadline,
// out of a loop that would not end. Takes a Program by hand, whose entry `steps` adds 1 to every
// element of its state and output in two phases, and `forever` does so until it is stopped.
// Keeps true: a cancelled run says so in time, has changed no state, and the next one is whole.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/runtime/program_by_hand.h"

namespace MT_PACKAGE {
namespace {

constexpr int64_t kCount = 64;
std::atomic<int> slow_us;  // how long an element takes
std::atomic<int> done;     // elements

void work(const void*, const Args& a, int32_t phase, int32_t part, int32_t parts) {
  if (phase == 2) {
    if (part == 0) *a.chosen = 1;
    return;
  }
  const Share mine = share(kCount, part, parts);
  for (int64_t i = mine.begin; i < mine.end; ++i) {
    if (slow_us) usleep(static_cast<useconds_t>(slow_us));
    ++done;
    float& state = at<float>(a.state, 0)[i];
    if (phase == 0) state += 1;
    if (phase == 1) static_cast<float*>(a.outputs[0])[i] = state;
  }
}

int64_t tasks(const int64_t*, int32_t phase) { return phase == 2 ? kCondition : kCount; }
// Both phases and a condition, as long as that is true.
int32_t next(int64_t*, int64_t chosen, int32_t phase) {
  return phase < 2 ? phase + 1 : chosen ? 0 : -1;
}

const char* const kNames[] = {"add", "copy", "again"};
const mt_tensor_info kOutputs[] = {{"y", MT_F32, 1, {kCount}, {}}};
const mt_tensor_info kStates[] = {{"sum", MT_F32, 1, {kCount}, {}}};
const mt_state_info kStateInfos[] = {{MT_STATE_VALUE, -1}};
const State kPlaces[] = {{0, 0, kCount * 4}};
const StateWrite kWrites[] = {{0, 0}};
const uint32_t kServes[] = {1, 3, 3};
const mt_entry_info kEntryInfos[] = {{"steps", 0, 1, 2, nullptr, kOutputs, kNames},
                                     {"forever", 0, 1, 3, nullptr, kOutputs, kNames}};

Entry make_entry(int32_t phases, int32_t (*order)(int64_t*, int64_t, int32_t)) {
  Entry entry{};
  entry.run = work;
  entry.phase_count = phases;
  entry.names = kNames;
  entry.tasks = tasks;
  entry.next = order;
  entry.arena_bytes = [](const int64_t*) { return kCount * 4; };
  entry.output_bytes = [](const int64_t*, int32_t) { return kCount * 4; };
  entry.output_dim = [](const int64_t*, int32_t, int32_t) { return kCount; };
  entry.output_offset = [](const int64_t*, int32_t) { return int64_t{0}; };
  entry.serves = kServes;
  entry.writes = kWrites;
  entry.write_count = 1;
  return entry;
}
const Entry kEntries[] = {make_entry(2, nullptr), make_entry(3, next)};
const Program kSums = program_by_hand("sums", kEntries, kEntryInfos,
                                      {kStates, kStateInfos, kPlaces, kCount * 4, kCount * 4});

// Says yes when it was asked so often.
struct Questions {
  int left;
  int asked = 0;
  std::thread::id thread = std::this_thread::get_id();
  bool same_thread = true;

  static int32_t ask(void* data) {
    Questions& self = *static_cast<Questions*>(data);
    self.same_thread = self.same_thread && std::this_thread::get_id() == self.thread;
    ++self.asked;
    return self.left-- <= 0;
  }
};

void host_loop(void*, int32_t count, mt_task task, void* context) {
  std::thread other(task, context, count - 1);
  for (int32_t i = 0; i < count - 1; ++i) task(context, i);
  other.join();
}

// One thread, pools, the host's threads.
struct cancel : testing::TestWithParam<int> {
  alignas(64) std::array<float, kCount> zeros{};
  Questions questions{1 << 30};
  Model* model = nullptr;
  Context* context = nullptr;
  mt_context_options own{};

  void SetUp() override {
    slow_us = 0;
    mt_options options{};
    options.size = sizeof(options);
    options.weights = zeros.data();
    options.weights_bytes = sizeof(zeros);
    if (GetParam() > 0) options.threads = GetParam();
    if (GetParam() == 0) options.parallel_for = host_loop;
    ASSERT_EQ(open(kSums, &options, &model), MT_OK) << last_error();
    own.size = sizeof(own);
    own.cancel = Questions::ask;
    own.cancel_data = &questions;
    ASSERT_EQ(context_create(model, &own, &context), MT_OK) << last_error();
  }
  ~cancel() override {
    context_destroy(context);
    close(model);
  }

  float sum(int64_t i) {
    mt_tensor value{};
    EXPECT_EQ(get_parameter(context, "sum", &value), MT_OK) << last_error();
    return static_cast<const float*>(value.data)[i];
  }
  void expect_whole_run(float value) {
    mt_tensor output{};
    ASSERT_EQ(run(context, nullptr, &output), MT_OK) << last_error();
    for (int64_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(static_cast<const float*>(output.data)[i], value);
      EXPECT_EQ(sum(i), value);
    }
  }
};

TEST_P(cancel, after_each_number_of_questions) {
  expect_whole_run(1);
  const int most = questions.asked;
  EXPECT_GE(most, 2);
  int cancelled = 0;
  float value = 1;
  for (int after = 0; after <= most; ++after) {
    questions.left = after;
    mt_tensor output{};
    const mt_status status = run(context, nullptr, &output);
    if (status == MT_OK) ++value;  // with several threads, others may have done the work
    if (status == MT_CANCELLED) {
      ++cancelled;
      EXPECT_STREQ(last_error(), "run: cancelled");
    }
    for (const int64_t i : {int64_t{0}, kCount - 1}) EXPECT_EQ(sum(i), value);
    questions.left = 1 << 30;
    expect_whole_run(++value);
  }
  EXPECT_GE(cancelled, 2);
  EXPECT_TRUE(questions.same_thread);
}

TEST_P(cancel, out_of_a_loop_that_does_not_end) {
  for (const int after : {0, 1, 7, 100}) {
    questions.left = after;
    mt_tensor output{};
    EXPECT_EQ(run_entry(context, 1, nullptr, &output), MT_CANCELLED);
    EXPECT_EQ(sum(0), 0);
  }
  questions.left = 1 << 30;
  expect_whole_run(1);
}

// 64 elements of 4 ms in each of two phases: a fraction of the first, but for the host's threads,
// which are asked between launches.
TEST_P(cancel, at_a_deadline) {
  using Clock = std::chrono::steady_clock;
  struct Deadline {
    Clock::time_point at;
    static int32_t passed(void* data) { return Clock::now() > static_cast<Deadline*>(data)->at; }
  } deadline{};
  context_destroy(context);
  context = nullptr;
  own.cancel = Deadline::passed;
  own.cancel_data = &deadline;
  ASSERT_EQ(context_create(model, &own, &context), MT_OK);
  slow_us = 4000;
  done = 0;
  deadline.at = Clock::now() + std::chrono::milliseconds(60);
  mt_tensor output{};
  EXPECT_EQ(run(context, nullptr, &output), MT_CANCELLED);
  EXPECT_GE(done, 1);
  if (GetParam() == 0) {
    EXPECT_EQ(done, kCount);
  }
  if (GetParam() == 1) {
    EXPECT_LT(done, kCount / 2);
  }
  if (GetParam() > 1) {
    EXPECT_LE(done, kCount);  // all, where this thread has lost its core
  }
  slow_us = 0;
  deadline.at = Clock::time_point::max();
  expect_whole_run(1);
}

INSTANTIATE_TEST_SUITE_P(threads, cancel, testing::Values(1, 2, 3, 0));

TEST(cancel_options, data_without_a_function_is_refused) {
  alignas(64) std::array<float, kCount> zeros{};
  mt_options options{};
  options.size = sizeof(options);
  options.weights = zeros.data();
  options.weights_bytes = sizeof(zeros);
  Model* model = nullptr;
  Context* context = nullptr;
  ASSERT_EQ(open(kSums, &options, &model), MT_OK) << last_error();
  mt_context_options own{};
  own.size = sizeof(own);
  own.cancel_data = &own;
  EXPECT_EQ(context_create(model, &own, &context), MT_INVALID_ARGUMENT);
  EXPECT_STREQ(last_error(), "cancel_data is set, but cancel is null");
  // A caller that was built before there was a cancel.
  own.size = offsetof(mt_context_options, cancel);
  EXPECT_EQ(context_create(model, &own, &context), MT_OK);
  context_destroy(context);
  close(model);
}

}  // namespace
}  // namespace MT_PACKAGE
