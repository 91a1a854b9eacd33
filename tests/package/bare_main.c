// SPDX-License-Identifier: Apache-2.0
// A program without the C library and without an operating system but for its end: opens the
// package NAME, runs it on in.bin and compares with out.bin. Takes what test_edge.py puts into the
// folder; gives 0, or which call failed. Keeps true: memcpy, memset and a block of memory are all
// that the package is given.
#include HEADER

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define CALL(suffix) JOIN(NAME, suffix)

__asm__(
    ".section .rodata\n"
    ".balign 64\nweights: .incbin \"weights/weights.bin\"\nweights_end:\n"
    ".balign 64\ninput: .incbin \"in.bin\"\ninput_end:\n"
    ".balign 64\nexpected: .incbin \"out.bin\"\nexpected_end:\n"
    ".text\n");
extern const char weights[], weights_end[], input[], input_end[], expected[], expected_end[];

void* memcpy(void* restrict to, const void* restrict from, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) ((char*)to)[i] = ((const char*)from)[i];
  return to;
}

void* memset(void* to, int value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) ((char*)to)[i] = (char)value;
  return to;
}

static char memory[1 << 20] __attribute__((aligned(64)));
static size_t used;

static void* allocate(void* data, size_t bytes) {
  (void)data;
  void* block = memory + used;
  if (bytes > sizeof(memory) - used) return 0;
  used += (bytes + 63) / 64 * 64;
  return block;
}

static void release(void* data, void* block) { (void)data, (void)block; }

static int check(void) {
  mt_options options;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.weights = weights;
  options.weights_bytes = (size_t)(weights_end - weights);
  options.allocate = allocate;
  options.release = release;
  struct CALL(_model) * model;
  struct CALL(_context) * context;
  if (CALL(_open)(&options, &model) != MT_OK) return 1;
  if (CALL(_context_create)(model, 0, &context) != MT_OK) return 2;
  mt_tensor x, y;
  memset(&x, 0, sizeof(x));
  memset(&y, 0, sizeof(y));
  const mt_tensor_info* declared = CALL(_info)(model)->inputs;
  x.data = (void*)input;
  x.bytes = (size_t)(input_end - input);
  x.dtype = declared->dtype;
  x.rank = declared->rank;
  for (int d = 0; d < x.rank; ++d) x.shape[d] = declared->shape[d];
  if (CALL(_run)(context, &x, &y) != MT_OK) return 3;
  if (y.bytes != (size_t)(expected_end - expected)) return 4;
  for (size_t i = 0; i < y.bytes; ++i) {
    if (((const char*)y.data)[i] != expected[i]) return 5;
  }
  CALL(_context_destroy)(context);
  CALL(_close)(model);
  return 0;
}

__attribute__((force_align_arg_pointer)) void _start(void) {
  __asm__ volatile("syscall" : : "a"(60), "D"(check()) : "memory");  // exit
  __builtin_unreachable();
}
