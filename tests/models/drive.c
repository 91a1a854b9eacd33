// SPDX-License-Identifier: Apache-2.0
// Runs any package through its C ABI, the way a hostile or careful host would.
// Takes: the library, the package's name, .npy files for its inputs, and what to vary: level,
// threads, the host's own parallel_for, floating-point modes set before the run, several contexts
// in as many threads. Gives: outputs as .npy files (PREFIX0.npy, ...), a line of times, and with
// count.c preloaded the number of allocations inside `run`.
// Keeps true: every run of every context gives the same bytes, or it ends with status 1; a status
// of the package becomes exit code 10 + status, its message on stderr.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "modes.h"

typedef struct request {
  api call;
  model* model;
  tensor_list inputs;
  int32_t output_count;
  int repeat, contexts;
  bool flush_to_zero, round_down, touch;
} request;

// What one context computed.
typedef struct answer {
  const request* request;
  mt_tensor outputs[k_max_tensors];
  double* microseconds;
  long allocations;
  int failure;  // exit code, 0 when all is well
} answer;

// count.c, when it is preloaded.
__attribute__((weak)) void count_begin(void);
__attribute__((weak)) long count_end(void);

// ---------------------------------------------------------------- the host's side
// A host that flushes subnormals and rounds down: `run` must neither use nor change that.
static unsigned long long set_modes(const request* r) {
  return modes_set(r->flush_to_zero, r->round_down);
}

static unsigned long long current_modes(void) { return modes_set(0, 0); }

typedef struct share {
  mt_task task;
  void* task_context;
  int32_t begin, end;
  const request* modes;
} share;

static void* run_share(void* data) {
  const share* s = data;
  set_modes(s->modes);
  for (int32_t i = s->begin; i < s->end; i++) s->task(s->task_context, i);
  return NULL;
}

// The host's own parallel_for: a new thread for each task, last one first, so that no order that
// the package might count on is kept.
static void host_parallel_for(void* data, int32_t count, mt_task task, void* task_context) {
  pthread_t threads[k_max_threads];
  share shares[k_max_threads];
  if (count > k_max_threads) stop("more tasks than the host was told to take", NULL);
  for (int32_t i = count - 1; i >= 0; i--) {
    shares[i] = (share){task, task_context, i, i + 1, data};
    if (pthread_create(&threads[i], NULL, run_share, &shares[i]) != 0) stop("no thread", NULL);
  }
  for (int32_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static int fail(const request* r, mt_status status) {
  fprintf(stderr, "error: package: status %d: %s\n", (int)status, r->call.last_error());
  return 10 + (int)status;
}

// Takes the first run's outputs (memory of the context) into memory of our own; later runs write
// there, and must write the same bytes.
static bool keep_outputs(answer* a, mt_tensor* out, void** first) {
  for (int i = 0; i < a->request->output_count; i++) {
    if (!first[i]) {
      first[i] = allocate(out[i].bytes);
      memcpy(first[i], out[i].data, out[i].bytes);
      a->outputs[i] = out[i];
      a->outputs[i].data = allocate(out[i].bytes);
      memcpy(a->outputs[i].data, first[i], out[i].bytes);
    } else if (memcmp(first[i], out[i].data, out[i].bytes) != 0) {
      fprintf(stderr, "error: drive: output %d differs between runs of one context\n", i);
      return false;
    }
  }
  return true;
}

static int run_context(answer* a) {
  const request* r = a->request;
  context* c = NULL;
  mt_status status = r->call.context_create(r->model, NULL, &c);
  if (status != MT_OK) return fail(r, status);
  const unsigned long long modes = set_modes(r);
  void* first[k_max_tensors] = {0};
  int code = 0;
  for (int i = 0; i < r->repeat && code == 0; i++) {
    mt_tensor outputs[k_max_tensors] = {0};
    for (int o = 0; i > 0 && o < r->output_count; o++) {
      outputs[o].data = a->outputs[o].data;
      outputs[o].bytes = a->outputs[o].bytes;
    }
    if (i == 1 && count_begin) count_begin();  // the second run: the first may still load pages
    const double begin = now_seconds();
    status = r->call.run(c, r->inputs.tensors, outputs);
    a->microseconds[i] = (now_seconds() - begin) * 1e6;
    if (i == 1 && count_end) a->allocations = count_end();
    if (status != MT_OK) code = fail(r, status);
    if (code == 0 && !keep_outputs(a, outputs, first)) code = 1;
  }
  if (current_modes() != modes) {
    fprintf(stderr, "error: drive: the host's floating-point modes were changed\n");
    code = 1;
  }
  for (int i = 0; i < k_max_tensors; i++) free(first[i]);
  r->call.context_destroy(c);
  return code;
}

static void* run_thread(void* data) {
  answer* a = data;
  a->failure = run_context(a);
  return NULL;
}

// ---------------------------------------------------------------- command line
static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// Runs all contexts; the answers after the first must equal it byte for byte.
static int run_all(const request* r, answer* answers) {
  pthread_t threads[k_max_threads];
  for (int i = 0; i < r->contexts; i++) {
    answers[i].request = r;
    answers[i].microseconds = calloc((size_t)r->repeat, sizeof(double));
    if (!answers[i].microseconds) stop("out of memory", NULL);
    if (r->contexts == 1) {
      run_thread(&answers[i]);
    } else if (pthread_create(&threads[i], NULL, run_thread, &answers[i]) != 0) {
      stop("no thread", NULL);
    }
  }
  int code = 0;
  for (int i = 0; i < r->contexts; i++) {
    if (r->contexts > 1) pthread_join(threads[i], NULL);
    if (answers[i].failure) code = answers[i].failure;
  }
  for (int i = 1; i < r->contexts && code == 0; i++) {
    for (int o = 0; o < r->output_count; o++) {
      if (memcmp(answers[0].outputs[o].data, answers[i].outputs[o].data,
                 answers[0].outputs[o].bytes) != 0) {
        fprintf(stderr, "error: drive: output %d differs between contexts\n", o);
        code = 1;
      }
    }
  }
  return code;
}

static void write_outputs(const request* r, const answer* a, const char* prefix) {
  for (int o = 0; o < r->output_count; o++) {
    char path[4096];
    snprintf(path, sizeof path, "%s%d.npy", prefix, o);
    write_npy(path, &a->outputs[o]);
  }
}

static void free_all(request* r, answer* answers) {
  for (int i = 0; i < r->contexts; i++) {
    for (int o = 0; o < r->output_count; o++) free(answers[i].outputs[o].data);
    free(answers[i].microseconds);
  }
  for (int i = 0; i < r->inputs.count; i++) free(r->inputs.tensors[i].data);
  r->call.close(r->model);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr,
            "usage: drive LIBRARY NAME [--input NAME=FILE.npy ...] [--out PREFIX] [--weights F]\n"
            "  [--level L] [--threads N] [--host-threads N] [--contexts N] [--repeat N]\n"
            "  [--flush-to-zero] [--round-down]\n");
    return 2;
  }
  static request r = {.repeat = 2, .contexts = 1};
  static answer answers[k_max_threads];
  mt_options options = {.size = sizeof options};
  char* inputs[k_max_tensors];
  int input_count = 0;
  const char* prefix = NULL;
  for (int i = 3; i < argc; i++) {
    const char* flag = argv[i];
    if (strcmp(flag, "--flush-to-zero") == 0) {
      r.flush_to_zero = true;
      continue;
    }
    if (strcmp(flag, "--round-down") == 0) {
      r.round_down = true;
      continue;
    }
    if (++i == argc) stop("no value for", flag);
    if (strcmp(flag, "--input") == 0 && input_count < k_max_tensors) {
      inputs[input_count++] = argv[i];
    } else if (strcmp(flag, "--out") == 0) {
      prefix = argv[i];
    } else if (strcmp(flag, "--weights") == 0) {
      options.weights_path = argv[i];
    } else if (strcmp(flag, "--level") == 0) {
      options.level = argv[i];
    } else if (strcmp(flag, "--threads") == 0) {
      options.threads = atoi(argv[i]);
    } else if (strcmp(flag, "--host-threads") == 0) {
      options.parallel_width = atoi(argv[i]);
      options.parallel_for = host_parallel_for;
      options.parallel_for_data = &r;
    } else if (strcmp(flag, "--contexts") == 0 && atoi(argv[i]) <= k_max_threads) {
      r.contexts = atoi(argv[i]);
    } else if (strcmp(flag, "--repeat") == 0 && atoi(argv[i]) > 0) {
      r.repeat = atoi(argv[i]);
    } else {
      stop("unknown or wrong:", flag);
    }
  }
  r.call = load_api(argv[1], argv[2]);
  set_modes(&r);  // opening packs weights: that too must not depend on the host's modes
  const mt_status status = r.call.open(&options, &r.model);
  if (status != MT_OK) return fail(&r, status);
  r.inputs = read_inputs(r.call.info(r.model), inputs, input_count);
  r.output_count = r.call.info(r.model)->output_count;
  const int code = run_all(&r, answers);
  if (code == 0 && prefix) write_outputs(&r, &answers[0], prefix);
  if (code == 0) {
    double* times = answers[0].microseconds;
    qsort(times, (size_t)r.repeat, sizeof(double), by_value);
    printf("level %s min_us %.1f median_us %.1f allocations %ld\n", r.call.info(r.model)->level,
           times[0], times[r.repeat / 2], count_end ? answers[0].allocations : -1L);
  }
  free_all(&r, answers);
  return code;
}
