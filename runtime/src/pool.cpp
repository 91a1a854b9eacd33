// SPDX-License-Identifier: Apache-2.0
// The pool of pool.h. A task is announced by a ticket number: a worker that sees a new ticket runs
// the task and waits for the next. The end of a task is a barrier, so the caller knows that nobody
// touches it any more when run_task returns.
#include "pool.h"

#if __STDC_HOSTED__
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

namespace MT_PACKAGE {

// Some 20 us of waiting (a pause is 40 to 140 cycles): longer than the gap between two runs in a
// loop, too short to show as load. Then a worker sleeps, and the next run has to wake it.
static const int kSpinsBeforeSleep = 1000;
// A barrier that is not open after this many looks means that a part has lost its core.
static const int kSpinsBeforeYield = 200;

static inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void Barrier::wait(int32_t parts) {
  const uint32_t before = opened.load(__ATOMIC_ACQUIRE);
  if (arrived.fetch_add(1, __ATOMIC_ACQ_REL) + 1 == uint32_t(parts)) {
    arrived.store(0, __ATOMIC_RELAXED);
    opened.store(before + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int spins = 0; opened.load(__ATOMIC_ACQUIRE) == before; ++spins) {
    if (spins < kSpinsBeforeYield) {
      pause_cpu();
    } else {
      sched_yield();
    }
  }
}

struct Pool;
struct Worker {
  Pool* pool;
  pthread_t thread;
  int32_t part;
};

struct Pool {
  mt_pool shared;  // first: the address of both is one
  Memory memory;
  pid_t process;  // where the workers are: a forked child has none of them
  Atomic<int32_t> used;
  Barrier barrier;
  alignas(64) Atomic<uint32_t> ticket;
  Atomic<bool> stopping;
  mt_task task;  // written before the ticket, read after it
  void* context;
  pthread_mutex_t mutex;  // guards sleeping
  pthread_cond_t wake;
  int32_t sleeping;
  Worker* workers;  // threads - 1
};

static uint32_t wait_for_ticket(Pool* pool, uint32_t seen) {
  for (int spins = 0; spins < kSpinsBeforeSleep; ++spins) {
    const uint32_t ticket = pool->ticket.load(__ATOMIC_ACQUIRE);
    if (ticket != seen) return ticket;
    pause_cpu();
  }
  pthread_mutex_lock(&pool->mutex);
  ++pool->sleeping;
  uint32_t ticket;
  while ((ticket = pool->ticket.load(__ATOMIC_ACQUIRE)) == seen) {
    pthread_cond_wait(&pool->wake, &pool->mutex);
  }
  --pool->sleeping;
  pthread_mutex_unlock(&pool->mutex);
  return ticket;
}

static void announce(Pool* pool) {
  // Inside the lock, so that a worker cannot miss it between its last look and its sleep.
  pthread_mutex_lock(&pool->mutex);
  pool->ticket.fetch_add(1, __ATOMIC_RELEASE);
  const bool sleepers = pool->sleeping > 0;
  pthread_mutex_unlock(&pool->mutex);
  if (sleepers) pthread_cond_broadcast(&pool->wake);
}

static void* worker_main(void* argument) {
  const Worker& worker = *static_cast<Worker*>(argument);
  Pool* pool = worker.pool;
  for (uint32_t seen = 0;;) {
    seen = wait_for_ticket(pool, seen);
    if (pool->stopping.load(__ATOMIC_ACQUIRE)) return nullptr;
    pool->task(pool->context, worker.part);
    pool->barrier.wait(pool->shared.threads);
  }
}

// Workers read how many they are only after the first ticket, when it is known.
static int32_t start_workers(Pool* pool, int32_t count) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int32_t started = 0;
  while (started < count) {
    Worker& worker = pool->workers[started];
    worker.pool = pool;
    worker.part = started + 1;
    if (pthread_create(&worker.thread, nullptr, worker_main, &worker) != 0) break;
    ++started;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

static int32_t run_task(mt_pool* shared, mt_task task, void* context) {
  Pool* pool = reinterpret_cast<Pool*>(shared);
  if (pool->process != getpid()) return 0;
  if (pool->used.exchange(1, __ATOMIC_ACQUIRE)) return 0;
  pool->task = task;
  pool->context = context;
  announce(pool);
  task(context, 0);
  pool->barrier.wait(shared->threads);
  pool->used.store(0, __ATOMIC_RELEASE);
  return 1;
}

static void free_pool(Pool* pool) {
  const Memory memory = pool->memory;
  release_object(memory, pool->workers);
  release_object(memory, pool);
}

mt_pool* create_pool(const Memory& memory, int32_t threads) {
  Pool* pool = allocate_object<Pool>(memory);
  if (!pool) return nullptr;
  pool->memory = memory;
  pool->workers = static_cast<Worker*>(allocate_object(memory, size_t(threads) * sizeof(Worker)));
  if (!pool->workers) {
    free_pool(pool);
    return nullptr;
  }
  pool->process = getpid();
  pthread_mutex_init(&pool->mutex, nullptr);
  pthread_cond_init(&pool->wake, nullptr);
  pool->shared = {sizeof(mt_pool), 1 + start_workers(pool, threads - 1), run_task};
  return &pool->shared;
}

static void stop_workers(Pool* pool) {
  pool->stopping.store(true, __ATOMIC_RELEASE);
  announce(pool);
  for (int32_t i = 0; i < pool->shared.threads - 1; ++i)
    pthread_join(pool->workers[i].thread, nullptr);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
}

void destroy_pool(mt_pool* shared) {
  if (!shared) return;
  Pool* pool = reinterpret_cast<Pool*>(shared);
  // In a forked child the lock may be held and waited for by threads that are not there.
  if (pool->process == getpid()) stop_workers(pool);
  free_pool(pool);
}

mt_status pool_create(int32_t threads, mt_pool** pool) {
  if (!pool) return fail(MT_INVALID_ARGUMENT, "pool_create: pool is null");
  *pool = nullptr;
  if (threads < 1 || threads > 1024) {
    return fail(MT_INVALID_ARGUMENT, "pool_create: threads is %d, expected 1..1024", threads);
  }
  *pool = create_pool(Memory{}, threads);
  return *pool ? MT_OK : fail(MT_OUT_OF_MEMORY, "no memory for a pool");
}

void pool_destroy(mt_pool* pool) { destroy_pool(pool); }

}  // namespace MT_PACKAGE
#endif
