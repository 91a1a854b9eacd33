// SPDX-License-Identifier: Apache-2.0
// Lengths of loops as parameters of kernels, so that kernels that differ only in how often they
// repeat something are one text: a step at another batch size takes most of its sums over the batch
// from the program for the first. Takes a Program; gives one that computes the same.
#pragma once

#include "compiler/program/program.h"

namespace mintor {

// The outermost serial loops of a task, loops over what is summed (but channels of one block), and
// limits that move with a loop around them, as of the last block of a long sum.
Program with_free_lengths(Program program);

}  // namespace mintor
