// SPDX-License-Identifier: Apache-2.0
// Finds, maps and checks weights.bin, or checks those in the library or in the caller's memory.
// Takes the options of open; gives a pointer to the payload. Keeps true: files are mapped
// read-only, so processes share them; the size and the trailer (64 bytes: "MINTORW1", payload bytes
// as u64, SHA-256 of the payload, 16 zeros) agree with the program before a byte is used. The hash
// itself is computed again only when mt_options.check_weights asks: that reads the whole file.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime.h"

namespace MT_PACKAGE {

static const int64_t kTrailerBytes = 64;

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool has_hash(const Program& program) {
  return program.weights_sha256 && program.weights_sha256[0];
}

static mt_status check_trailer(const Program& program, const unsigned char* trailer,
                               const char* source) {
  uint64_t bytes = 0;
  for (int i = 7; i >= 0; --i) bytes = bytes << 8 | trailer[8 + i];
  if (memcmp(trailer, "MINTORW1", 8) != 0 || bytes != uint64_t(program.info.weights_bytes)) {
    return fail(MT_IO_ERROR, "%s: has no valid trailer; it is damaged or no weights file", source);
  }
  const char* hash = program.weights_sha256;
  for (int i = 0; has_hash(program) && i < 32; ++i) {
    if (hex_digit(hash[2 * i]) * 16 + hex_digit(hash[2 * i + 1]) != trailer[16 + i]) {
      return fail(MT_IO_ERROR, "%s: holds the weights of another model than '%s'", source,
                  program.info.name);
    }
  }
  return MT_OK;
}

// The payload against the hash that the program names; a program without one, against the trailer's
// (null: there is none either).
static mt_status check_contents(const Program& program, const char* payload,
                                const unsigned char* trailer, const char* source) {
  unsigned char found[32], expected[32];
  if (!has_hash(program) && !trailer) {
    return fail(MT_INVALID_ARGUMENT,
                "check_weights is set, but neither '%s' nor the weights in memory say their hash",
                program.info.name);
  }
  for (int i = 0; i < 32; ++i) {
    expected[i] = trailer ? trailer[16 + i] : 0;
    if (!has_hash(program)) continue;
    const char* digits = program.weights_sha256 + 2 * i;
    expected[i] = (unsigned char)(hex_digit(digits[0]) * 16 + hex_digit(digits[1]));
  }
  sha256(payload, uint64_t(program.info.weights_bytes), found);
  if (memcmp(found, expected, 32) == 0) return MT_OK;
  return fail(MT_IO_ERROR,
              "%s: is damaged: the SHA-256 of its %lld bytes begins with %02x%02x%02x%02x, "
              "expected %02x%02x%02x%02x",
              source, (long long)program.info.weights_bytes, found[0], found[1], found[2], found[3],
              expected[0], expected[1], expected[2], expected[3]);
}

static mt_status use_memory(const Program& program, const mt_options& options, Weights* weights) {
  const int64_t expected = program.info.weights_bytes;
  const char* data = static_cast<const char*>(options.weights);
  if (reinterpret_cast<uintptr_t>(data) % 64 != 0) {
    return fail(MT_INVALID_ARGUMENT, "weights in memory have to lie on a 64-byte boundary");
  }
  const uint64_t given = options.weights_bytes;
  if (given != uint64_t(expected) && given != uint64_t(expected + kTrailerBytes)) {
    return fail(MT_IO_ERROR, "weights in memory: %llu bytes, expected %lld (or %lld with trailer)",
                (unsigned long long)given, (long long)expected,
                (long long)(expected + kTrailerBytes));
  }
  weights->data = data;
  const unsigned char* trailer = given == uint64_t(expected)
                                     ? nullptr
                                     : reinterpret_cast<const unsigned char*>(data + expected);
  const char* source = "weights in memory";
  const mt_status checked = trailer ? check_trailer(program, trailer, source) : MT_OK;
  if (checked || !options.check_weights) return checked;
  return check_contents(program, data, trailer, source);
}

// What stands in the library is read like the caller's memory.
static mt_status use_library(const Program& program, const mt_options& options, Weights* weights) {
  mt_options embedded = options;
  embedded.weights = program.weights;
  embedded.weights_bytes = size_t(program.info.weights_bytes + kTrailerBytes);
  return use_memory(program, embedded, weights);
}

static mt_status map_file(const Program& program, const char* path, bool check, Weights* weights) {
  const int64_t expected = program.info.weights_bytes + kTrailerBytes;
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(MT_IO_ERROR, "%s: %s", path, strerror(errno));
  struct stat status;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file);
    return fail(MT_IO_ERROR, "%s: is no regular file", path);
  }
  if (status.st_size != expected) {
    ::close(file);
    return fail(MT_IO_ERROR, "%s: %lld bytes, expected %lld", path, (long long)status.st_size,
                (long long)expected);
  }
  void* mapping = mmap(nullptr, size_t(expected), PROT_READ, MAP_PRIVATE, file, 0);
  ::close(file);
  if (mapping == MAP_FAILED) return fail(MT_IO_ERROR, "%s: %s", path, strerror(errno));
  weights->data = static_cast<const char*>(mapping);
  weights->mapping = mapping;
  weights->mapped_bytes = expected;
  const unsigned char* trailer =
      static_cast<const unsigned char*>(mapping) + program.info.weights_bytes;
  mt_status checked = check_trailer(program, trailer, path);
  if (!checked && check) checked = check_contents(program, weights->data, trailer, path);
  if (checked) close_weights(weights);
  return checked;
}

// The file that `address` is mapped from, as the kernel knows it: whatever name it was started or
// opened by, and wherever the process has gone since.
static bool mapped_path(const void* address, char* path, size_t room) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (!maps) return false;
  char line[PATH_MAX + 100];
  bool found = false;
  while (!found && fgets(line, sizeof(line), maps)) {
    unsigned long begin = 0, end = 0;
    const uintptr_t at = reinterpret_cast<uintptr_t>(address);
    if (sscanf(line, "%lx-%lx", &begin, &end) != 2 || at < begin || at >= end) continue;
    const char* slash = strchr(line, '/');
    line[strcspn(line, "\n")] = 0;
    found = slash && snprintf(path, room, "%s", slash) < int(room);
  }
  fclose(maps);
  return found;
}

// The folder of the library or program that this code lies in, without a slash behind it.
static bool own_folder(const Program& program, char* folder, size_t room) {
  Dl_info library;
  const bool named = dladdr(reinterpret_cast<const void*>(&program), &library) != 0;
  const char* name = named && library.dli_fname ? library.dli_fname : "";
  // A program's name is what it was started by, which PATH may have completed; a library's may be
  // relative to where the process was then.
  if (name[0] == '/' || !mapped_path(&program, folder, room)) {
    if (!name[0] || snprintf(folder, room, "%s", name) >= int(room)) return false;
  }
  char* slash = strrchr(folder, '/');
  if (slash) *slash = 0;
  return slash || snprintf(folder, room, ".") < int(room);
}

// A file; or a folder, where files are called by the hash of their payload, so that packages of
// equal weights read one file, and share its pages.
static mt_status map_path(const Program& program, const char* path, bool check, Weights* weights) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
    return map_file(program, path, check, weights);
  }
  if (!has_hash(program)) {
    return fail(MT_INVALID_ARGUMENT,
                "%s: is a folder, and '%s' does not say the hash of its weights", path,
                program.info.name);
  }
  char file[PATH_MAX];
  if (snprintf(file, sizeof(file), "%s/%s.bin", path, program.weights_sha256) >= PATH_MAX) {
    return fail(MT_IO_ERROR, "%s: path is too long", path);
  }
  return map_file(program, file, check, weights);
}

// Beside the library that this code lies in, in weights/ and ../weights/ from there, and where
// packages are installed.
static mt_status map_default(const Program& program, bool check, Weights* weights) {
  char folder[PATH_MAX], installed[80];
  if (!own_folder(program, folder, sizeof(folder))) {
    return fail(MT_IO_ERROR, "cannot tell where the library lies; set mt_options.weights_path");
  }
  snprintf(installed, sizeof(installed), "mintor/%s.bin",
           has_hash(program) ? program.weights_sha256 : "");
  const char* const places[] = {"weights.bin", "weights/weights.bin", "../weights/weights.bin",
                                installed};
  bool found = false;
  for (const char* place : places) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", folder, place) >= int(sizeof(path))) {
      return fail(MT_IO_ERROR, "%s: path is too long", folder);
    }
    if (access(path, F_OK) != 0) continue;
    // A weights.bin of another model may lie here; its message stands when no other place has ours.
    found = true;
    if (map_file(program, path, check, weights) == MT_OK) return MT_OK;
  }
  if (found) return MT_IO_ERROR;
  return fail(MT_IO_ERROR,
              "no weights.bin in %s, %s/weights or %s/../weights; set mt_options.weights_path",
              folder, folder, folder);
}

mt_status open_weights(const Program& program, const mt_options& options, Weights* weights) {
  memset(weights, 0, sizeof(*weights));
  if (options.weights) return use_memory(program, options, weights);
  const bool check = options.check_weights != 0;
  if (options.weights_path) return map_path(program, options.weights_path, check, weights);
  if (program.weights) return use_library(program, options, weights);
  if (program.info.weights_bytes == 0) return MT_OK;
  return map_default(program, check, weights);
}

void close_weights(Weights* weights) {
  if (weights->mapping) munmap(weights->mapping, size_t(weights->mapped_bytes));
  memset(weights, 0, sizeof(*weights));
}

}  // namespace MT_PACKAGE
