// SPDX-License-Identifier: Apache-2.0
// A kernel of very many statements as several, each the text of a function of its own: the time
// that C++ compilers take grows with the square of the loops in a function.
// Takes a scheduled Kernel; gives kernels with the parameters that they touch. Keeps true: one
// after the other, over the same tasks, they store what the kernel stores.
//| parallel t in 0..4 { s0 ... s299 }   ->   parallel t in 0..4 { s0 ... s31 }
//|                                           parallel t in 0..4 { s32 ... s63 }   and so on
#pragma once

#include <vector>

#include "compiler/loop/ir.h"

namespace mintor {

// The kernel alone where it is short, or where each statement needs what is bound before it.
std::vector<Kernel> cut(const Kernel& kernel);

}  // namespace mintor
