// SPDX-License-Identifier: Apache-2.0
// Takes a number of tasks and what each does; runs them on as many threads as there are cores, or
// as the system gives: a thread that cannot be started leaves its share to the others.
// Keeps true: all tasks have run, or failed, when it returns.
#include "compiler/support/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mintor {

int compile_threads() {
  const unsigned cores = std::thread::hardware_concurrency();
  return static_cast<int>(std::clamp(cores, 1u, 8u));
}

void work_side_by_side(size_t width, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  if (width > 1) threads.reserve(width - 1);
  try {
    while (threads.size() + 1 < width) threads.emplace_back(std::cref(work));
  } catch (const std::exception&) {  // limits of processes or memory: fewer will do
  }
  work();
  for (std::thread& thread : threads) thread.join();
}

void for_each_parallel(size_t count, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  work_side_by_side(std::min<size_t>(count, static_cast<size_t>(compile_threads())), work);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mintor
