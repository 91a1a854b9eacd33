// SPDX-License-Identifier: Apache-2.0
// Takes sums; gives bounds by putting the bounds of unknowns in their place, the last made first.
// Keeps true: each way to a bound is sound by itself, so that the best of them is too.
#include "compiler/jit/llvm/bounds.h"

#include <algorithm>

namespace mintor::jit {
namespace {

constexpr Wide kLarge = Wide{1} << 100;

bool is_large(Wide value) { return value > kLarge || value < -kLarge; }

int bits(Wide value) {
  int count = 0;
  for (Wide rest = value < 0 ? -value : value; rest > 0; rest >>= 1) ++count;
  return count;
}

}  // namespace

Sum operator+(const Sum& a, const Sum& b) {
  Sum sum = a;
  sum.constant += b.constant;
  for (const auto& [unknown, factor] : b.factors) {
    Wide& here = sum.factors[unknown];
    here += factor;
    if (here == 0) sum.factors.erase(unknown);
  }
  return sum;
}

Sum operator*(const Sum& a, Wide factor) {
  Sum product;
  if (factor == 0) return product;
  product.constant = a.constant * factor;
  for (const auto& [unknown, own] : a.factors) product.factors[unknown] = own * factor;
  return product;
}

std::optional<Sum> product(const Sum& a, Wide factor) {
  int most = bits(a.constant);
  for (const auto& [unknown, own] : a.factors) most = std::max(most, bits(own));
  if (most + bits(factor) > 100) return std::nullopt;
  return a * factor;
}

Sum operator-(const Sum& a, const Sum& b) { return a + b * -1; }

bool is_large(const Sum& sum) {
  return is_large(sum.constant) || std::any_of(sum.factors.begin(), sum.factors.end(),
                                               [](const auto& f) { return is_large(f.second); });
}

Sum Bounds::unknown(std::optional<Sum> lo, std::optional<Sum> hi) {
  unknowns_.push_back({std::move(lo), std::move(hi)});
  return {0, {{static_cast<int>(unknowns_.size()) - 1, 1}}};
}

std::optional<Sum> Bounds::lowered(const Sum& sum) const {
  if (sum.factors.empty() || is_large(sum)) return std::nullopt;
  const auto [unknown, factor] = *sum.factors.rbegin();
  const Unknown& known = unknowns_[static_cast<size_t>(unknown)];
  const std::optional<Sum>& bound = factor > 0 ? known.lo : known.hi;
  if (!bound) return std::nullopt;
  const std::optional<Sum> instead = product(*bound, factor);
  if (!instead) return std::nullopt;
  Sum rest = sum;
  rest.factors.erase(unknown);
  return rest + *instead;
}

std::optional<Wide> Bounds::least_without_facts(Sum sum) const {
  while (!sum.factors.empty()) {
    std::optional<Sum> below = lowered(sum);
    if (!below) return std::nullopt;
    sum = std::move(*below);
  }
  if (is_large(sum)) return std::nullopt;
  return sum.constant;
}

std::optional<Wide> Bounds::at_least(const Sum& sum) const {
  std::optional<Wide> best = least_without_facts(sum);
  for (const Sum& fact : facts_) {  // sum = (sum - fact) + fact, and fact >= 0
    const std::optional<Wide> found = least_without_facts(sum - fact);
    if (found && (!best || *found > *best)) best = found;
  }
  return best;
}

std::optional<Wide> Bounds::at_most(const Sum& sum) const {
  const std::optional<Wide> found = at_least(sum * -1);
  if (!found) return std::nullopt;
  return -*found;
}

}  // namespace mintor::jit
