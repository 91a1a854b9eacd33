// SPDX-License-Identifier: Apache-2.0
// Says what kind of file each argument is, with the magika model compiled into a package by Mintor.
// Takes: files, and folders whose files are visited (names that begin with a dot and symbolic links
// to folders are left out). Gives: a line per file: label, score, microseconds (read, features and
// model), path; at the end the median and the size of the library. Keeps true: the same answer as
// the Python package whose wheel the model comes from, in its default mode: the first and last
// block, stripped of white space, as numbers padded with a token; files too short for the model are
// text if they are UTF-8; a score below the label's threshold gives the general answer, "txt" or
// "unknown". Everything that belongs to the model (labels, thresholds, sizes) comes from
// magika_config.h, made by make_config.py.
#define _GNU_SOURCE  // dladdr
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "magika.h"
#include "magika_config.h"

enum { k_feature_count = k_beg_size + k_end_size };

typedef struct answer {
  const char* label;
  double score;
} answer;

// The program's state: the model, one context, and what the summary needs.
typedef struct classifier {
  magika_model* model;
  magika_context* context;
  double* microseconds;
  size_t file_count, file_capacity;
  int failures;
} classifier;

static double now_microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void* allocate(void* old, size_t bytes) {
  void* memory = realloc(old, bytes);
  if (!memory) {
    fprintf(stderr, "error: classify: out of memory\n");
    exit(1);
  }
  return memory;
}

static void complain(classifier* c, const char* path, const char* what) {
  fprintf(stderr, "error: classify: %s: %s\n", path, what);
  c->failures++;
}

// The six bytes that Python's bytes.strip() removes.
static bool is_space(unsigned char b) { return b == ' ' || (b >= '\t' && b <= '\r'); }

// Features: the beginning from its first byte that is no white space, padded behind; the end up to
// its last such byte, padded in front. `beg` and `end` are the file's first and last `size` bytes
// (all of it when it is short).
static void extract_features(const unsigned char* beg, const unsigned char* end, size_t size,
                             int32_t* features) {
  size_t skip = 0;
  while (skip < size && is_space(beg[skip])) skip++;
  for (size_t i = 0; i < k_beg_size; i++)
    features[i] = skip + i < size ? beg[skip + i] : k_padding_token;

  size_t kept = size;
  while (kept > 0 && is_space(end[kept - 1])) kept--;
  for (size_t i = 0; i < k_end_size; i++) {  // i counts from the last one backwards
    features[k_feature_count - 1 - i] = i < kept ? end[kept - 1 - i] : k_padding_token;
  }
}

// Length of the UTF-8 sequence at p (1 to 4), or 0: over-long forms, surrogates, values above
// U+10FFFF and sequences cut short by `left` are refused.
static size_t utf8_length(const unsigned char* p, size_t left) {
  if (p[0] < 0x80) return 1;
  const size_t length = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                        : (p[0] & 0xF0) == 0xE0        ? 3
                        : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                       : 0;
  if (length == 0 || length > left) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
  if (p[0] == 0xED && p[1] > 0x9F) return 0;
  if (p[0] == 0xF0 && p[1] < 0x90) return 0;
  if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
  return length;
}

static bool is_utf8(const unsigned char* p, size_t size) {
  while (size > 0) {
    const size_t length = utf8_length(p, size);
    if (length == 0) return false;
    p += length;
    size -= length;
  }
  return true;
}

static answer answer_few_bytes(const unsigned char* content, size_t size) {
  return (answer){is_utf8(content, size) ? "txt" : "unknown", 1.0};
}

// Runs the model on one file's features. The answer's label is null on failure.
static answer answer_model(classifier* c, const char* path, int32_t* features) {
  float scores[k_label_count];
  mt_tensor input = {.data = features,
                     .bytes = sizeof(int32_t) * k_feature_count,
                     .dtype = MT_I32,
                     .rank = 2,
                     .shape = {1, k_feature_count}};
  mt_tensor output = {.data = scores, .bytes = sizeof scores};
  if (magika_run(c->context, &input, &output) != MT_OK) {
    complain(c, path, magika_last_error());
    return (answer){NULL, 0};
  }
  int best = 0;
  for (int i = 1; i < k_label_count; i++) {
    if (scores[i] > scores[best]) best = i;
  }
  const magika_label* label = &k_labels[best];
  if ((double)scores[best] >= label->threshold) return (answer){label->output, scores[best]};
  return (answer){label->is_text ? "txt" : "unknown", scores[best]};
}

// Reads exactly `size` bytes at `offset`; false when the file is shorter than it was or cannot be
// read.
static bool read_at(int file, unsigned char* to, size_t size, off_t offset) {
  while (size > 0) {
    const ssize_t got = pread(file, to, size, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    offset += got;
    size -= (size_t)got;
  }
  return true;
}

static answer answer_open_file(classifier* c, const char* path, int file, off_t file_size) {
  const answer failed = {NULL, 0};
  if (file_size == 0) return (answer){"empty", 1.0};
  unsigned char beg[k_block_size], end[k_block_size];
  const size_t size = file_size < k_block_size ? (size_t)file_size : (size_t)k_block_size;
  if (!read_at(file, beg, size, 0) || !read_at(file, end, size, file_size - (off_t)size)) {
    complain(c, path, "cannot be read, or changed while it was read");
    return failed;
  }
  if (size < k_min_file_size_for_dl) return answer_few_bytes(beg, size);
  int32_t features[k_feature_count];
  extract_features(beg, end, size, features);
  // Little but white space: not enough left for the model.
  if (features[k_min_file_size_for_dl - 1] == k_padding_token) return answer_few_bytes(beg, size);
  return answer_model(c, path, features);
}

static answer answer_path(classifier* c, const char* path, const struct stat* status) {
  if (!S_ISREG(status->st_mode)) return (answer){"unknown", 1.0};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    complain(c, path, strerror(errno));
    return (answer){NULL, 0};
  }
  const answer a = answer_open_file(c, path, file, status->st_size);
  close(file);
  return a;
}

static void classify_file(classifier* c, const char* path, const struct stat* status) {
  const double begin = now_microseconds();
  const answer a = answer_path(c, path, status);
  const double spent = now_microseconds() - begin;
  if (!a.label) return;
  if (c->file_count == c->file_capacity) {
    c->file_capacity = c->file_capacity ? 2 * c->file_capacity : 64;
    c->microseconds = allocate(c->microseconds, c->file_capacity * sizeof(double));
  }
  c->microseconds[c->file_count++] = spent;
  printf("%-18s %8.6f %9.1f us  %s\n", a.label, a.score, spent, path);
}

static int by_name(const struct dirent** a, const struct dirent** b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}
static int not_hidden(const struct dirent* entry) { return entry->d_name[0] != '.'; }

static void classify_path(classifier* c, const char* path);

static void classify_folder(classifier* c, const char* folder) {
  struct dirent** names;
  const int count = scandir(folder, &names, not_hidden, by_name);
  if (count < 0) {
    complain(c, folder, strerror(errno));
    return;
  }
  const size_t length = strlen(folder);
  const char* slash = length > 0 && folder[length - 1] == '/' ? "" : "/";
  for (int i = 0; i < count; i++) {
    const size_t bytes = length + strlen(names[i]->d_name) + 2;
    char* path = allocate(NULL, bytes);
    snprintf(path, bytes, "%s%s%s", folder, slash, names[i]->d_name);
    struct stat link;
    const bool linked = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
    struct stat target;
    // A link to a folder may lead back here; a link that leads nowhere is no file.
    if (!linked || (stat(path, &target) == 0 && !S_ISDIR(target.st_mode))) classify_path(c, path);
    free(path);
    free(names[i]);
  }
  free(names);
}

static void classify_path(classifier* c, const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) {
    complain(c, path, strerror(errno));
  } else if (S_ISDIR(status.st_mode)) {
    classify_folder(c, path);
  } else {
    classify_file(c, path, &status);
  }
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// The file that magika_open lies in: the shared library, or this program when the package is linked
// statically.
static void print_summary(classifier* c, double open_microseconds) {
  if (c->file_count > 0) {
    qsort(c->microseconds, c->file_count, sizeof(double), by_value);
    printf("\n%zu files, median %.1f us a file; model opened in %.1f ms\n", c->file_count,
           c->microseconds[c->file_count / 2], open_microseconds * 1e-3);
  }
  const mt_model_info* info = magika_info(c->model);
  union {  // ISO C has no cast from a function to an object pointer
    mt_status (*function)(const mt_options*, magika_model**);
    void* address;
  } symbol = {magika_open};
  Dl_info where;
  struct stat status;
  if (dladdr(symbol.address, &where) && where.dli_fname && stat(where.dli_fname, &status) == 0) {
    printf("library %s: %lld bytes; weights %lld bytes; level %s\n", where.dli_fname,
           (long long)status.st_size, (long long)info->weights_bytes,
           info->level ? info->level : "?");
  }
}

static int usage(void) {
  fprintf(
      stderr,
      "usage: classify [--weights FILE] [--level NAME] [--threads N] FILE|FOLDER ...\n"
      "  --weights FILE   the package's weights.bin (without it: looked for beside the library)\n"
      "  --level NAME     one of the package's CPU levels (without it: the best that this CPU "
      "has)\n"
      "  --threads N      threads to run the model on (without it: 1)\n");
  return 2;
}

// Reads the options; gives the index of the first path, or 0 when the usage is wrong.
static int parse_options(int argc, char** argv, mt_options* options) {
  int i = 1;
  for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
    if (strcmp(argv[i], "--") == 0) return i + 1;
    if (i + 1 >= argc) return 0;
    const char* value = argv[i + 1];
    char* rest = NULL;
    if (strcmp(argv[i], "--weights") == 0) {
      options->weights_path = value;
    } else if (strcmp(argv[i], "--level") == 0) {
      options->level = value;
    } else if (strcmp(argv[i], "--threads") == 0) {
      const long threads = strtol(value, &rest, 10);
      if (*rest != '\0' || threads < 1 || threads > 1024) return 0;
      options->threads = (int32_t)threads;
    } else {
      return 0;
    }
  }
  return i;
}

int main(int argc, char** argv) {
  mt_options options = {.size = sizeof options};
  const int first = parse_options(argc, argv, &options);
  if (first == 0 || first >= argc) return usage();

  classifier c = {0};
  const double begin = now_microseconds();
  if (magika_open(&options, &c.model) != MT_OK ||
      magika_context_create(c.model, NULL, &c.context) != MT_OK) {
    fprintf(stderr, "error: classify: %s\n", magika_last_error());
    return 1;
  }
  const double open_microseconds = now_microseconds() - begin;
  for (int i = first; i < argc; i++) classify_path(&c, argv[i]);
  print_summary(&c, open_microseconds);

  magika_context_destroy(c.context);
  magika_close(c.model);
  free(c.microseconds);
  return c.failures ? 1 : 0;
}
