// SPDX-License-Identifier: Apache-2.0
// A small pool of worker threads, of one context or shared: an mt_pool. Takes a task that every
// member runs with its own index; gives back when all have finished. Keeps true: the caller is
// index 0 and works too; a task is handed over without allocation; who comes while the pool is in
// use is sent away, never held up; idle workers spin for some microseconds and then sleep; the
// workers block all signals, which stay with the host's threads.
#ifndef MINTOR_POOL_H
#define MINTOR_POOL_H

#include "atomic.h"
#include "runtime.h"

namespace MT_PACKAGE {

// All parts of one job meet here between phases: the last to arrive opens it for the others.
struct Barrier {
  Atomic<uint32_t> arrived;
  Atomic<uint32_t> opened;  // how often it has been opened
  void wait(int32_t parts);
};

// `threads` counts the caller. Fewer workers than asked for, when the system gives no more, are no
// error: the bits are the same. Null: there is no memory.
mt_pool* create_pool(const Memory& memory, int32_t threads);
void destroy_pool(mt_pool* pool);

}  // namespace MT_PACKAGE
#endif
