// SPDX-License-Identifier: Apache-2.0
// Runs the saved cases of @NAME@ and compares: `make verify`.
//   verify FOLDER [--threads N] [--level L] [--weights FILE]
// Takes FOLDER/cases.txt and the .npy files that it names. Prints for each output the largest error
// and where it occurs. Exit status: 0 when there is a case and every element keeps
// |got - expected| <= atol + rtol * |expected| (both 0: equal bits; NaN equals NaN), else 1.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "@NAME@.h"
#include "npy.h"

enum { kMostTensors = @MOST_TENSORS@ };

typedef struct Case {
  char folder[256];
  double rtol, atol;
  int entry;
  mt_tensor inputs[kMostTensors], expected[kMostTensors];
} Case;

typedef struct Worst {
  double error, largest;   // largest |got - expected|; largest |expected|
  size_t at, wrong;        // where the largest error is; how many elements are out of bounds
} Worst;

static int same_bits(const mt_tensor* a, const mt_tensor* b, size_t i) {
  const size_t bytes = npy_dtype_bytes[a->dtype];
  return memcmp((const char*)a->data + i * bytes, (const char*)b->data + i * bytes, bytes) == 0;
}

static Worst compare(const mt_tensor* got, const mt_tensor* expected, const Case* one) {
  const size_t count = npy_count(expected);
  const int exact = one->rtol == 0 && one->atol == 0;
  Worst worst = {0, 0, 0, 0};
  size_t i;
  for (i = 0; i < count; ++i) {
    const double g = npy_value(got, i), e = npy_value(expected, i);
    const int equal = (g != g && e != e) || same_bits(got, expected, i) || (!exact && g == e);
    double error = equal ? 0 : fabs(g - e);
    if (error != error) error = HUGE_VAL;
    if (fabs(e) > worst.largest && fabs(e) < HUGE_VAL) worst.largest = fabs(e);
    if (!equal && (exact || !(error <= one->atol + one->rtol * fabs(e)))) {
      if (worst.wrong == 0 && worst.error == 0) worst.at = i;
      ++worst.wrong;
    }
    if (error > worst.error) {
      worst.error = error;
      worst.at = i;
    }
  }
  return worst;
}

static void print_place(const mt_tensor* tensor, size_t flat) {
  size_t index[MT_MAX_RANK];
  int i;
  for (i = tensor->rank - 1; i >= 0; --i) {
    index[i] = flat % (size_t)tensor->shape[i];
    flat /= (size_t)tensor->shape[i];
  }
  printf("[");
  for (i = 0; i < tensor->rank; ++i) printf("%s%lu", i ? ", " : "", (unsigned long)index[i]);
  printf("]");
}

static int same_shape(const mt_tensor* a, const mt_tensor* b) {
  int i;
  if (a->dtype != b->dtype || a->rank != b->rank) return 0;
  for (i = 0; i < a->rank; ++i) {
    if (a->shape[i] != b->shape[i]) return 0;
  }
  return 1;
}

static int check_output(const char* name, const mt_tensor* got, const Case* one, int index) {
  const mt_tensor* expected = &one->expected[index];
  Worst worst;
  printf("%s %s: ", one->folder, name);
  if (!same_shape(got, expected)) {
    npy_print_shape(stdout, got);
    printf(", expected ");
    npy_print_shape(stdout, expected);
    printf(" FAILED\n");
    return 0;
  }
  worst = compare(got, expected, one);
  printf("largest error %g (%g of the largest value)", worst.error,
         worst.largest > 0 ? worst.error / worst.largest : 0);
  if (worst.error > 0 || worst.wrong) {
    printf(" at ");
    print_place(expected, worst.at);
    printf(": got %.9g, expected %.9g", npy_value(got, worst.at),
           npy_value(expected, worst.at));
  }
  if (worst.wrong) {
    printf(", %lu of %lu elements FAILED\n", (unsigned long)worst.wrong,
           (unsigned long)npy_count(expected));
  } else {
    printf(", ok\n");
  }
  return worst.wrong == 0;
}

// The lines of cases.txt: "case FOLDER RTOL ATOL ENTRY", then "in INDEX FILE" and "out INDEX FILE".
static int read_case(const char* line, Case* one, const mt_model_info* info) {
  char entry[128];
  if (sscanf(line, "case %255s %lf %lf %127s", one->folder, &one->rtol, &one->atol, entry) != 4) {
    return 0;
  }
  for (one->entry = 0; one->entry < info->entry_count; ++one->entry) {
    if (strcmp(info->entries[one->entry].name, entry) == 0) return 1;
  }
  return 0;
}

static int read_line(const char* root, char* line, Case* one, const mt_entry_info* info) {
  char kind[8], file[200], path[1024];
  int index;
  line[strcspn(line, "\r\n")] = 0;
  if (sscanf(line, "%7s %d %199[^\n]", kind, &index, file) != 3) return 0;
  if (snprintf(path, sizeof(path), "%s/%s/%s", root, one->folder, file) >= (int)sizeof(path)) {
    return 0;
  }
  if (strcmp(kind, "in") == 0 && index >= 0 && index < info->input_count) {
    return npy_read(path, &one->inputs[index]);
  }
  if (strcmp(kind, "out") == 0 && index >= 0 && index < info->output_count) {
    return npy_read(path, &one->expected[index]);
  }
  return 0;
}

// With states as in a new context.
static int run_case(@NAME@_context* context, const mt_entry_info* info, Case* one) {
  mt_tensor outputs[kMostTensors];
  int i, ok, ran = 1;
  memset(outputs, 0, sizeof(outputs));
  if (@NAME@_reset(context) != MT_OK ||
      @NAME@_run_entry(context, one->entry, one->inputs, outputs) != MT_OK) {
    printf("%s: run: %s FAILED\n", one->folder, @NAME@_last_error());
    ran = 0;
  }
  ok = ran;
  for (i = 0; ran && i < info->output_count; ++i) {
    if (one->expected[i].data) {
      ok &= check_output(info->outputs[i].name, &outputs[i], one, i);
    } else {
      printf("%s %s: the case does not have it FAILED\n", one->folder, info->outputs[i].name);
      ok = 0;
    }
  }
  for (i = 0; i < kMostTensors; ++i) {
    free(one->inputs[i].data);
    free(one->expected[i].data);
  }
  return ok;
}

static int run_cases(const char* root, @NAME@_context* context, const mt_model_info* info) {
  static Case one;
  char path[1024], line[512];
  int open_case = 0, ok = 1, count = 0;
  FILE* list;
  snprintf(path, sizeof(path), "%s/cases.txt", root);
  list = fopen(path, "r");
  if (!list) {
    fprintf(stderr, "%s: cannot be opened\n", path);
    return 0;
  }
  while (fgets(line, sizeof(line), list)) {
    if (strncmp(line, "case ", 5) == 0) {
      if (open_case) ok &= run_case(context, &info->entries[one.entry], &one);
      memset(&one, 0, sizeof(one));
      open_case = read_case(line, &one, info);
      ++count;
    } else if (line[0] != '#' &&
               !(open_case && read_line(root, line, &one, &info->entries[one.entry]))) {
      printf("%s: cannot use '%s' FAILED\n", path, line);
      ok = open_case = 0;
      break;
    }
  }
  if (open_case) ok &= run_case(context, &info->entries[one.entry], &one);
  fclose(list);
  if (count == 0 && ok) {
    printf("%s: there is no case to compare with; compile the model again with --case "
           "in.npz,out.npz\n", path);
    ok = 0;
  }
  printf("%s: %d cases at level %s: %s\n", info->name, count, info->level, ok ? "ok" : "FAILED");
  return ok;
}

int main(int argc, char** argv) {
  mt_options options = {0};
  @NAME@_model* model = NULL;
  @NAME@_context* context = NULL;
  int i, ok = 0;
  options.size = sizeof(options);
  options.check_weights = 1;
  for (i = 2; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--threads") == 0) options.threads = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--level") == 0) options.level = argv[i + 1];
    else if (strcmp(argv[i], "--weights") == 0) options.weights_path = argv[i + 1];
    else break;
  }
  if (argc < 2 || i != argc) {
    fprintf(stderr, "usage: %s FOLDER [--threads N] [--level L] [--weights FILE]\n", argv[0]);
    return 1;
  }
  if (@NAME@_open(&options, &model) != MT_OK ||
      @NAME@_context_create(model, NULL, &context) != MT_OK) {
    fprintf(stderr, "open: %s\n", @NAME@_last_error());
  } else {
    ok = run_cases(argv[1], context, @NAME@_info(model));
  }
  @NAME@_context_destroy(context);
  @NAME@_close(model);
  return ok ? 0 : 1;
}
