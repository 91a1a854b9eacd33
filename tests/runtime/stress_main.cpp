// SPDX-License-Identifier: Apache-2.0
// Program toy under a sanitizer: two contexts in two threads on one model, with pools of their own,
// with one for both and with parallel_for, batches that grow, failures and cancelled runs in
// between. Takes nothing; gives exit status 0 when
// every run has the bits of the first. Built by runtime_test.cpp with -fsanitize=... together with
// the runtime's sources.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mintor_program.h"

namespace rt = MT_PACKAGE;

namespace {

struct User {
  rt::Model* model;
  int failures;
};

alignas(64) float weights[500];
float x[64 * 24], s[64], first_y[64 * 20];

void set_input(mt_tensor* tensor, float* data, int64_t rows, int64_t columns) {
  *tensor = {data, size_t(rows * (columns ? columns : 1)) * 4, MT_F32, columns ? 2 : 1, {rows}};
  if (columns) tensor->shape[1] = columns;
}

// Every fifth question ends a run.
int32_t fifth(void* asked) { return ++*static_cast<int*>(asked) % 5 == 0; }

mt_status run_status(rt::Context* context, int64_t batch, float* y) {
  mt_tensor inputs[2], outputs[2] = {};
  set_input(&inputs[0], x, batch, 24);
  set_input(&inputs[1], s, batch, 0);
  outputs[0].data = y;
  outputs[0].bytes = size_t(batch) * 80;
  return rt::run(context, inputs, outputs);
}

bool run_once(rt::Context* context, int64_t batch, float* y) {
  return run_status(context, batch, y) == MT_OK;
}

// Runs of a context of its own that are cancelled, or right.
void cancel_some(User& user) {
  int asked = 0, cancelled = 0;
  mt_context_options options = {};
  options.size = sizeof(options);
  options.cancel = fifth;
  options.cancel_data = &asked;
  rt::Context* context = nullptr;
  if (rt::context_create(user.model, &options, &context)) return void(++user.failures);
  float* y = static_cast<float*>(malloc(sizeof(first_y)));
  for (int turn = 0; turn < 200; ++turn) {
    const mt_status status = run_status(context, 64, y);
    cancelled += status == MT_CANCELLED;
    if (status == MT_OK && memcmp(y, first_y, sizeof(first_y))) ++user.failures;
    if (status != MT_OK && status != MT_CANCELLED) ++user.failures;
  }
  if (cancelled == 0) ++user.failures;
  free(y);
  rt::context_destroy(context);
}

void* use(void* data) {
  User& user = *static_cast<User*>(data);
  rt::Context* context = nullptr;
  if (rt::context_create(user.model, nullptr, &context)) return nullptr;
  static_assert(sizeof(float) == 4, "f32");
  float* y = static_cast<float*>(malloc(sizeof(first_y)));
  for (int turn = 0; turn < 200; ++turn) {
    const int64_t batch = turn % 65;
    if (!run_once(context, batch, y) || memcmp(y, first_y, size_t(batch) * 80)) ++user.failures;
    // A failure has a message of its own thread.
    if (turn % 10 == 0 && (run_once(context, 65, y) || !strstr(rt::last_error(), "65"))) {
      ++user.failures;
    }
  }
  free(y);
  rt::context_destroy(context);
  cancel_some(user);
  return nullptr;
}

struct HostThread {
  mt_task task;
  void* context;
  int32_t index;
};

void* run_host_thread(void* data) {
  const HostThread& thread = *static_cast<HostThread*>(data);
  thread.task(thread.context, thread.index);
  return nullptr;
}

// The host's own threads, one new one per task.
void host_parallel_for(void*, int32_t count, mt_task task, void* context) {
  pthread_t threads[8];
  HostThread tasks[8];
  for (int32_t i = 0; i < count; ++i) {
    tasks[i] = {task, context, i};
    pthread_create(&threads[i], nullptr, run_host_thread, &tasks[i]);
  }
  for (int32_t i = 0; i < count; ++i) pthread_join(threads[i], nullptr);
}

int use_in_two_threads(const mt_options& options) {
  User users[2] = {};
  pthread_t threads[2];
  rt::Model* model = nullptr;
  if (rt::open(rt::program, &options, &model)) {
    printf("open: %s\n", rt::last_error());
    return 1;
  }
  for (int i = 0; i < 2; ++i) {
    users[i].model = model;
    pthread_create(&threads[i], nullptr, use, &users[i]);
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  rt::close(model);
  return users[0].failures + users[1].failures;
}

}  // namespace

int main() {
  for (int i = 0; i < 500; ++i) weights[i] = float(i * 7919 % 1009) / 1009.0f - 0.4f;
  for (int i = 0; i < 64 * 24; ++i) x[i] = float(i * 104729 % 2003) / 2003.0f - 0.5f;
  for (int i = 0; i < 64; ++i) s[i] = float(i) / 7.0f;
  mt_options options = {};
  options.size = sizeof(options);
  options.weights = weights;
  options.weights_bytes = sizeof(weights);
  rt::Model* model = nullptr;
  rt::Context* context = nullptr;
  if (rt::open(rt::program, &options, &model) || rt::context_create(model, nullptr, &context) ||
      !run_once(context, 64, first_y)) {
    printf("first run: %s\n", rt::last_error());
    return 1;
  }
  rt::context_destroy(context);
  rt::close(model);
  int failures = 0;
  for (int32_t threads = 1; threads <= 3; threads += 2) {
    options.threads = threads;
    failures += use_in_two_threads(options);
  }
  options.threads = 0;
  if (rt::pool_create(3, &options.pool)) return 1;
  failures += use_in_two_threads(options);  // who finds it in use runs alone
  rt::pool_destroy(options.pool);
  options.pool = nullptr;
  options.parallel_for = host_parallel_for;
  options.parallel_width = 3;
  failures += use_in_two_threads(options);
  printf("%d failures\n", failures);
  return failures ? 1 : 0;
}
