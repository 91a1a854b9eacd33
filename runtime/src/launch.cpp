// SPDX-License-Identifier: Apache-2.0
// Runs the phases of an entry point on the caller's thread, in the context's pool or through the
// host's parallel_for. Takes entry, kernels, arguments, executor; gives the phases' effects.
// Keeps true: phase i+1 begins after phase i has ended; which thread runs which tasks, in a pool a
// matter of chance, never changes the bits; the pool is entered once per launch, with barriers only
// between phases of which at least one is split; no thread computes outside the default
// floating-point environment; a run that is cancelled leaves no thread at a barrier.
#include "float_environment.h"
#include "pool.h"
#include "runtime.h"

#if __STDC_HOSTED__
#include <time.h>
#endif

namespace MT_PACKAGE {

// Whether a run is to end before its work is done. Its own thread asks; members of a pool, which
// have passed barriers in equal number, leave together behind the next one.
struct Stop {
  mt_cancel cancel;
  void* data;
  Atomic<int64_t> behind;  // that many barriers; 0: not at all

  bool called() const { return behind.load(__ATOMIC_RELAXED) != 0; }
  void ask(int64_t passed) {
    if (!called() && cancel(data)) behind.store(passed + 1, __ATOMIC_RELAXED);
  }
  bool leaves(int64_t passed) const {
    const int64_t barriers = behind.load(__ATOMIC_RELAXED);
    return barriers != 0 && barriers <= passed;
  }
};

struct Job {
  const Entry* entry;
  const void* kernels;
  const Args* args;
  const Executor* executor;
  const uint8_t* skipped;       // may be null
  Stop* stop;                   // null: nothing cancels the run
  alignas(64) Barrier barrier;  // of the members of a pool, between phases
};

// Parts that run at one time have a piece of the scratch each.
static Args args_of_part(Args args, const Entry& entry, int32_t part) {
  if (args.scratch) args.scratch += part * entry.scratch_bytes;
  return args;
}

// The work of a phase that one thread does alone is asked for in so many pieces whether to go on: a
// launch of a second can be stopped within 32 ms.
static const int32_t kPiecesAlone = 32;

// How far one thread has come. Threads count loops for themselves and come to the same numbers.
struct Walk {
  const Job& job;
  Args args;
  int32_t phase;
  int64_t passed;  // barriers
  bool asks;       // whether to cancel: on the run's own thread
  int64_t symbols[kMaxSizes + kMaxCounters];

  Walk(const Job& given, int32_t part)
      : job(given),
        args(args_of_part(*given.args, *given.entry, part)),
        phase(-1),
        passed(0),
        asks(part == 0) {
    if (job.entry->next) {
      const size_t count = size_t(args.symbol_count);
      memset(symbols, 0, (count + kMaxCounters) * sizeof(int64_t));
      if (args.symbols) memcpy(symbols, args.symbols, count * sizeof(int64_t));
      args.symbols = symbols;
    }
    advance();
  }

  bool done() const { return phase < 0; }

  void advance() {
    do {
      if (job.entry->next) {
        phase = *args.chosen == kStopped ? -1 : job.entry->next(symbols, *args.chosen, phase);
      } else if (++phase == job.entry->phase_count) {
        phase = -1;
      }
    } while (phase >= 0 && job.skipped && job.skipped[phase]);
  }

  int64_t tasks(int32_t width) const {
    return job.entry->tasks ? job.entry->tasks(args.symbols, phase) : width;
  }

  // How many parts the phase is split into: at most its tasks. 0: it has nothing to do.
  int32_t parts(int64_t tasks, int32_t width) const {
    if (tasks == kCondition) return 1;
    return tasks < width ? int32_t(tasks < 0 ? 0 : tasks) : width;
  }

  void run(int32_t part, int32_t parts) const {
    job.entry->run(job.kernels, args, phase, part, parts);
  }

  // Whether what is left of the work is not done.
  bool stopped() const {
    if (!job.stop) return false;
    if (asks) job.stop->ask(passed);
    return job.stop->called();
  }

  // Where it can be stopped, in pieces.
  void run_alone(int64_t tasks) const {
    const int32_t pieces = job.stop ? parts(tasks, kPiecesAlone) : 1;
    for (int32_t piece = 0; piece < pieces && !stopped(); ++piece) run(piece, pieces);
  }
};

// A part's share of a phase is begun piece by piece, so that who is through takes what others have
// not begun: tasks differ, and a core may be late or be shared with others. Own pieces come first,
// in order: what they read lies side by side, and was mostly written here.
static const int32_t kPiecesOfShare = 8;

// How many pieces of a part's share have been begun. Members of a pool count in turns: while one
// counter is used, its part puts the other back to 0. All see the same phases, and so the same
// turn.
struct alignas(64) Begun {
  Atomic<int32_t> pieces[2];
  uint32_t turn;  // of the part alone
};

static Begun* make_begun(const Memory& memory, int32_t width) {
  return static_cast<Begun*>(allocate_object(memory, size_t(width) * sizeof(Begun)));
}

static int32_t next_turn(Begun* begun) {
  if (!begun) return 0;
  const int32_t turn = int32_t(begun->turn++ & 1);
  begun->pieces[turn ^ 1].store(0, __ATOMIC_RELAXED);
  return turn;
}

static void run_share(const Walk& walk, Begun* begun, int32_t turn, int32_t part, int32_t active,
                      int64_t tasks) {
  if (!begun) {
    if (!walk.stopped()) walk.run(part, active);
    return;
  }
  const int64_t most = tasks / active;
  const int32_t pieces = most < kPiecesOfShare ? int32_t(most) : kPiecesOfShare;
  for (int32_t n = 0; n < active; ++n) {
    const int32_t of = (part + n) % active;
    for (;;) {
      const int32_t piece = begun[of].pieces[turn].fetch_add(1, __ATOMIC_RELAXED);
      if (piece >= pieces) break;
      if (walk.stopped()) return;
      walk.run(of * pieces + piece, active * pieces);
    }
  }
}

#if __STDC_HOSTED__
int64_t now_ns() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t(now.tv_sec) * 1000000000 + now.tv_nsec;
}
#endif

static void report(const Walk& walk, int64_t begin) {
  const Executor& executor = *walk.job.executor;
  // The hook is the host's code: it sees our environment, as parallel_for tasks do.
  executor.profile(executor.profile_data, walk.job.entry->names[walk.phase], begin, now_ns());
}

// Everyone is here. False: and goes no further.
static bool meet(Walk* walk, Job* job, int32_t width) {
  job->barrier.wait(width);
  ++walk->passed;
  return !job->stop || !job->stop->leaves(walk->passed);
}

// What each member of the pool runs. All members take the same branches around the barrier: they
// depend on the job, and on conditions that all read between two barriers.
static void pool_phases(void* data, int32_t part) {
  const FloatEnvironment environment;
  Job& job = *static_cast<Job*>(data);
  const int32_t width = job.executor->width;
  Begun* begun = job.executor->begun;
  const bool profiled = job.executor->profile != nullptr;
  int32_t before = 1;
  bool met = true;   // all are at the same place
  bool seen = true;  // what was chosen last, by all
  for (Walk walk(job, part); !walk.done(); walk.advance()) {
    const int64_t tasks = walk.tasks(width);
    const int32_t active = walk.parts(tasks, width);
    const bool reads = tasks == kCondition;
    // Two phases in a row that only part 0 runs are in order anyway.
    const bool follows = !met && (before > 1 || active > 1 || reads);
    if ((follows || (reads && !seen)) && !meet(&walk, &job, width)) return;
    seen = !reads && (seen || follows || profiled);
    const int64_t begin = profiled && part == 0 ? now_ns() : 0;
    const bool works = part < active && !walk.stopped();
    const int32_t turn = active > 1 ? next_turn(begun ? begun + part : nullptr) : 0;
    if (works && active > 1) run_share(walk, begun, turn, part, active, tasks);
    if (works && active == 1) walk.run_alone(tasks);
    met = profiled || reads;
    if (met && !meet(&walk, &job, width)) return;
    if (profiled && part == 0) report(walk, begin);
    before = active;
  }
}

struct HostTask {
  const Walk* walk;
  int32_t parts;
  int64_t tasks;
};

static void host_task(void* data, int32_t part) {
  const FloatEnvironment environment;
  const HostTask& task = *static_cast<HostTask*>(data);
  Walk walk = *task.walk;
  walk.asks = false;  // any thread
  walk.args = args_of_part(walk.args, *walk.job.entry, part);
  run_share(walk, walk.job.executor->begun, 0, part, task.parts, task.tasks);
}

// Nobody runs a task between two phases: what was begun is put back by the caller.
static void host_split(const Walk& walk, int32_t active, int64_t tasks) {
  const Executor& executor = *walk.job.executor;
  for (int32_t part = 0; executor.begun && part < active; ++part) {
    executor.begun[part].pieces[0].store(0, __ATOMIC_RELAXED);
  }
  HostTask task = {&walk, active, tasks};
  executor.parallel_for(executor.parallel_for_data, active, host_task, &task);
}

static void host_phases(const Job& job) {
  const Executor& executor = *job.executor;
  for (Walk walk(job, 0); !walk.done() && !walk.stopped(); walk.advance()) {
    const int64_t tasks = walk.tasks(executor.width);
    const int32_t active = walk.parts(tasks, executor.width);
    const int64_t begin = executor.profile ? now_ns() : 0;
    if (active == 1) {
      walk.run_alone(tasks);
    } else if (active > 1) {
      host_split(walk, active, tasks);
    }
    if (executor.profile) report(walk, begin);
  }
}

static void own_phases(const Job& job) {
  const bool profiled = job.executor->profile != nullptr;
  for (Walk walk(job, 0); !walk.done() && !walk.stopped(); walk.advance()) {
    const int64_t begin = profiled ? now_ns() : 0;
    const int64_t tasks = walk.tasks(1);
    if (walk.parts(tasks, 1)) walk.run_alone(tasks);
    if (profiled) report(walk, begin);
  }
}

static bool any_split(const Job& job, int32_t width) {
  if (!job.entry->tasks) return true;
  for (int32_t phase = 0; phase < job.entry->phase_count; ++phase) {
    if (job.entry->tasks(job.args->symbols, phase) > 1) return width > 1;
  }
  return false;
}

bool launch(const Entry& entry, const void* kernels, Args args, const Executor& executor,
            const uint8_t* skipped) {
  const FloatEnvironment environment;
  int64_t chosen = 0;
  args.chosen = &chosen;
  Stop stop = {executor.cancel, executor.cancel_data, {}};
  Job job = {&entry, kernels, &args, &executor, skipped, executor.cancel ? &stop : nullptr, {}};
  mt_pool* pool = executor.pool;
  if (executor.parallel_for) {
    host_phases(job);
  } else if (!pool || !any_split(job, executor.width) || !pool->run(pool, pool_phases, &job)) {
    own_phases(job);
  }
  return !stop.called();
}

int32_t most_parts(const mt_options& options) {
  if (options.parallel_for) return options.parallel_width ? options.parallel_width : 2;
  if (options.pool) return options.pool->threads;
  return options.threads > 1 ? options.threads : 1;
}

Executor make_executor(const mt_options& options) {
  Executor executor;
  memset(&executor, 0, sizeof(executor));
  executor.width = 1;
  executor.memory = memory_of(options);
  if (options.parallel_for) {
    executor.width = most_parts(options);
    executor.parallel_for = options.parallel_for;
    executor.parallel_for_data = options.parallel_for_data;
  } else if (options.threads > 1) {
    executor.own_pool = executor.pool = create_pool(executor.memory, options.threads);
    if (executor.pool) executor.width = executor.pool->threads;
  } else if (options.pool) {
    executor.pool = options.pool;
    executor.width = options.pool->threads;
  }
  if (executor.width > 1) executor.begun = make_begun(executor.memory, executor.width);
  return executor;
}

void destroy_executor(Executor* executor) {
  destroy_pool(executor->own_pool);
  release_object(executor->memory, executor->begun);
  executor->own_pool = executor->pool = nullptr;
  executor->begun = nullptr;
}

}  // namespace MT_PACKAGE
