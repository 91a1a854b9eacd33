// SPDX-License-Identifier: Apache-2.0
// May an output of a kernel take the bytes of one of its inputs? Takes a Kernel and two of its
// parameters; gives a Refusal with the condition that would lift it. Keeps true: where it does not
// refuse, every element of the input is read only by the iteration that stores the output's element
// of the same index, and not after that store.
#pragma once

#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {

Refusal refuse_in_place(const Kernel& kernel, size_t output, size_t input);

}  // namespace mintor
