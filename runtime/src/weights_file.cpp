// SPDX-License-Identifier: Apache-2.0
// Finds and maps weights.bin. Takes the options of open; gives a pointer to the payload. Keeps
// true: files are mapped read-only, so processes share them; none is used that weights.cpp refuses.
#include "runtime.h"

#if __STDC_HOSTED__
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace MT_PACKAGE {

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

mt_status open_weights_file(const Program& program, const mt_options& options, Weights* weights) {
  const bool check = options.check_weights != 0;
  if (options.weights_path) return map_path(program, options.weights_path, check, weights);
  return map_default(program, check, weights);
}

void close_weights(Weights* weights) {
  if (weights->mapping) munmap(weights->mapping, size_t(weights->mapped_bytes));
  memset(weights, 0, sizeof(*weights));
}

}  // namespace MT_PACKAGE
#endif
