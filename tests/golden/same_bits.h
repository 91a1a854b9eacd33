// SPDX-License-Identifier: Apache-2.0
// Bits before and after a rewrite, and the seeded constants that golden text names.
// Takes two graphs or kernels; gives a test failure unless the evaluator or the loop interpreter
// finds the same bits in every result, for several values of the symbols and seeded inputs with
// zeros of both signs, infinities and subnormal numbers among them.
#pragma once

#include <map>
#include <string>

#include "compiler/ir/text.h"
#include "compiler/loop/ir.h"

namespace mintor::golden {

// In golden text a constant with many elements says `seeded:3` where print puts its SHA-256: the
// bytes are those of a hard seeded_tensor(dtype, shape, 3), with the type that stands before it.
class Seeded {
 public:
  explicit Seeded(const std::string& text);
  const Blobs& blobs() const { return blobs_; }
  std::string with_hashes(std::string text) const;
  std::string with_names(std::string text) const;

 private:
  std::map<std::string, std::string> hash_of_name_;  // several types may share a seed: per line
  Blobs blobs_;
};

void expect_same_bits(const Graph& before, const Graph& after);
void expect_same_bits(const Kernel& before, const Kernel& after);

}  // namespace mintor::golden
