// SPDX-License-Identifier: Apache-2.0
// Steps made at random, with right and wrong arguments.
// Takes a kernel and dice; gives a call whose arguments often fit. Keeps true: the same on every
// machine.
#pragma once

#include "compiler/loop/step.h"
#include "tests/loop/random_kernels.h"

namespace mintor::test {

StepCall random_step(const Kernel& kernel, Dice& dice);

}  // namespace mintor::test
