// SPDX-License-Identifier: Apache-2.0
// A small pool of worker threads, one per context. Takes a job: a function that every member runs
// with its own part number; gives back when all have finished. Keeps true: the caller is part 0 and
// works too; a job is handed over without allocation; idle workers spin for some microseconds and
// then sleep; the workers block all signals, which stay with the host's threads.
#ifndef MINTOR_POOL_H
#define MINTOR_POOL_H

#include <atomic>

#include "runtime.h"

namespace MT_PACKAGE {

// All parts of one job meet here between phases: the last to arrive opens it for the others.
struct Barrier {
  std::atomic<uint32_t> arrived;
  std::atomic<uint32_t> opened;   // how often it has been opened
  void wait(int32_t parts);
};

using JobFn = void (*)(const void* job, int32_t part, int32_t parts);

int32_t pool_width(const Pool* pool);   // workers and the caller; 1 in a forked child
// Every part has to pass barrier waits in equal number; returns when all parts are through.
void run_job(Pool* pool, JobFn run, const void* job);
Barrier* pool_barrier(Pool* pool);

}  // namespace MT_PACKAGE
#endif
