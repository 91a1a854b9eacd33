// SPDX-License-Identifier: Apache-2.0
// Counts allocations of the whole process, on all threads, in libraries opened later too, and lets
// large ones fail.
// Takes a limit; gives the number of calls of malloc and its relatives, mmap and operator new, and
// of the blocks of malloc that are not freed. Keeps true: the functions of the C library do the
// work; only the counting and the limit are added.
#pragma once

#include <stddef.h>

namespace mintor {

long allocation_count();
long live_allocations();
// malloc and its relatives fail for more bytes, until the limit goes out of scope.
struct AllocationLimit {
  explicit AllocationLimit(size_t bytes);
  ~AllocationLimit();
};

}  // namespace mintor
