// SPDX-License-Identifier: Apache-2.0
// Random graphs of meta-operators in f64: first and second derivatives against finite differences,
// and the forward mode. MINTOR_FUZZ_SEEDS=a..b runs other seeds; a failure names its seed and
// prints the graph.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "compiler/support/error.h"
#include "tests/grad/check.h"

namespace mintor::test {
namespace {

class RandomValues {
 public:
  RandomValues(uint32_t seed, Builder& b, std::span<const Value> inputs)
      : random_(seed), b_(b), values_(inputs.begin(), inputs.end()) {}

  std::vector<Value> make(int count) {
    while (count > 0) {
      try {
        // Bounded, so that differences stay exact enough.
        values_.push_back(b_.apply(ScalarOp::sin, {step(pick())}));
        --count;
      } catch (const CompileError&) {
        // A choice that does not fit; the next one is tried.
      }
    }
    return {values_.end() - 2, values_.end()};
  }

 private:
  int below(size_t n) { return n == 0 ? 0 : static_cast<int>(random_() % n); }
  Value pick() { return values_[static_cast<size_t>(below(values_.size()))]; }
  static Index i(size_t d) { return Index::var("i" + std::to_string(d)); }
  int dim(Value x) { return below(x.shape().size()); }
  int64_t size(Value x, size_t d) { return x.shape()[d].value(); }

  // Another value in the shape of x, as far as it stretches.
  Value like(Value x) { return b_.broadcast_to(pick(), x.shape()); }

  Value step(Value x) {
    switch (below(14)) {
      case 0: {
        const ScalarOp ops[] = {ScalarOp::tanh, ScalarOp::cos, ScalarOp::erf, ScalarOp::abs,
                                ScalarOp::relu, ScalarOp::exp, ScalarOp::neg};
        return b_.apply(ops[below(std::size(ops))], {x});
      }
      case 1:
      case 2: {
        const ScalarOp ops[] = {ScalarOp::add, ScalarOp::mul, ScalarOp::sub, ScalarOp::max,
                                ScalarOp::min};
        return b_.apply(ops[below(std::size(ops))], {x, like(x)});
      }
      case 3: {
        const Value other = like(x);
        return b_.apply(ScalarOp::where, {b_.apply(ScalarOp::lt, {x, other}), other, x});
      }
      case 4: {
        Shape shape = x.shape();
        shape.insert(shape.begin(), 1 + below(3));
        return small(b_.broadcast_to(x, shape));
      }
      case 5: {
        std::vector<int32_t> perm;
        for (size_t d = 0; d < x.shape().size(); ++d) perm.push_back(static_cast<int32_t>(d));
        std::ranges::shuffle(perm, random_);
        return b_.transpose(x, perm);
      }
      case 6: {
        int64_t count = 1;
        for (size_t d = 0; d < x.shape().size(); ++d) count *= size(x, d);
        return count % 2 == 0 ? b_.reshape(x, {2, count / 2}) : b_.reshape(x, {count});
      }
      case 7:
        return windows(x);
      case 8: {
        const Combiner f[] = {Combiner::add, Combiner::max, Combiner::min, Combiner::mul};
        std::vector<int32_t> dims;
        for (size_t d = 0; d < x.shape().size(); ++d)
          if (below(2) != 0)
            dims.insert(dims.begin() + below(dims.size() + 1), static_cast<int>(d));
        return b_.reduce(f[below(4)], x, dims);
      }
      case 9: {
        const Combiner f = below(2) != 0 ? Combiner::add : Combiner::mul;
        return b_.scan(f, {&x, 1}, dim(x), {Scalar::of(DType::f64, 1)}, below(2) != 0,
                       below(2) != 0)[0];
      }
      case 10: {
        const Value all[] = {x, like(x), x};
        return b_.concat(all, dim(x));
      }
      case 11: {
        const int at = dim(x);
        const int64_t extent = x.shape().empty() ? 1 : size(x, static_cast<size_t>(at));
        return b_.gather(x, b_.constant_i64({below(static_cast<size_t>(extent)), 0, -1}), at);
      }
      case 12:
        return scatter(x);
      default:
        return contract(x, pick());
    }
  }

  Value small(Value x) {
    int64_t count = 1;
    for (size_t d = 0; d < x.shape().size(); ++d) count *= size(x, d);
    if (count > 48 || x.shape().size() > 4) throw CompileError("test", "too large");
    return x;
  }

  // Strided, dilated, shifted, on both sides outside of x.
  Value windows(Value x) {
    IndexMap map;
    Shape shape;
    for (size_t d = 0; d < x.shape().size(); ++d) {
      map.coords.push_back(Index(1 + below(2)) * i(d) - below(2));
      shape.push_back(1 + below(4));
    }
    if (!shape.empty()) {
      map.coords[0] = map.coords[0] + Index(below(3) - 1) * i(shape.size());
      shape.push_back(2);
      if (below(3) == 0) map.conditions = {{i(0) - i(shape.size() - 1), 2}};
    }
    return small(b_.reindex(x, shape, map, Scalar::of(DType::f64, 0.5)));
  }

  Value scatter(Value x) {
    if (x.shape().empty()) return x;
    IndexMap map;
    for (size_t d = 0; d < x.shape().size(); ++d)
      map.coords.push_back(d == 0 ? Index(1 + below(2)) * floordiv(i(0), 1 + below(2)) : i(d));
    const Combiner f[] = {Combiner::add, Combiner::last, Combiner::max};
    return b_.reindex_reduce(f[below(3)], like(x), x, map);
  }

  Value contract(Value x, Value y) {
    Contract c;
    const size_t shared = static_cast<size_t>(below(2));
    for (size_t d = 0; d < x.shape().size(); ++d) {
      const bool summed = d + 1 == x.shape().size();
      const std::string name = (summed ? "k" : "m") + std::to_string(d);
      c.axes.push_back({name, summed ? AxisRole::k : AxisRole::m, x.shape()[d]});
      c.x_coords.push_back(Index::var(name));
    }
    for (size_t d = 0; d < y.shape().size(); ++d) {
      if (d == shared && !x.shape().empty()) {
        c.y_coords.push_back(c.x_coords.back() - below(2));
        continue;
      }
      const std::string name = "n" + std::to_string(d);
      c.axes.push_back({name, AxisRole::n, y.shape()[d]});
      c.y_coords.push_back(Index::var(name));
    }
    return small(b_.contract(x, y, c));
  }

  std::mt19937 random_;
  Builder& b_;
  std::vector<Value> values_;
};

TEST(GradRandom, GraphsOfMetaOperators) {
  uint32_t first = 0, last = 150;
  if (const char* seeds = std::getenv("MINTOR_FUZZ_SEEDS"))
    std::sscanf(seeds, "%u..%u", &first, &last);
  for (uint32_t seed = first; seed < last; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Checks checks;
    checks.tolerance = 1e-4;
    check_gradients(
        {f64({2, 3}), f64({3}), f64({2, 1})},
        [&](Builder& b, std::span<const Value> x) { return RandomValues(seed, b, x).make(7); },
        checks);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace mintor::test
