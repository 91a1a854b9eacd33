// SPDX-License-Identifier: Apache-2.0
// Launches of kernels with their times, for mt.profile. Takes what the runtime's profile hook says,
// on any thread; gives the launches since the start. Keeps true: segments are compiled with the
// hook only while a profile is taken: others cost nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mintor::trace {

struct Launch {
  std::string kernel;
  int64_t begin = 0, end = 0;  // nanoseconds, of the clock of time.monotonic
  uint64_t thread = 0;         // 0, 1, ... in the order in which they came
};

bool is_profiling();
void start_profile();
std::vector<Launch> stop_profile();
// Of mt_options: called after each launch.
void note_launch(void* data, const char* kernel, int64_t begin, int64_t end);

}  // namespace mintor::trace
