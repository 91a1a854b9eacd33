// SPDX-License-Identifier: Apache-2.0
// Runs any package through its C ABI, the way a hostile or careful host would.
// Takes: the library, the package's name, .npy files for its inputs, and what to vary: level,
// threads, the host's own parallel_for, floating-point modes set before the run, several contexts
// in as many threads. Gives: outputs as .npy files (PREFIX0.npy, ...), a line of times, and with
// count.c preloaded the number of allocations inside `run`.
// Keeps true: every run of every context gives the same bytes, or it ends with status 1; a status
// of the package becomes exit code 10 + status, its message on stderr.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mintor_abi.h"
#include "modes.h"

typedef struct model model;
typedef struct context context;

typedef struct api {
  mt_status (*open)(const mt_options*, model**);
  mt_status (*context_create)(model*, const mt_context_options*, context**);
  mt_status (*run)(context*, const mt_tensor*, mt_tensor*);
  void (*context_destroy)(context*);
  void (*close)(model*);
  const mt_model_info* (*info)(const model*);
  const char* (*last_error)(void);
} api;

enum { k_max_tensors = 64, k_max_threads = 64 };

typedef struct request {
  api call;
  model* model;
  mt_tensor inputs[k_max_tensors];
  int32_t input_count, output_count;
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

static void stop(const char* what, const char* detail) {
  fprintf(stderr, "error: drive: %s %s\n", what, detail ? detail : "");
  exit(1);
}

static void* allocate(size_t bytes) {
  void* memory = NULL;
  if (posix_memalign(&memory, 64, bytes ? bytes : 64) != 0) stop("out of memory", NULL);
  return memory;
}

// ---------------------------------------------------------------- .npy
static const struct {
  const char* npy;
  int32_t dtype;
  size_t bytes;
} k_types[] = {{"<f8", MT_F64, 8}, {"<f4", MT_F32, 4}, {"<f2", MT_F16, 2}, {"|i1", MT_I8, 1},
               {"<i2", MT_I16, 2}, {"<i4", MT_I32, 4}, {"<i8", MT_I64, 8}, {"|u1", MT_U8, 1},
               {"<u2", MT_U16, 2}, {"<u4", MT_U32, 4}, {"<u8", MT_U64, 8}, {"|b1", MT_BOOL, 1}};
enum { k_type_count = sizeof k_types / sizeof k_types[0] };

static void parse_header(const char* header, mt_tensor* t, const char* path) {
  int type = 0;
  while (type < k_type_count && !strstr(header, k_types[type].npy)) type++;
  const char* shape = strstr(header, "'shape': (");
  if (type == k_type_count || !shape || strstr(header, "'fortran_order': True")) {
    stop("cannot read the header of", path);
  }
  t->dtype = k_types[type].dtype;
  t->bytes = k_types[type].bytes;
  const char* p = shape + strlen("'shape': (");
  while (*p && *p != ')') {
    char* end;
    const long long extent = strtoll(p, &end, 10);
    if (end == p || t->rank == MT_MAX_RANK) stop("cannot read the shape of", path);
    t->shape[t->rank++] = extent;
    t->bytes *= (size_t)extent;
    p = end;
    while (*p == ',' || *p == ' ' || *p == 'L') p++;
  }
}

static mt_tensor read_npy(const char* path) {
  mt_tensor t = {0};
  FILE* f = fopen(path, "rb");
  unsigned char fixed[10];
  if (!f || fread(fixed, 1, 10, f) != 10 || memcmp(fixed, "\x93NUMPY\x01", 7) != 0) {
    stop("is no .npy of version 1:", path);
  }
  const size_t length = fixed[8] + 256u * fixed[9];
  char* header = calloc(1, length + 1);
  if (!header || fread(header, 1, length, f) != length) stop("is cut short:", path);
  parse_header(header, &t, path);
  free(header);
  t.data = allocate(t.bytes);
  if (fread(t.data, 1, t.bytes, f) != t.bytes) stop("is cut short:", path);
  fclose(f);
  return t;
}

static void write_npy(const char* path, const mt_tensor* t) {
  int type = 0;
  while (type < k_type_count && k_types[type].dtype != t->dtype) type++;
  if (type == k_type_count) stop("no .npy type for", path);
  char text[512], shape[256] = "";
  for (int d = 0; d < t->rank; d++) {
    snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%lld, ", (long long)t->shape[d]);
  }
  int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                   k_types[type].npy, shape);
  while ((10 + n + 1) % 64 != 0) text[n++] = ' ';
  text[n++] = '\n';
  FILE* f = fopen(path, "wb");
  const unsigned char fixed[10] = {
      0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(n % 256), (unsigned char)(n / 256)};
  if (!f || fwrite(fixed, 1, 10, f) != 10 || fwrite(text, 1, (size_t)n, f) != (size_t)n ||
      fwrite(t->data, 1, t->bytes, f) != t->bytes || fclose(f) != 0) {
    stop("cannot write", path);
  }
}

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

static double now_microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
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
    const double begin = now_microseconds();
    status = r->call.run(c, r->inputs, outputs);
    a->microseconds[i] = now_microseconds() - begin;
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
static void* need(void* library, const char* name, const char* suffix) {
  char symbol[256];
  snprintf(symbol, sizeof symbol, "%s_%s", name, suffix);
  void* address = dlsym(library, symbol);
  if (!address) stop("the library lacks", symbol);
  return address;
}

static api load_api(const char* path, const char* name) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) stop("cannot open the library:", dlerror());
  api a;
  *(void**)&a.open = need(library, name, "open");
  *(void**)&a.context_create = need(library, name, "context_create");
  *(void**)&a.run = need(library, name, "run");
  *(void**)&a.context_destroy = need(library, name, "context_destroy");
  *(void**)&a.close = need(library, name, "close");
  *(void**)&a.info = need(library, name, "info");
  *(void**)&a.last_error = need(library, name, "last_error");
  return a;
}

static void load_inputs(request* r, char** files, int count) {
  const mt_model_info* info = r->call.info(r->model);
  if (info->input_count > k_max_tensors || info->output_count > k_max_tensors) {
    stop("too many inputs or outputs", NULL);
  }
  r->input_count = info->input_count;
  r->output_count = info->output_count;
  for (int32_t i = 0; i < info->input_count; i++) {
    const size_t length = strlen(info->inputs[i].name);
    int k = 0;
    while (k < count &&
           (strncmp(files[k], info->inputs[i].name, length) != 0 || files[k][length] != '=')) {
      k++;
    }
    if (k == count) stop("no --input for", info->inputs[i].name);
    r->inputs[i] = read_npy(files[k] + length + 1);
  }
}

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
  for (int i = 0; i < r->input_count; i++) free(r->inputs[i].data);
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
  load_inputs(&r, inputs, input_count);
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
