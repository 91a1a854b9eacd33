// SPDX-License-Identifier: Apache-2.0
// Kernels and steps made at random, for tests of the steps. Kernels have triangular and shifted
// bounds, addresses that depend on data, conditions, locals that are filled and read,
// accumulations, vectors and symbols; steps have right and wrong arguments. Takes a seed; gives a
// kernel that verify() accepts. Keeps true: the same on every machine. Whether a kernel reads
// outside or what is not defined only the interpreter knows: such a one is no case.
#pragma once

#include <cstdint>
#include <random>

#include "compiler/loop/ir.h"

namespace mintor::test {

class Dice {
 public:
  explicit Dice(uint64_t seed) : rng_(seed) {}
  // lo..hi, both included; not std::uniform_int_distribution, which differs between libraries.
  int64_t pick(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(rng_() % static_cast<uint64_t>(hi - lo + 1));
  }
  bool one_in(int64_t n) { return pick(1, n) == 1; }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[static_cast<size_t>(pick(0, static_cast<int64_t>(list.size()) - 1))];
  }

 private:
  std::mt19937_64 rng_;
};

// Its parameters: x, w (f32), p (i64, small and not negative) are read; y, z are written. One in
// four ends with what an instruction means, on parameters of its own.
Kernel random_kernel(uint64_t seed);

// `kernel` without statement number n, in pre-order; nullopt when there is no such statement.
std::optional<Kernel> without_statement(const Kernel& kernel, int n);

}  // namespace mintor::test
