// SPDX-License-Identifier: Apache-2.0
// level_unit.cpp of another machine, behind a pipe: a program that an emulator runs. Takes requests
// on the standard input, each a header of five i64 and the operands; gives one i64 (whether the
// level has the combination) and the result for each. foreign_bits_test.cpp is the other end. Keeps
// true: no header that declares the system's `select`, which is a word of level_unit.cpp.
#include <stdio.h>

#include "tests/numerics/level_unit.cpp"

static bool read_all(void* data, size_t bytes) { return fread(data, 1, bytes, stdin) == bytes; }

int main() {
  for (;;) {
    mt_i64 head[5];  // row or dtype to cast from, dtype, lanes, elements, operands of 8 n bytes
    if (!read_all(head, sizeof head)) return 0;
    const size_t room = (size_t)head[3] * 8;
    char* data = (char*)__builtin_calloc(4, room);
    if (!read_all(data, (size_t)head[4] * room)) return 0;
    char* out = data + 3 * room;
#ifdef UNIT_ROWS
    const void* x[] = {data, data + room, data + 2 * room};
    const mt_i64 has = unit_apply((int)head[0], (int)head[1], (int)head[2], x, out, (long)head[3]);
#else
    const mt_i64 has = unit_cast((int)head[0], data, (int)head[1], out, (long)head[3]);
#endif
    fwrite(&has, sizeof has, 1, stdout);
    fwrite(out, 1, room, stdout);
    fflush(stdout);
    __builtin_free(data);
  }
}
