// SPDX-License-Identifier: Apache-2.0
// Trains the classifier without Python: the package `trainer` that train.py wrote.
//   train DIR [STEPS [BATCH [THREADS]]]
// Takes the data and the package's weights in DIR. Does: the first steps of train.py, their losses
// to DIR/losses_c.txt; then, from DIR/trained.safetensors, fine-tunes the last layer alone, by
// gradients that are added up over four micro-batches and become their mean; writes
// DIR/tuned.safetensors. Prints accuracies, times, memory. Keeps true: a function that fails ends
// the program with its message and status 1.
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "trainer.h"

enum { k_pixels = 28 * 28, k_classes = 10, k_micro = 4, k_updates = 50 };
static const double k_rate = 0.002;

static void check(mt_status status, const char* what) {
  if (status == MT_OK) return;
  fprintf(stderr, "%s: %s\n", what, trainer_last_error());
  exit(1);
}

static void stop(const char* what, const char* path) {
  fprintf(stderr, "%s: %s\n", path, what);
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// --- data: files of the idx format, whose header ends before the bytes ---

typedef struct images {
  unsigned char* pixels;  // [count, 28, 28]
  int64_t* labels;        // [count]
  int64_t count;
} images;

static unsigned char* read_bytes(const char* folder, const char* name, long header, long* count) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE* file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) stop("cannot be read", path);
  *count = ftell(file) - header;
  unsigned char* bytes = *count > 0 ? malloc((size_t)*count) : NULL;
  if (!bytes || fseek(file, header, SEEK_SET) != 0 ||
      fread(bytes, 1, (size_t)*count, file) != (size_t)*count) {
    stop("is too short", path);
  }
  fclose(file);
  return bytes;
}

static images read_images(const char* folder, const char* part) {
  char name[64];
  long bytes = 0, count = 0;
  images read;
  snprintf(name, sizeof(name), "%s-images-idx3-ubyte", part);
  read.pixels = read_bytes(folder, name, 16, &bytes);
  snprintf(name, sizeof(name), "%s-labels-idx1-ubyte", part);
  unsigned char* labels = read_bytes(folder, name, 8, &count);
  if (bytes != count * k_pixels) stop("has another number of images than of labels", name);
  read.count = count;
  read.labels = malloc((size_t)count * sizeof(int64_t));
  if (!read.labels) stop("no memory", name);
  for (long n = 0; n < count; ++n) read.labels[n] = labels[n];
  free(labels);
  return read;
}

// --- runs ---

static mt_tensor array(void* data, int32_t dtype, size_t bytes, int32_t rank, int64_t first) {
  mt_tensor made = {data, bytes, dtype, rank, {first, 28, 28}};
  return made;
}

// Images and labels from `begin` on.
static void fill_batch(const images* from, int64_t begin, int64_t count, mt_tensor* inputs) {
  inputs[0] = array(from->pixels + begin * k_pixels, MT_U8, (size_t)(count * k_pixels), 3, count);
  inputs[1] = array(from->labels + begin, MT_I64, (size_t)count * sizeof(int64_t), 1, count);
}

static float train_step(trainer_context* context, const images* from, int64_t begin,
                        int64_t count) {
  double rate = k_rate;
  float loss = 0;
  mt_tensor inputs[3], output = array(&loss, 0, sizeof(loss), 0, 0);
  fill_batch(from, begin, count, inputs);
  inputs[2] = array(&rate, MT_F64, sizeof(rate), 0, 0);
  check(trainer_run_entry(context, trainer_entry_train_step, inputs, &output), "train_step");
  return loss;
}

static void train_from_start(trainer_context* context, const char* folder, const images* from,
                             int64_t steps, int64_t batch) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/losses_c.txt", folder);
  FILE* file = fopen(path, "w");
  if (!file) stop("cannot be written", path);
  double begin = seconds();
  float loss = 0;
  for (int64_t n = 0; n < steps; ++n) {
    loss = train_step(context, from, n * batch, batch);
    fprintf(file, "%a\n", (double)loss);
  }
  printf("%lld steps of %lld images: %.2f ms each, last loss %.4f\n", (long long)steps,
         (long long)batch, 1e3 * (seconds() - begin) / (double)steps, (double)loss);
  fclose(file);
}

static int64_t count_right(trainer_context* context, const images* of) {
  int64_t right = 0;
  for (int64_t begin = 0; begin < of->count; begin += 500) {
    const int64_t count = of->count - begin < 500 ? of->count - begin : 500;
    mt_tensor inputs[2], scores = {0};
    fill_batch(of, begin, count, inputs);
    check(trainer_run(context, inputs, &scores), "forward");
    const float* row = scores.data;
    for (int64_t n = 0; n < count; ++n, row += k_classes) {
      int best = 0;
      for (int c = 1; c < k_classes; ++c) best = row[c] > row[best] ? c : best;
      right += best == of->labels[begin + n];
    }
  }
  return right;
}

// --- fine-tuning ---

// What several machines would do here: the sum of all becomes the mean.
static int32_t make_mean(void* data, const char* parameter, mt_tensor* gradient) {
  (void)parameter;
  double* squares = data;
  float* values = gradient->data;
  for (size_t n = 0; n < gradient->bytes / sizeof(float); ++n) {
    values[n] /= (float)k_micro;
    *squares += (double)values[n] * (double)values[n];
  }
  return 0;
}

static double update(trainer_context* context, const images* from, int64_t first, int64_t batch) {
  for (int64_t n = 0; n < k_micro; ++n) {
    float loss = 0;
    mt_tensor inputs[2], output = array(&loss, 0, sizeof(loss), 0, 0);
    fill_batch(from, first + n * batch, batch, inputs);
    check(trainer_run_entry(context, trainer_entry_grads, inputs, &output), "grads");
  }
  double squares = 0, rate = k_rate;
  check(trainer_visit_gradients(context, make_mean, &squares), "visit_gradients");
  mt_tensor input = array(&rate, MT_F64, sizeof(rate), 0, 0);
  check(trainer_run_entry(context, trainer_entry_apply, &input, NULL), "apply");
  return sqrt(squares);
}

static double updates(trainer_context* context, const images* from, int64_t batch, int64_t count) {
  const int64_t span = from->count - k_micro * batch + 1;
  double begin = seconds(), norm = 0;
  for (int64_t n = 0; n < count; ++n) {
    norm = update(context, from, n * k_micro * batch % span, batch);
  }
  printf("  %.2f ms an update of %d x %lld images, norm of the last gradient %.4f\n",
         1e3 * (seconds() - begin) / (double)count, k_micro, (long long)batch, norm);
  return norm;
}

static mt_tensor parameter(trainer_context* context, const char* name) {
  mt_tensor value = {0};
  check(trainer_get_parameter(context, name, &value), name);
  return value;
}

static void fine_tune(trainer_context* context, const char* folder, const images* from,
                      int64_t batch) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/trained.safetensors", folder);
  check(trainer_load_parameters(context, path, 0), "load_parameters");
  printf("all layers:\n");
  updates(context, from, batch, 5);
  check(trainer_load_parameters(context, path, 0), "load_parameters");

  check(trainer_set_trained(context, NULL, 0), "set_trained");
  check(trainer_set_trained(context, "last.weight", 1), "set_trained");
  check(trainer_set_trained(context, "last.bias", 1), "set_trained");
  const mt_tensor hidden = parameter(context, "hidden.weight");
  void* before = malloc(hidden.bytes);
  if (!before) stop("no memory", "hidden.weight");
  memcpy(before, hidden.data, hidden.bytes);
  printf("the last layer alone:\n");
  updates(context, from, batch, k_updates);
  printf("  hidden.weight %s\n",
         memcmp(before, hidden.data, hidden.bytes) ? "has changed" : "has its bits");
  free(before);
  snprintf(path, sizeof(path), "%s/tuned.safetensors", folder);
  check(trainer_save_parameters(context, path), "save_parameters");
}

int main(int count, char** arguments) {
  if (count < 2) {
    fprintf(stderr, "use: train DIR [STEPS [BATCH [THREADS]]]\n");
    return 2;
  }
  const char* folder = arguments[1];
  const int64_t steps = count > 2 ? atoll(arguments[2]) : 200;
  const int64_t batch = count > 3 ? atoll(arguments[3]) : 128;
  images train = read_images(folder, "train"), test = read_images(folder, "t10k");
  if (steps < 1 || batch < 1 || steps * batch > train.count || k_micro * batch > train.count) {
    stop("has not that many images", folder);
  }
  mt_options options = {.size = sizeof(options), .threads = count > 4 ? atoi(arguments[4]) : 1};
  trainer_model* model = NULL;
  trainer_context *trainer = NULL, *reader = NULL;
  check(trainer_open(&options, &model), "open");
  check(trainer_context_create(model, NULL, &trainer), "context_create");
  // Reads what the other one trains.
  mt_context_options sharing = {.size = sizeof(sharing), .share = trainer};
  check(trainer_context_create(model, &sharing, &reader), "context_create");

  train_from_start(trainer, folder, &train, steps, batch);
  printf("right after them: %lld of %lld\n", (long long)count_right(reader, &test),
         (long long)test.count);
  fine_tune(trainer, folder, &train, batch);
  printf("right with tuned.safetensors: %lld of %lld\n", (long long)count_right(reader, &test),
         (long long)test.count);
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("memory at most %.1f MB, of which %.1f MB are images\n", (double)use.ru_maxrss / 1024,
         (double)(train.count + test.count) * (k_pixels + 8) / 1048576);

  trainer_context_destroy(reader);
  trainer_context_destroy(trainer);
  trainer_close(model);
  free(train.pixels);
  free(train.labels);
  free(test.pixels);
  free(test.labels);
  return 0;
}
