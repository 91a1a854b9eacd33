// SPDX-License-Identifier: Apache-2.0
// Steps of the package `trainer` of models/fashion_mnist, as a host that counts and that shares.
//   steps allocations WEIGHTS     prints how often memory was asked for in 10 steps of each kind
//   steps share WEIGHTS           one context trains in a thread, two read its parameters in theirs
// Takes the package's weights; images are made up. Built with count.c, which counts. Keeps true:
// any other status than the one that is expected ends it with status 1.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trainer.h"

void count_begin(void);
long count_end(void);

enum { k_batch = 8, k_pixels = 28 * 28, k_steps = 20 };

static unsigned char pixels[k_batch * k_pixels];
static int64_t labels[k_batch];
static atomic_int trained, refused;

static void check(mt_status status, const char* what) {
  if (status == MT_OK) return;
  fprintf(stderr, "%s: %s\n", what, trainer_last_error());
  exit(1);
}

// images, labels, rate
static void fill_inputs(mt_tensor* inputs, double* rate) {
  const mt_tensor given[3] = {{pixels, sizeof(pixels), MT_U8, 3, {k_batch, 28, 28}},
                              {labels, sizeof(labels), MT_I64, 1, {k_batch}},
                              {rate, sizeof(*rate), MT_F64, 0, {0}}};
  memcpy(inputs, given, sizeof(given));
}

static mt_status run(trainer_context* context, int32_t entry, float* result, size_t bytes) {
  double rate = 0.001;
  mt_tensor inputs[3], output = {result, bytes, 0, 0, {0}};
  fill_inputs(inputs, &rate);
  if (entry == trainer_entry_apply) inputs[0] = inputs[2];
  return trainer_run_entry(context, entry, inputs, &output);
}

static void ten_steps(trainer_context* context) {
  float loss = 0;
  for (int n = 0; n < 10; ++n) {
    check(run(context, trainer_entry_train_step, &loss, sizeof(loss)), "train_step");
    check(run(context, trainer_entry_grads, &loss, sizeof(loss)), "grads");
    check(run(context, trainer_entry_apply, &loss, sizeof(loss)), "apply");
  }
}

static void count_allocations(trainer_context* context) {
  ten_steps(context);
  count_begin();
  ten_steps(context);
  printf("%ld allocations", count_end());
  check(trainer_set_trained(context, NULL, 0), "set_trained");
  check(trainer_set_trained(context, "last.bias", 1), "set_trained");
  count_begin();
  ten_steps(context);
  printf(", %ld with a mask\n", count_end());
}

// Between two tries: readers that never pause would leave no moment to train.
static void pause_for(long microseconds) {
  const struct timespec time = {0, microseconds * 1000};
  nanosleep(&time, NULL);
}

static void* train(void* context) {
  float loss = 0;
  for (int n = 0; n < k_steps; pause_for(50)) {
    if (run(context, trainer_entry_train_step, &loss, sizeof(loss)) == MT_OK) ++n;
  }
  atomic_store(&trained, 1);
  return NULL;
}

static void* read_on(void* context) {
  float scores[k_batch * 10];
  mt_tensor bias = {0};
  for (int done = 0; !done;) {
    done = atomic_load(&trained);
    if (run(context, trainer_entry_forward, scores, sizeof(scores))) atomic_fetch_add(&refused, 1);
    if (trainer_get_parameter(context, "last.bias", &bias)) atomic_fetch_add(&refused, 1);
    bias.data = NULL;
    pause_for(3000);
  }
  return NULL;
}

static void share(trainer_model* model, trainer_context* trainer) {
  trainer_context* readers[2];
  pthread_t threads[3];
  mt_context_options options = {.size = sizeof(options), .share = trainer};
  for (int n = 0; n < 2; ++n) check(trainer_context_create(model, &options, &readers[n]), "create");
  pthread_create(&threads[0], NULL, train, trainer);
  for (int n = 0; n < 2; ++n) pthread_create(&threads[n + 1], NULL, read_on, readers[n]);
  for (int n = 0; n < 3; ++n) pthread_join(threads[n], NULL);
  float mine[k_batch * 10], theirs[k_batch * 10];
  check(run(trainer, trainer_entry_forward, mine, sizeof(mine)), "forward");
  for (int n = 0; n < 2; ++n) {
    check(run(readers[n], trainer_entry_forward, theirs, sizeof(theirs)), "forward");
    if (memcmp(mine, theirs, sizeof(mine)) != 0) {
      fprintf(stderr, "a reader has other scores than the trainer\n");
      exit(1);
    }
    trainer_context_destroy(readers[n]);
  }
  printf("equal scores\n");
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  for (size_t n = 0; n < sizeof(pixels); ++n) pixels[n] = (unsigned char)(n * 37 % 251);
  for (int n = 0; n < k_batch; ++n) labels[n] = n % 10;
  mt_options options = {.size = sizeof(options), .weights_path = arguments[2], .threads = 2};
  trainer_model* model = NULL;
  trainer_context* context = NULL;
  check(trainer_open(&options, &model), "open");
  check(trainer_context_create(model, NULL, &context), "context_create");
  if (strcmp(arguments[1], "share") == 0) {
    share(model, context);
  } else {
    count_allocations(context);
  }
  trainer_context_destroy(context);
  trainer_close(model);
  return 0;
}
