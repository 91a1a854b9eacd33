// SPDX-License-Identifier: Apache-2.0
// Preloaded under a package's own programs: every allocation lies between two pages that may not
// be touched, its last byte right before the second one (with FENCE_BEFORE its first byte right
// behind the first one), so that a read outside ends the program.
// Takes: calls of malloc and its relatives. Gives: memory of zeros. Keeps true: alignments that
// were asked for; without one, the largest up to 16 that divides the size, which every element has.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { k_page = 4096, k_slots = 1 << 16 };

typedef struct allocation {
  char *data, *base;
  size_t bytes, length;
} allocation;

static allocation slots[k_slots];  // by a hash of the address; freed ones keep their place
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static allocation* find(const char* data) {
  size_t at = ((uintptr_t)data / 16 * 2654435761u) % k_slots;
  while (slots[at].data && slots[at].data != data) at = (at + 1) % k_slots;
  return &slots[at];
}

static void* fenced(size_t alignment, size_t bytes) {
  const size_t room = (bytes + k_page - 1) / k_page * k_page, length = room + 2 * k_page;
  char* base = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || mprotect(base + k_page, room, PROT_READ | PROT_WRITE) != 0) return NULL;
#ifdef FENCE_BEFORE
  (void)alignment;
  char* data = base + k_page;
#else
  char* data = base + (k_page + room - bytes) / alignment * alignment;
#endif
  pthread_mutex_lock(&lock);
  *find(data) = (allocation){data, base, bytes, length};
  pthread_mutex_unlock(&lock);
  return data;
}

// One byte is what programs ask for where there is no element.
static size_t natural(size_t bytes) {
  size_t alignment = 16;
  if (bytes == 1) return alignment;
  while (bytes % alignment) alignment /= 2;
  return alignment;
}

void* malloc(size_t bytes) { return fenced(natural(bytes), bytes); }
void* calloc(size_t count, size_t bytes) { return malloc(count * bytes); }
void* memalign(size_t alignment, size_t bytes) { return fenced(alignment, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) { return fenced(alignment, bytes); }
int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  *memory = fenced(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}

void free(void* data) {
  if (!data) return;
  pthread_mutex_lock(&lock);
  allocation* one = find(data);
  if (one->length) munmap(one->base, one->length);
  one->length = 0;
  pthread_mutex_unlock(&lock);
}

void* realloc(void* old, size_t bytes) {
  void* made = malloc(bytes);
  if (old && made) {
    const size_t had = find(old)->bytes;
    memcpy(made, old, had < bytes ? had : bytes);
    free(old);
  }
  return made;
}
