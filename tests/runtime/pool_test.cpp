// SPDX-License-Identifier: Apache-2.0
// One pool for several models and packages. Takes program toy, built twice; gives pass or fail.
// Keeps true: who runs it never changes the bits, nobody waits for a pool that is in use, and a
// pool has as many threads as it was asked for, however many models it serves.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/runtime/toy_library.h"

namespace mintor::toy {
namespace {

// Of a library.
struct Pool {
  mt_pool* pool = nullptr;
  void (*destroy)(mt_pool*);

  explicit Pool(int32_t threads, const ModelApi& from = api()) {
    const auto create = reinterpret_cast<mt_status (*)(int32_t, mt_pool**)>(
        dlsym(from.code.get(), "toy_pool_create"));
    destroy = reinterpret_cast<void (*)(mt_pool*)>(dlsym(from.code.get(), "toy_pool_destroy"));
    status = create(threads, &pool);
  }
  ~Pool() { destroy(pool); }
  Pool(const Pool&) = delete;
  mt_status status;
};

mt_options with_pool(mt_pool* pool) {
  mt_options options = default_options();
  options.pool = pool;
  return options;
}

ptrdiff_t thread_count() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

const ModelApi& other_package() {
  static const ModelApi functions = library_api(built() + "/build/libtoy.so", "toy");
  return functions;
}

TEST(pool, serves_models_of_two_packages) {
  const ptrdiff_t before = thread_count();
  const Pool pool(3);
  Opened first(with_pool(pool.pool)), again(with_pool(pool.pool));
  Opened other(with_pool(pool.pool), default_context(), other_package());
  EXPECT_EQ(thread_count(), before + 2);
  for (int turn = 0; turn < 60; ++turn) {
    for (const Opened* opened : {&first, &other, &again}) {
      Call call(turn % 30);
      EXPECT_EQ(call.run(*opened), MT_OK);
      EXPECT_TRUE(call.right());
    }
  }
}

TEST(pool, of_another_package_is_as_good) {
  const Pool pool(2, other_package());
  Opened opened(with_pool(pool.pool));
  Call call(20);
  EXPECT_EQ(call.run(opened), MT_OK);
  EXPECT_TRUE(call.right());
}

TEST(pool, two_threads_at_once) {
  const Pool pool(3);
  std::atomic<int> wrong{0};
  const auto use = [&] {
    Opened own(with_pool(pool.pool));
    for (int turn = 0; turn < 300; ++turn) {
      Call call(turn % 40);
      if (call.run(own) || !call.right()) ++wrong;
    }
  };
  std::thread other(use);
  use();
  other.join();
  EXPECT_EQ(wrong, 0);
}

// A hook of one run runs another model on the same pool.
TEST(pool, a_run_within_a_run_is_alone) {
  const Pool pool(2);
  Opened inner(with_pool(pool.pool));
  struct Hook {
    Opened* inner;
    int right = 0;
  } hook{&inner};
  mt_context_options options = default_context();
  options.profile_data = &hook;
  options.profile = [](void* data, const char*, int64_t, int64_t) {
    Hook& self = *static_cast<Hook*>(data);
    Call call(12);
    self.right += call.run(*self.inner) == MT_OK && call.right();
  };
  Opened outer(with_pool(pool.pool), options);
  Call call(12);
  EXPECT_EQ(call.run(outer), MT_OK);
  EXPECT_TRUE(call.right());
  EXPECT_EQ(hook.right, 3);
}

// Threads of the host's, which run all tasks at once.
TEST(pool, may_be_the_hosts) {
  static int calls = 0;
  mt_pool pool{};
  pool.size = sizeof(pool);
  pool.threads = 3;
  pool.run = [](mt_pool* self, mt_task task, void* context) {
    if (++calls % 2 == 0) return 0;  // in use
    std::vector<std::thread> threads;
    for (int32_t i = 1; i < self->threads; ++i) threads.emplace_back(task, context, i);
    task(context, 0);
    for (std::thread& thread : threads) thread.join();
    return 1;
  };
  Opened opened(with_pool(&pool));
  calls = 0;
  for (int turn = 0; turn < 20; ++turn) {
    Call call(turn);
    EXPECT_EQ(call.run(opened), MT_OK);
    EXPECT_TRUE(call.right());
  }
  EXPECT_EQ(calls, 18);  // once a run; none where there is one task or none
}

TEST(pool, a_forked_child_runs_alone) {
  const Pool pool(3);
  Opened opened(with_pool(pool.pool));
  Call before(20);
  ASSERT_EQ(before.run(opened), MT_OK);
  const pid_t process = fork();
  if (process == 0) {
    alarm(20);
    Call call(20);
    if (call.run(opened) != MT_OK || !call.right()) _exit(1);
    Pool own(2);  // has threads again
    Opened anew(with_pool(own.pool));
    Call again(20);
    _exit(again.run(anew) == MT_OK && again.right() && thread_count() == 2 ? 0 : 2);
  }
  int status = 0;
  waitpid(process, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(pool, options_that_do_not_go_together) {
  const Pool none(0), good(2);
  EXPECT_EQ(none.status, MT_INVALID_ARGUMENT);
  EXPECT_EQ(none.pool, nullptr);
  EXPECT_STREQ(api().last_error(), "pool_create: threads is 0, expected 1..1024");
  mt_options options = with_pool(good.pool);
  options.threads = 2;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "threads is set beside pool; give one of the two");
  options = with_pool(good.pool);
  options.parallel_for = [](void*, int32_t, mt_task, void*) {};
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "parallel_for is set beside pool; give one of the two");
  mt_pool empty{};
  empty.size = sizeof(empty);
  expect_failure(Opened(with_pool(&empty)), MT_INVALID_ARGUMENT,
                 "pool has size 24, threads 0 and no run; expected at least 24, 1..1024 and run");
}

}  // namespace
}  // namespace mintor::toy
