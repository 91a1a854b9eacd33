// SPDX-License-Identifier: Apache-2.0
// Threads, floating-point environment, allocations, hooks: what has to hold while `run` runs.
// Keeps true: the bits never depend on any of it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/runtime/allocations_helper.h"
#include "tests/runtime/toy_library.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace mintor::toy {
namespace {

TEST(threads, any_number_gives_the_same_bits) {
  for (const int32_t threads : {1, 2, 3, 7}) {
    mt_options options = default_options();
    options.threads = threads;
    Opened opened(options);
    ASSERT_EQ(opened.status, MT_OK) << opened.error();
    for (int turn = 0; turn < 50; ++turn) {
      Call call(turn % 20);
      EXPECT_EQ(call.run(opened), MT_OK);
      EXPECT_TRUE(call.right()) << threads << " threads, batch " << turn % 20;
    }
  }
}

struct HostLoop {
  std::vector<int32_t> counts;
};

// Real threads, started in reverse order.
void host_loop(void* data, int32_t count, mt_task task, void* context) {
  static_cast<HostLoop*>(data)->counts.push_back(count);
  std::vector<std::thread> threads;
  for (int32_t i = count - 1; i >= 0; --i) threads.emplace_back(task, context, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(threads, the_hosts_parallel_for_gives_the_same_bits) {
  for (const int32_t width : {0, 1, 3, 7}) {
    HostLoop loop;
    mt_options options = default_options();
    options.parallel_for = host_loop;
    options.parallel_for_data = &loop;
    options.parallel_width = width;
    Opened opened(options);
    loop.counts.clear();
    Call call(5);
    EXPECT_EQ(call.run(opened), MT_OK);
    EXPECT_TRUE(call.right()) << width;
    // One call for each phase that is split; never more parts than the 5 tasks.
    const int32_t parts = width == 0 ? 2 : std::min(width, 5);
    EXPECT_EQ(loop.counts, parts > 1 ? std::vector<int32_t>({parts, parts})
                                     : std::vector<int32_t>());
  }
}

// The first task alone does all of a phase when the host's other threads are late.
TEST(threads, tasks_of_a_late_thread_are_taken_by_others) {
  struct Late {
    mt_tensor* output;
    std::vector<char> after_first;
  };
  mt_options options = default_options();
  options.parallel_width = 3;
  options.parallel_for = [](void* data, int32_t count, mt_task task, void* context) {
    Late& late = *static_cast<Late*>(data);
    task(context, 0);
    const auto* values = static_cast<const char*>(late.output->data);
    late.after_first.assign(values, values + late.output->bytes);
    for (int32_t i = 1; i < count; ++i) task(context, i);
  };
  Call call(9);
  std::vector<char> given(9 * 20 * sizeof(float));
  call.outputs[0].data = given.data();
  call.outputs[0].bytes = given.size();
  Late late{call.outputs, {}};
  options.parallel_for_data = &late;
  Opened opened(options);
  ASSERT_EQ(opened.status, MT_OK) << opened.error();
  for (int turn = 0; turn < 3; ++turn) {
    std::ranges::fill(given, 0);
    EXPECT_EQ(call.run(opened), MT_OK);
    EXPECT_TRUE(call.right());
    EXPECT_EQ(late.after_first, given);
  }
}

TEST(threads, two_contexts_in_two_threads) {
  mt_options options = default_options();
  options.threads = 2;
  Opened first(options);
  mt_context_options context_options = default_context();
  void* context = nullptr;
  ASSERT_EQ(api().context_create(first.model, &context_options, &context), MT_OK);
  std::atomic<int> wrong{0};
  const auto use = [&](void* own) {
    for (int turn = 0; turn < 200; ++turn) {
      Call call(turn % 30);
      if (api().run(own, call.inputs, call.outputs) || !call.right()) ++wrong;
    }
  };
  std::thread other(use, context);
  use(first.context);
  other.join();
  EXPECT_EQ(wrong, 0);
  api().context_destroy(context);
}

// A hook that comes back into its own context gets a status, not a deadlock.
TEST(threads, a_context_that_is_running_is_busy) {
  static void* running = nullptr;
  static mt_status inner = MT_OK;
  mt_context_options options = default_context();
  options.profile = [](void*, const char*, int64_t, int64_t) {
    Call call(1);
    inner = api().run(running, call.inputs, call.outputs);
  };
  Opened opened(default_options(), options);
  running = opened.context;
  Call call(2);
  EXPECT_EQ(call.run(opened), MT_OK);
  EXPECT_EQ(inner, MT_INVALID_ARGUMENT);
  EXPECT_TRUE(call.right());
}

// What `child` returns in a forked process; -1 when it hangs or crashes.
template <class Function>
int in_child(Function child) {
  const pid_t process = fork();
  if (process == 0) {
    alarm(20);
    _exit(child());
  }
  int status = 0;
  waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The workers stay with the parent.
TEST(threads, a_forked_child_runs_alone) {
  mt_options options = default_options();
  options.threads = 3;
  Opened opened(options);
  Call call(20);
  ASSERT_EQ(call.run(opened), MT_OK);
  EXPECT_EQ(in_child([&] {
              Call again(20);
              if (again.run(opened) != MT_OK || !again.right()) return 1;
              api().context_destroy(opened.context);
              api().close(opened.model);
              return 0;
            }), 0);
  EXPECT_EQ(in_child([&] {
              api().context_destroy(opened.context);      // the workers sleep, or hold the lock
              return 0;
            }), 0);
  EXPECT_EQ(in_child([&] {
              void* context = nullptr;      // a new one has workers again
              Call again(20);
              mt_context_options own = default_context();
              if (api().context_create(opened.model, &own, &context)) return 1;
              if (api().run(context, again.inputs, again.outputs) || !again.right()) return 2;
              api().context_destroy(context);
              return 0;
            }), 0);
  Call after(20);
  EXPECT_EQ(after.run(opened), MT_OK);
  EXPECT_TRUE(after.right());
}

#if defined(__x86_64__)
// Flush to zero, denormals are zero, round down, with denormal numbers on the way.
TEST(float_environment, of_the_host_changes_no_bit_and_comes_back) {
  const unsigned normal = _mm_getcsr();
  for (int mode = 0; mode < 4; ++mode) {
    mt_options options = default_options();
    options.threads = mode == 1 ? 3 : 1;
    if (mode >= 2) {
      options.parallel_for = [](void*, int32_t count, mt_task task, void* context) {
        for (int32_t i = 0; i < count; ++i) {
          std::thread([=] {
            _mm_setcsr(0xbfc0);
            task(context, i);
            EXPECT_EQ(_mm_getcsr(), 0xbfc0u);
          }).join();
        }
      };
    }
    Call call(9);
    float* s = const_cast<float*>(call.s.as<float>());
    const float factor = 1e-41f;
    for (int i = 0; i < 9; ++i) s[i] = factor;
    Opened plain;
    ASSERT_EQ(call.run(plain), MT_OK);
    std::vector<char> expected(static_cast<char*>(call.outputs[0].data),
                               static_cast<char*>(call.outputs[0].data) + call.outputs[0].bytes);
    const auto* values = reinterpret_cast<const float*>(expected.data());
    EXPECT_TRUE(std::any_of(values, values + 180, [](float v) { return v != 0; }));
    call.outputs[0] = call.outputs[1] = {};
    const unsigned host = 0x1f80 | 0x8000 | 0x40 | 0x2000;
    _mm_setcsr(host);
    Opened opened(options);
    const mt_status status = call.run(opened);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(normal);
    EXPECT_EQ(status, MT_OK);
    EXPECT_EQ(after, host);
    EXPECT_EQ(std::memcmp(call.outputs[0].data, expected.data(), expected.size()), 0) << mode;
  }
}
#endif

TEST(allocations, run_has_none) {
  // The counter sees what the library does: opening maps weights, growing allocates.
  const long before_open = allocation_count();
  mt_options options = default_options();
  options.threads = 3;
  mt_context_options reserve = default_context();
  reserve.max_symbols[0] = 20;
  Opened opened(options, reserve);
  EXPECT_GE(allocation_count() - before_open, 5);
  std::vector<Call> calls;
  for (int64_t batch = 0; batch <= 21; ++batch) calls.emplace_back(batch);
  const long before = allocation_count();
  int failures = 0;
  for (int turn = 0; turn < 300; ++turn) {
    Call& call = calls[static_cast<size_t>(turn % 21)];
    call.outputs[0].data = call.outputs[1].data = nullptr;
    failures += call.run(opened) != MT_OK;
    // Long enough for the workers to fall asleep now and then.
    if (turn % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(allocation_count() - before, 0);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(calls[21].run(opened), MT_OK);
  EXPECT_EQ(allocation_count() - before, 1);
}

TEST(allocations, run_has_none_with_parallel_for) {
  mt_options options = default_options();
  options.parallel_for = [](void*, int32_t count, mt_task task, void* context) {
    for (int32_t i = 0; i < count; ++i) task(context, i);
  };
  Opened opened(options);
  Call call(4);
  const long before = allocation_count();
  EXPECT_EQ(call.run(opened), MT_OK);
  EXPECT_EQ(allocation_count() - before, 0);
}

struct Profile {
  std::vector<std::string> kernels;
  int64_t last = 0;
  bool ordered = true;
  std::thread::id thread = std::this_thread::get_id();
  bool same_thread = true;
};

TEST(profile, reports_each_kernel_in_order_on_the_calling_thread) {
  for (const int32_t threads : {1, 3}) {
    Profile profile;
    mt_context_options context = default_context();
    context.profile_data = &profile;
    context.profile = [](void* data, const char* kernel, int64_t begin, int64_t end) {
      Profile& seen = *static_cast<Profile*>(data);
      seen.kernels.push_back(kernel);
      seen.ordered = seen.ordered && seen.last <= begin && begin <= end;
      seen.last = end;
      seen.same_thread = seen.same_thread && std::this_thread::get_id() == seen.thread;
    };
    mt_options options = default_options();
    options.threads = threads;
    Opened opened(options, context);
    Call call(8);
    EXPECT_EQ(call.run(opened), MT_OK);
    EXPECT_TRUE(call.right());
    EXPECT_EQ(profile.kernels, (std::vector<std::string>{"dense_relu", "scale", "row_sum"}));
    EXPECT_TRUE(profile.ordered);
    EXPECT_TRUE(profile.same_thread);
  }
}

}  // namespace
}  // namespace mintor::toy
