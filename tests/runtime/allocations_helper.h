// SPDX-License-Identifier: Apache-2.0
// Counts allocations of the whole process, on all threads, in libraries opened later too.
// Takes nothing; gives the number of calls of malloc and its relatives, mmap and operator new.
// Keeps true: the functions of the C library do the work; only the counting is added.
#pragma once

namespace mintor {

long allocation_count();

}  // namespace mintor
