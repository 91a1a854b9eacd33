// SPDX-License-Identifier: Apache-2.0
// How a package scales over the cores of this machine, and how the machine itself does.
// Takes: the library, the package's name, .npy files for its inputs, a number of threads. Gives: a
// line of JSON, for each way to work a rate a round: runs a second of one thread, of the package's
// pool, of a pool of this host through `parallel_for`, of a context pinned to a core, of one on
// each core; billions of multiply-adds a second, and GB read a second, of one thread and of all.
// Keeps true: all ways take turns in each round, in one process, on the same model; a turn in which
// other processes took a core is repeated.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

enum { k_ways = 9, k_max_rounds = 1024, k_turns = 4 };
static const double k_disturbed = 0.1;  // processors that others used during a turn

// ---------------------------------------------------------------- the host's pool
// Workers look for a new job for a while and then sleep. Task i of every job is run by the same
// thread: what it reads was mostly written there.
enum { k_looks_before_sleep = 2000 };

static void pause_core(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

typedef struct pool {
  int workers;
  mt_task task;
  void* task_context;
  int32_t count;
  atomic_int busy;
  atomic_uint job;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} pool;

static void run_tasks(const pool* p, int thread) {
  for (int32_t i = thread; i < p->count; i += 1 + p->workers) p->task(p->task_context, i);
}

typedef struct worker {
  pool* pool;
  int thread;
} worker;

static void* pool_worker(void* data) {
  const worker w = *(worker*)data;
  pool* p = w.pool;
  for (unsigned seen = 0;; seen++) {
    for (int looks = 0; looks < k_looks_before_sleep && atomic_load(&p->job) == seen; looks++) {
      pause_core();
    }
    pthread_mutex_lock(&p->mutex);
    while (atomic_load(&p->job) == seen) pthread_cond_wait(&p->wake, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    run_tasks(p, w.thread);
    atomic_fetch_sub(&p->busy, 1);
  }
  return NULL;
}

static void pool_parallel_for(void* data, int32_t count, mt_task task, void* task_context) {
  pool* p = data;
  p->task = task;
  p->task_context = task_context;
  p->count = count;
  atomic_store(&p->busy, p->workers);
  pthread_mutex_lock(&p->mutex);
  atomic_fetch_add(&p->job, 1);
  pthread_mutex_unlock(&p->mutex);
  pthread_cond_broadcast(&p->wake);
  run_tasks(p, 0);
  while (atomic_load(&p->busy)) pause_core();
}

static pool* start_pool(int threads) {
  pool* p = calloc(1, sizeof *p);
  if (!p) stop("out of memory", NULL);
  p->workers = threads - 1;
  pthread_mutex_init(&p->mutex, NULL);
  pthread_cond_init(&p->wake, NULL);
  for (int i = 0; i < p->workers; i++) {
    pthread_t thread;
    worker* w = malloc(sizeof *w);
    *w = (worker){p, i + 1};
    if (pthread_create(&thread, NULL, pool_worker, w) != 0) stop("no thread", NULL);
    pthread_detach(thread);
  }
  return p;
}

// ---------------------------------------------------------------- work
// What a thread does again and again; gives the units of it that are done.
typedef double (*work)(void* of);

typedef struct package_run {
  const api* call;
  context* context;
  const tensor_list* inputs;
} package_run;

static double run_package(void* of) {
  const package_run* r = of;
  mt_tensor outputs[k_max_tensors] = {0};
  if (r->call->run(r->context, r->inputs->tensors, outputs) != MT_OK) {
    stop("run:", r->call->last_error());
  }
  return 1;
}

#ifdef __AVX512F__
enum { k_vector_bytes = 64 };
#elif defined(__AVX__)
enum { k_vector_bytes = 32 };
#else
enum { k_vector_bytes = 16 };
#endif
enum { k_lanes = k_vector_bytes / 4, k_chains = 12, k_multiply_adds = 100000 };
typedef float vector __attribute__((vector_size(k_vector_bytes)));
static volatile float sink;

// Independent chains in registers: no memory is touched.
static double multiply_adds(void* of) {
  (void)of;
  vector a[k_chains], x, y;
  for (int lane = 0; lane < k_lanes; lane++) x[lane] = 0.999f, y[lane] = 1e-3f * (float)lane;
  for (int i = 0; i < k_chains; i++) a[i] = y * (float)i;
  for (int n = 0; n < k_multiply_adds; n++) {
#pragma GCC unroll 12
    for (int i = 0; i < k_chains; i++) a[i] = a[i] * x + y;
  }
  for (int i = 1; i < k_chains; i++) a[0] += a[i];
  sink = a[0][0] + a[0][k_lanes - 1];
  return 1e-9 * k_lanes * k_chains * k_multiply_adds;
}

// A stream that no cache holds.
enum { k_stream_bytes = 256 << 20 };
static double read_stream(void* of) {
  const vector* at = of;
  const vector* end = at + k_stream_bytes / k_vector_bytes;
  vector a[4] = {{0}};
  for (; at < end; at += 4) {
    for (int i = 0; i < 4; i++) a[i] += at[i];
  }
  sink = (a[0] + a[1] + a[2] + a[3])[0];
  return 1e-9 * k_stream_bytes;
}

static void* stream(void) {
  void* memory = allocate(k_stream_bytes);
  memset(memory, 0, k_stream_bytes);
  return memory;
}

// ---------------------------------------------------------------- ways
typedef struct way {
  const char* name;
  work work;
  int threads, pinned;
  void** of;  // by thread
} way;

typedef struct member {
  const way* way;
  int index;
  double seconds, rate;
  pthread_barrier_t* start;
} member;

static void pin_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) stop("no such core", NULL);
}

static void* run_member(void* data) {
  member* m = data;
  const way* w = m->way;
  if (w->pinned) pin_to_core(m->index);
  w->work(w->of[m->index]);  // wakes workers, fills caches
  pthread_barrier_wait(m->start);
  const double begin = now_seconds();
  double done = 0, now = begin;
  while (now - begin < m->seconds) {
    done += w->work(w->of[m->index]);
    now = now_seconds();
  }
  m->rate = done / (now - begin);
  return NULL;
}

// The sum of the rates of all threads.
static double rate_of(const way* w, double seconds) {
  pthread_t threads[k_max_threads];
  member members[k_max_threads];
  pthread_barrier_t start;
  pthread_barrier_init(&start, NULL, (unsigned)w->threads);
  for (int i = 0; i < w->threads; i++) {
    members[i] = (member){w, i, seconds, 0, &start};
    if (pthread_create(&threads[i], NULL, run_member, &members[i]) != 0) stop("no thread", NULL);
  }
  double rate = 0;
  for (int i = 0; i < w->threads; i++) {
    pthread_join(threads[i], NULL);
    rate += members[i].rate;
  }
  pthread_barrier_destroy(&start);
  return rate;
}

// Seconds of processor time that all processes have spent, or lost to other machines on this host.
static double machine_seconds(void) {
  long long user, nice, system, idle, wait, interrupts, soft, stolen;
  FILE* file = fopen("/proc/stat", "r");
  if (!file || fscanf(file, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &user, &nice, &system,
                      &idle, &wait, &interrupts, &soft, &stolen) != 8) {
    stop("cannot read", "/proc/stat");
  }
  fclose(file);
  const long long all = user + nice + system + interrupts + soft + stolen;
  return (double)all / (double)sysconf(_SC_CLK_TCK);
}

static double own_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// A turn in which others took a processor is repeated; the least disturbed one counts.
static double undisturbed_rate(const way* w, double seconds) {
  double rate = 0, least = k_max_threads;
  for (int turn = 0; turn < k_turns && least > k_disturbed; turn++) {
    const double begin = now_seconds(), others_before = machine_seconds() - own_seconds();
    const double found = rate_of(w, seconds);
    const double others = machine_seconds() - own_seconds() - others_before;
    const double share = others / (now_seconds() - begin);
    if (share < least) {
      least = share;
      rate = found;
    }
  }
  return rate;
}

// ---------------------------------------------------------------- command line
typedef struct request {
  const char *library, *name, *weights;
  char* files[k_max_tensors];
  int file_count, threads, rounds;
  double seconds;
} request;

static request parse(int argc, char** argv) {
  request r = {.library = argv[1], .name = argv[2], .threads = 2, .rounds = 5, .seconds = 0.2};
  for (int i = 3; i + 1 < argc; i += 2) {
    const char *flag = argv[i], *value = argv[i + 1];
    if (strcmp(flag, "--weights") == 0) {
      r.weights = value;
    } else if (strcmp(flag, "--input") == 0 && r.file_count < k_max_tensors) {
      r.files[r.file_count++] = argv[i + 1];
    } else if (strcmp(flag, "--threads") == 0 && atoi(value) > 1 && atoi(value) <= k_max_threads) {
      r.threads = atoi(value);
    } else if (strcmp(flag, "--rounds") == 0 && atoi(value) > 0 && atoi(value) <= k_max_rounds) {
      r.rounds = atoi(value);
    } else if (strcmp(flag, "--seconds") == 0) {
      r.seconds = atof(value);
    } else {
      stop("unknown or wrong:", flag);
    }
  }
  return r;
}

static model* opened(const api* call, mt_options options) {
  model* m = NULL;
  options.size = sizeof options;
  if (call->open(&options, &m) != MT_OK) stop("open:", call->last_error());
  return m;
}

// One package_run for each of `count` contexts.
static void** runs_of(const api* call, model* m, const tensor_list* inputs, int count) {
  void** of = calloc((size_t)count, sizeof *of);
  for (int i = 0; i < count; i++) {
    package_run* r = malloc(sizeof *r);
    *r = (package_run){call, NULL, inputs};
    if (call->context_create(m, NULL, &r->context) != MT_OK) stop("context:", call->last_error());
    of[i] = r;
  }
  return of;
}

static void print_rates(const char* name, const double* rates, int rounds) {
  printf(", \"%s\": [", name);
  for (int i = 0; i < rounds; i++) printf("%s%.6g", i ? ", " : "", rates[i]);
  printf("]");
}

int main(int argc, char** argv) {
  if (argc < 3)
    stop("usage: scaling LIBRARY NAME --weights F [--input NAME=FILE.npy ...]",
         "[--threads N] [--rounds N] [--seconds S]");
  const request r = parse(argc, argv);
  const api call = load_api(r.library, r.name);
  const mt_options alone = {.weights_path = r.weights};
  mt_options pooled = alone, hosted = alone;
  pooled.threads = r.threads;
  hosted.parallel_width = r.threads;
  hosted.parallel_for = pool_parallel_for;
  hosted.parallel_for_data = start_pool(r.threads);
  model* one = opened(&call, alone);
  const tensor_list inputs = read_inputs(call.info(one), r.files, r.file_count);
  void** contexts = runs_of(&call, one, &inputs, r.threads);
  void** streams = calloc((size_t)r.threads, sizeof *streams);
  for (int i = 0; i < r.threads; i++) streams[i] = stream();
  const way ways[k_ways] = {
      {"thread", run_package, 1, 0, contexts},
      {"pool", run_package, 1, 0, runs_of(&call, opened(&call, pooled), &inputs, 1)},
      {"parallel_for", run_package, 1, 0, runs_of(&call, opened(&call, hosted), &inputs, 1)},
      {"context", run_package, 1, 1, contexts},
      {"contexts", run_package, r.threads, 1, contexts},
      {"multiply_adds", multiply_adds, 1, 1, streams},
      {"multiply_adds_beside", multiply_adds, r.threads, 1, streams},
      {"reads", read_stream, 1, 1, streams},
      {"reads_beside", read_stream, r.threads, 1, streams}};
  static double rates[k_ways][k_max_rounds];
  for (int round = 0; round < r.rounds; round++) {
    for (int w = 0; w < k_ways; w++) rates[w][round] = undisturbed_rate(&ways[w], r.seconds);
  }
  printf("{\"level\": \"%s\", \"threads\": %d", call.info(one)->level, r.threads);
  for (int w = 0; w < k_ways; w++) print_rates(ways[w].name, rates[w], r.rounds);
  printf("}\n");
  return 0;
}
