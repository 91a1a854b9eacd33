// SPDX-License-Identifier: Apache-2.0
// The gradient of every kind, alone, against finite differences, to second order.
// Takes one node behind a square, so that there is a second derivative.
#include <gtest/gtest.h>

#include "tests/grad/check.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {
namespace {

Index i(int d) { return Index::var("i" + std::to_string(d)); }

Value square(Builder& b, Value x) { return b.apply(ScalarOp::mul, {x, x}); }

// One input, squared so that there is a second derivative, through `f`.
void check_one(std::vector<int64_t> shape, const std::function<Value(Builder&, Value)>& f) {
  check_gradients({f64(std::move(shape))}, [&](Builder& b, std::span<const Value> x) {
    return std::vector<Value>{f(b, square(b, x[0]))};
  });
}

TEST(GradKinds, Broadcast) {
  check_one({3}, [](Builder& b, Value x) { return b.broadcast(x, {2, 3, 2}, {1}); });
  check_one({}, [](Builder& b, Value x) { return b.broadcast(x, {2, 3}, {}); });
}

TEST(GradKinds, Reindexes) {
  check_one({2, 3}, [](Builder& b, Value x) { return b.transpose(x, {1, 0}); });
  check_one({2, 3, 4}, [](Builder& b, Value x) { return b.reshape(x, {4, 6}); });
  check_one({5}, [](Builder& b, Value x) { return b.slice(x, {4}, {3}, {-2}); });
  check_one({2, 3}, [](Builder& b, Value x) {
    return b.pad(x, {1, Index(-1)}, {0, 2}, Scalar::of(DType::f64, 3));
  });
  // Windows that overlap, an index that nothing reads, and one that is read at an end.
  check_one({5, 2}, [](Builder& b, Value x) {
    IndexMap map;
    map.coords = {Index(2) * i(0) + i(2) - 1, min(i(1), Index(1))};
    map.conditions = {{i(0) + i(2), 3}};
    return b.reindex(x, {3, 3, 3, 2}, map, Scalar::of(DType::f64, 0));
  });
}

TEST(GradKinds, Gather) {
  check_gradients({f64({4, 2}), i64({3}, {2, -1, 2})},
                  [](Builder& b, std::span<const Value> x) -> std::vector<Value> {
                    return {b.gather(square(b, x[0]), x[1], 0)};
                  });
}

TEST(GradKinds, Concat) {
  check_gradients({f64({2, 3}), f64({2, 1})},
                  [](Builder& b, std::span<const Value> x) -> std::vector<Value> {
                    const Value all[] = {square(b, x[0]), x[1], x[0]};
                    return {square(b, b.concat(all, 1))};
                  });
}

TEST(GradKinds, Scatters) {
  for (Combiner f : {Combiner::add, Combiner::mul, Combiner::min, Combiner::max, Combiner::last})
    check_gradients(
        {f64({4, 2}), f64({3, 2}), i64({3}, {2, 1, 2})},
        [&](Builder& b, std::span<const Value> x) -> std::vector<Value> {
          IndexMap map;
          map.loads.push_back({2, {i(0)}});
          map.coords = {Index::var("l0"), i(1)};
          return {b.reindex_reduce(f, square(b, x[0]), square(b, x[1]), map, {&x[2], 1})};
        });
}

TEST(GradKinds, ScatterOfProductsWithZeros) {
  // Each element of z has none, one or two zeros among its factors; the first derivative alone.
  Checks first;
  first.order = 1;
  check_gradients(
      {{DType::f64, {3}, {2, 0, 3}}, {DType::f64, {4}, {0, 5, 0, 7}}, i64({4}, {0, 1, 2, 2})},
      [&](Builder& b, std::span<const Value> x) -> std::vector<Value> {
        IndexMap map;
        map.loads.push_back({2, {i(0)}});
        map.coords = {Index::var("l0")};
        return {b.reindex_reduce(Combiner::mul, x[0], x[1], map, {&x[2], 1})};
      },
      first);
}

TEST(GradKinds, Reductions) {
  for (Combiner f : {Combiner::add, Combiner::mul, Combiner::min, Combiner::max}) {
    check_one({3, 2}, [&](Builder& b, Value x) { return b.reduce(f, x, {0}); });
    check_one({2, 3, 2}, [&](Builder& b, Value x) { return b.reduce(f, x, {2, 0}); });
  }
  Checks third;
  third.order = 3;
  third.tolerance = 1e-5;
  check_gradients(
      {{DType::f64, {4}, {2, 0, 0, 3}}},
      [](Builder& b, std::span<const Value> x) -> std::vector<Value> {
        return {b.reduce(Combiner::mul, x[0], {0})};
      },
      third);
}

TEST(GradKinds, Scans) {
  for (Combiner f : {Combiner::add, Combiner::mul, Combiner::min, Combiner::max})
    for (bool reverse : {false, true})
      for (bool exclusive : {false, true}) {
        const Scalar start = f == Combiner::add || f == Combiner::mul ? Scalar::of(DType::f64, 1)
                                                                      : identity_of(f, DType::f64);
        check_one({2, 4, 2}, [&](Builder& b, Value x) {
          Value y = b.scan(f, {&x, 1}, 1, {start}, reverse, exclusive)[0];
          const Value bound = b.full(DType::f64, y.shape(), 1e3);  // identities of min and max
          const Value low = b.apply(ScalarOp::neg, {bound});
          return b.apply(ScalarOp::clamp, {y, low, bound});
        });
      }
}

TEST(GradKinds, Sorts) {
  for (bool descending : {false, true})
    check_gradients({f64({2, 4}), f64({2, 4})},
                    [&](Builder& b, std::span<const Value> x) -> std::vector<Value> {
                      const Value both[] = {square(b, x[0]), square(b, x[1])};
                      return b.sort(both, 1, descending);
                    });
}

TEST(GradKinds, Compact) {
  check_gradients({f64({5}), {DType::boolean, {5}, {1, 0, 1, 1, 0}}},
                  [](Builder& b, std::span<const Value> x) -> std::vector<Value> {
                    return {b.compact(square(b, x[0]), x[1], "kept")};
                  });
  check_gradients({f64({3, 2}), {DType::boolean, {3}, {1, 0, 1}}},
                  [](Builder& b, std::span<const Value> x) -> std::vector<Value> {
                    return {b.compact(square(b, x[0]), x[1], "kept")};
                  });
}

// out[axes] of contracts with each shape of coordinate.
void check_contract(std::vector<int64_t> x, std::vector<int64_t> y, const Contract& c) {
  check_gradients({f64(std::move(x)), f64(std::move(y))},
                  [&](Builder& b, std::span<const Value> v) -> std::vector<Value> {
                    return {b.contract(v[0], v[1], c)};
                  });
}

Contract contract(std::vector<ContractAxis> axes, std::vector<std::string> x,
                  std::vector<std::string> y) {
  Contract c;
  c.axes = std::move(axes);
  for (const std::string& e : x) c.x_coords.push_back(parse_index(e));
  for (const std::string& e : y) c.y_coords.push_back(parse_index(e));
  return c;
}

TEST(GradKinds, Contracts) {
  constexpr AxisRole m = AxisRole::m, n = AxisRole::n, k = AxisRole::k, w = AxisRole::window;
  check_contract({2, 3}, {3, 4},
                 contract({{"m", m, 2}, {"n", n, 4}, {"k", k, 3}}, {"m", "k"}, {"k", "n"}));
  check_contract({3, 2, 1}, {4, 3},  // both transposed, a dimension of size 1
                 contract({{"m", m, 2}, {"n", n, 4}, {"k", k, 3}}, {"k", "m", "0"}, {"n", "k"}));
  for (int64_t stride : {1, 2, 3})
    for (int64_t dilation : {1, 2}) {
      const std::string at =
          std::to_string(stride) + "*m + " + std::to_string(dilation) + "*w + -1";
      check_contract({2, 9}, {3, 2, 3},
                     contract({{"n", n, 3}, {"m", m, 3}, {"k", k, 2}, {"w", w, 3}}, {"k", at},
                              {"n", "k", "w"}));
    }
  check_contract({7}, {3}, contract({{"m", m, 7}, {"w", w, 3}}, {"m + w + -1"}, {"w"}));
  check_contract({6}, {3}, contract({{"g", AxisRole::batch, 3}, {"k", k, 2}}, {"2*g + k"}, {"g"}));
  check_contract({3}, {3}, contract({{"m", m, 2}, {"k", k, 2}}, {"1"}, {"m + k"}));  // a constant
  check_contract({3, 3}, {3}, contract({{"k", k, 3}, {"m", m, 2}}, {"k", "k"}, {"m"}));  // diagonal
  // An axis that is solved for and that nothing else reads at.
  check_contract({4}, {2}, contract({{"m", m, 2}, {"k", k, 3}}, {"k + -1"}, {"m"}));
  check_contract({3}, {3},  // not to be solved: a scatter
                 contract({{"m", m, 3}, {"k", k, 3}}, {"min(m, k)"}, {"k"}));
}

}  // namespace
}  // namespace mintor::test
