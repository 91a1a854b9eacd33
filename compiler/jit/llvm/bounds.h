// SPDX-License-Identifier: Apache-2.0
// What is known of integers: sums of unknowns with constant factors, bounds of unknowns, and facts.
// Takes sums; gives constants that they cannot be below or above. Keeps true: an unknown's bounds
// mention unknowns that were made before it alone; what is not known is said so, never guessed;
// numbers have 128 bits and stay far below their limits.
//
//   unknown i in 0..n-1, fact n - i - k >= 0   ->   at_least(n - 1 - i) = 0
#pragma once

#include <map>
#include <optional>
#include <vector>

namespace mintor::jit {

using Wide = __int128;

struct Sum {
  Wide constant = 0;
  std::map<int, Wide> factors;  // of unknowns, none 0

  bool is_constant() const { return factors.empty(); }
};

Sum operator+(const Sum& a, const Sum& b);
Sum operator*(const Sum& a, Wide factor);               // of a small factor
std::optional<Sum> product(const Sum& a, Wide factor);  // none where it is too large
Sum operator-(const Sum& a, const Sum& b);
inline Sum constant(Wide value) { return {value, {}}; }
bool is_large(const Sum& sum);  // too large to compute on

struct Unknown {
  std::optional<Sum> lo, hi;  // inclusive
};

class Bounds {
 public:
  Sum unknown(std::optional<Sum> lo, std::optional<Sum> hi);
  std::optional<Wide> at_least(const Sum& sum) const;  // none: no bound is known
  std::optional<Wide> at_most(const Sum& sum) const;

  // A sum that it is not below, of unknowns that were made earlier; none: it is a constant.
  std::optional<Sum> lowered(const Sum& sum) const;

  void add_fact(Sum not_negative) { facts_.push_back(std::move(not_negative)); }
  size_t facts() const { return facts_.size(); }
  void forget_facts(size_t count) { facts_.resize(count); }  // those after the first `count`

 private:
  std::optional<Wide> least_without_facts(Sum sum) const;

  std::vector<Unknown> unknowns_;
  std::vector<Sum> facts_;
};

}  // namespace mintor::jit
