// SPDX-License-Identifier: Apache-2.0
// A list of launches behind a lock: programs run on the caller's thread and on the worker's. Takes
// and gives what the header says.
#include "frontends/python/trace/profile.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

namespace mintor::trace {
namespace {

std::mutex mutex;
bool profiling = false;
std::vector<Launch>& launches() {
  static auto* const all = new std::vector<Launch>;
  return *all;
}
std::vector<std::thread::id>& threads() {
  static auto* const all = new std::vector<std::thread::id>;
  return *all;
}

}  // namespace

bool is_profiling() { return profiling; }

void start_profile() {
  const std::lock_guard lock(mutex);
  launches().clear();
  threads().clear();
  profiling = true;
}

std::vector<Launch> stop_profile() {
  const std::lock_guard lock(mutex);
  profiling = false;
  return std::exchange(launches(), {});
}

void note_launch(void*, const char* kernel, int64_t begin, int64_t end) {
  const std::lock_guard lock(mutex);
  if (!profiling) return;
  auto at = std::ranges::find(threads(), std::this_thread::get_id());
  if (at == threads().end()) at = threads().insert(at, std::this_thread::get_id());
  launches().push_back({kernel, begin, end, static_cast<uint64_t>(at - threads().begin())});
}

}  // namespace mintor::trace
