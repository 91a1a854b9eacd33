// SPDX-License-Identifier: Apache-2.0
// Tensors from a seed: what a package verifies itself with, what `mintor run` takes where nothing
// is given, what rewrites are checked on. Takes a type and a seed; gives the same bytes on every
// machine.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/tensor.h"

namespace mintor {

// The next number of a SplitMix64 stream (Steele, Lea, Flood 2014).
uint64_t next_random(uint64_t& state);

// Floats: plain is uniform in [-1, 1); hard is in [-2, 2) with zeros of both signs, infinities and
// subnormals among them.
enum class SeededFloats : uint8_t { plain, hard };

// Integers are in 0..integers-1; booleans are both.
Tensor seeded_tensor(DType dtype, std::vector<int64_t> shape, uint64_t seed,
                     SeededFloats floats = SeededFloats::plain, uint64_t integers = 2);

}  // namespace mintor
