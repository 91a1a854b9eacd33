// SPDX-License-Identifier: Apache-2.0
// Work side by side where the system starts no thread. Keeps true: every task runs once, whatever
// the number of threads; what a task throws arrives.
#include "compiler/support/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include "compiler/support/subprocess.h"

namespace mintor {
namespace {

// A process whose address space has room for small things, and for no thread's stack. A child,
// because the limit stays; one that has had no thread, whose stack would be used again.
template <class Body>
int in_a_process_without_threads(Body body) {
  long pages = 0;
  FILE* statm = fopen("/proc/self/statm", "r");
  if (statm == nullptr || fscanf(statm, "%ld", &pages) != 1) return 99;
  fclose(statm);
  const rlim_t room = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE)) + (2 << 20);
  const rlimit limit{room, room};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return 98;
  try {
    std::thread([] {}).join();
    return 97;  // the limit does not hold
  } catch (const std::system_error&) {
  }
  return body();
}

TEST(parallel, every_task_runs_once) {
  std::vector<std::atomic<int>> runs(1000);
  for_each_parallel(runs.size(), [&](size_t i) { ++runs[i]; });
  for (const auto& count : runs) EXPECT_EQ(count, 1);
  for_each_parallel(0, [&](size_t) { FAIL(); });
}

TEST(parallel, the_first_exception_arrives_after_the_last_task) {
  std::atomic<int> done = 0;
  const auto task = [&](size_t i) {
    ++done;
    if (i == 3) throw std::runtime_error("three");
  };
  EXPECT_THROW(for_each_parallel(20, task), std::runtime_error);
  EXPECT_EQ(done, 20);
}

TEST(ParallelDeathTest, a_thread_that_cannot_be_started_is_done_without) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto count_tasks = [] {
    int done = 0;
    for_each_parallel(8, [&](size_t) { ++done; });
    return done;
  };
  EXPECT_EXIT(std::exit(in_a_process_without_threads(count_tasks)), testing::ExitedWithCode(8), "");
}

TEST(ParallelDeathTest, commands_run_without_threads) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto run_two = [] {
    const std::vector<std::vector<std::string>> commands(2, {"/bin/sh", "-c", "exit 3"});
    const auto results = run_commands(commands, 2, "");
    return results[0].status + results[1].status;
  };
  EXPECT_EXIT(std::exit(in_a_process_without_threads(run_two)), testing::ExitedWithCode(6), "");
}

}  // namespace
}  // namespace mintor
