// SPDX-License-Identifier: Apache-2.0
// Work of the compiler itself, side by side: scheduling, emitting, compiling.
// Takes tasks that touch nothing in common; gives their effects. Keeps true: the result does not
// depend on the number of threads; the first exception that a task threw is thrown again.
#pragma once

#include <cstddef>
#include <functional>

namespace mintor {

int compile_threads();  // cores of this machine, at most 8
// Runs `work`, which throws nothing, on this thread and up to width - 1 others; on fewer where the
// system starts no more. So `work` takes what is left to do, and may find nothing.
void work_side_by_side(size_t width, const std::function<void()>& work);
void for_each_parallel(size_t count, const std::function<void(size_t)>& task);

}  // namespace mintor
