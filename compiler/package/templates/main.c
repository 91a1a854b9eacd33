// SPDX-License-Identifier: Apache-2.0
// Runs @NAME@ once or many times: an example of its C API, and a small benchmark.
//   example [input=file.npy ...] [--entry NAME] [--repeat N] [--threads N] [--level L]
//           [--weights FILE]
// Takes .npy files for the first entry, or the one that is named; an input that is not given is
// zeros of a typical size. Prints each output's shape, range and first values, and the time of a
// run. Exit status: 0, or 1 with a message.
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "@NAME@.h"
#include "npy.h"

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static int64_t typical_size(const mt_model_info* info, const mt_tensor_info* input, int dim) {
  int i;
  if (input->shape[dim] >= 0) return input->shape[dim];
  for (i = 0; i < info->symbol_count; ++i) {
    if (input->symbol[dim] && strcmp(info->symbols[i].name, input->symbol[dim]) == 0) {
      return info->symbols[i].hint;
    }
  }
  return 1;
}

static int fill_zeros(const mt_model_info* info, const mt_tensor_info* input, mt_tensor* tensor) {
  int dim;
  tensor->dtype = input->dtype;
  tensor->rank = input->rank;
  for (dim = 0; dim < input->rank; ++dim) tensor->shape[dim] = typical_size(info, input, dim);
  tensor->bytes = npy_count(tensor) * npy_dtype_bytes[tensor->dtype];
  tensor->data = calloc(tensor->bytes ? tensor->bytes : 1, 1);
  return tensor->data != NULL;
}

// "name=file.npy" into the input of that name.
static int read_argument(const mt_entry_info* info, const char* argument, mt_tensor* inputs) {
  const char* equals = strrchr(argument, '=');
  int i;
  for (i = 0; equals && i < info->input_count; ++i) {
    const char* name = info->inputs[i].name;
    if (strlen(name) == (size_t)(equals - argument) &&
        strncmp(name, argument, strlen(name)) == 0) {
      free(inputs[i].data);
      return npy_read(equals + 1, &inputs[i]);
    }
  }
  fprintf(stderr, "'%s' is no option and names no input; inputs are:", argument);
  for (i = 0; i < info->input_count; ++i) fprintf(stderr, " %s", info->inputs[i].name);
  fprintf(stderr, "\n");
  return 0;
}

static void print_output(const char* name, const mt_tensor* output) {
  const size_t count = npy_count(output);
  double least = 0, most = 0, sum = 0;
  size_t i;
  for (i = 0; i < count; ++i) {
    const double value = npy_value(output, i);
    if (i == 0 || value < least) least = value;
    if (i == 0 || value > most) most = value;
    sum += value;
  }
  printf("%s ", name);
  npy_print_shape(stdout, output);
  if (count) printf(" min %g max %g mean %g:", least, most, sum / (double)count);
  for (i = 0; i < count && i < 8; ++i) printf(" %g", npy_value(output, i));
  printf("%s\n", count > 8 ? " ..." : "");
}

static int failed(const char* what) {
  fprintf(stderr, "%s: %s\n", what, @NAME@_last_error());
  return 1;
}

static int run_model(@NAME@_context* context, const mt_model_info* model, int entry,
                     const mt_tensor* inputs, long repeat) {
  const mt_entry_info* info = &model->entries[entry];
  mt_tensor* outputs = calloc((size_t)info->output_count + 1, sizeof(mt_tensor));
  double best = 0, total = 0;
  long turn;
  int i;
  for (turn = 0; outputs && turn < repeat; ++turn) {
    double elapsed;
    memset(outputs, 0, (size_t)info->output_count * sizeof(mt_tensor));
    elapsed = now_us();
    if (@NAME@_run_entry(context, entry, inputs, outputs) != MT_OK) {
      free(outputs);
      return failed("run");
    }
    elapsed = now_us() - elapsed;
    if (turn == 0 || elapsed < best) best = elapsed;
    total += elapsed;
  }
  for (i = 0; outputs && i < info->output_count; ++i) {
    print_output(info->outputs[i].name, &outputs[i]);
  }
  printf("%s: %ld runs at level %s, best %.1f us, mean %.1f us\n", model->name, repeat,
         model->level, best, total / (double)repeat);
  free(outputs);
  return 0;
}

// The entry that the arguments name; the first without; -1 where there is none of the name.
static int find_entry(int argc, char** argv, const mt_model_info* info) {
  int i, entry = 0;
  for (i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], "--entry") != 0) continue;
    for (entry = info->entry_count - 1; entry >= 0; --entry) {
      if (strcmp(info->entries[entry].name, argv[i + 1]) == 0) break;
    }
    if (entry < 0) fprintf(stderr, "'%s' is no entry\n", argv[i + 1]);
  }
  return entry;
}

static int read_arguments(int argc, char** argv, const mt_model_info* model,
                          const mt_entry_info* info, mt_options* options, mt_tensor* inputs,
                          long* repeat) {
  int i;
  for (i = 1; i < argc; ++i) {
    if (strncmp(argv[i], "--", 2) != 0) {
      if (!read_argument(info, argv[i], inputs)) return 0;
      continue;
    }
    if (i + 1 < argc && strcmp(argv[i], "--entry") == 0) ++i;
    else if (i + 1 < argc && strcmp(argv[i], "--repeat") == 0) *repeat = atol(argv[++i]);
    else if (i + 1 < argc && strcmp(argv[i], "--threads") == 0) options->threads = atoi(argv[++i]);
    else if (i + 1 < argc && strcmp(argv[i], "--level") == 0) options->level = argv[++i];
    else if (i + 1 < argc && strcmp(argv[i], "--weights") == 0) options->weights_path = argv[++i];
    else {
      fprintf(stderr, "usage: %s [input=file.npy ...] [--entry NAME] [--repeat N] [--threads N] "
                      "[--level L] [--weights FILE]\n", argv[0]);
      return 0;
    }
  }
  if (*repeat < 1) *repeat = 1;
  for (i = 0; i < info->input_count; ++i) {
    if (!inputs[i].data && !fill_zeros(model, &info->inputs[i], &inputs[i])) return 0;
  }
  return 1;
}

int main(int argc, char** argv) {
  const mt_model_info* model_info = @NAME@_info(NULL);
  const int entry = find_entry(argc, argv, model_info);
  const mt_entry_info* info = &model_info->entries[entry < 0 ? 0 : entry];
  mt_tensor* inputs = calloc((size_t)info->input_count + 1, sizeof(mt_tensor));
  mt_options options = {0};
  @NAME@_model* model = NULL;
  @NAME@_context* context = NULL;
  long repeat = 1;
  int status = 1, i;
  options.size = sizeof(options);
  if (entry < 0 || !inputs ||
      !read_arguments(argc, argv, model_info, info, &options, inputs, &repeat)) {
    status = 1;
  } else if (@NAME@_open(&options, &model) != MT_OK) {
    failed("open");
  } else if (@NAME@_context_create(model, NULL, &context) != MT_OK) {
    failed("context");
  } else {
    status = run_model(context, @NAME@_info(model), entry, inputs, repeat);
  }
  @NAME@_context_destroy(context);
  @NAME@_close(model);
  for (i = 0; inputs && i < info->input_count; ++i) free(inputs[i].data);
  free(inputs);
  return status;
}
