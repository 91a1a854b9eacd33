// SPDX-License-Identifier: Apache-2.0
// Work of the compiler itself, side by side: scheduling, emitting, compiling.
// Takes tasks that touch nothing in common; gives their effects. Keeps true: the result does not
// depend on the number of threads; the first exception that a task threw is thrown again.
#pragma once

#include <cstddef>
#include <functional>

namespace mintor {

int compile_threads();  // cores of this machine, at most 8
void for_each_parallel(size_t count, const std::function<void(size_t)>& task);

}  // namespace mintor
