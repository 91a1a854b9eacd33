// SPDX-License-Identifier: Apache-2.0
// How many products contracts need. Takes graphs as text; gives pass or fail. Keeps true: the count
// is the sum of the results where all operands are 1, for what is outside of an array adds nothing.
#include "compiler/graph/products.h"

#include <gtest/gtest.h>

#include <numeric>

#include "compiler/graph/cost.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"

namespace mintor {
namespace {

const Node& contract_of(const Graph& graph) { return *graph.results[0].value.node; }

Index products(const Graph& graph) {
  const Node& node = contract_of(graph);
  return products_of(node.as<Contract>(), node.operands[0].shape(), node.operands[1].shape());
}

Tensor ones(const Shape& shape) {
  std::vector<int64_t> sizes;
  int64_t count = 1;
  for (const Index& size : shape) sizes.push_back(size.value());
  for (const int64_t size : sizes) count *= size;
  const std::vector<float> values(static_cast<size_t>(count), 1.0f);
  return Tensor::copy_of(DType::f32, sizes, values.data());
}

int64_t counted(const Graph& graph) {
  const Node& node = contract_of(graph);
  const Tensor y = evaluate(graph, {{"x", ones(node.operands[0].shape())},
                                    {"w", ones(node.operands[1].shape())}})
                       .results[0];
  const auto* values = reinterpret_cast<const float*>(y.data);
  return static_cast<int64_t>(std::accumulate(values, values + y.bytes() / 4, 0.0));
}

std::string graph(const std::string& x, const std::string& w, const std::string& y,
                  const std::string& axes) {
  return "graph g {\n  x = input f32" + x + "\n  w = input f32" + w + "\n  y = contract f32" + y +
         " (x, w) " + axes + "\n  results y\n}";
}

TEST(Products, AreThoseInsideOfTheArrays) {
  const std::string cases[] = {
      // A matrix; padding; a stride and taps far apart; no result that is inside with every tap.
      graph("[3, 5]", "[5, 4]", "[3, 4]", "m = 3, n = 4, k = 5 | x[m, k] y[k, n]"),
      graph("[2, 9]", "[4, 2, 3]", "[4, 9]",
            "n = 4, p: m = 9, k = 2, i: window = 3 | x[k, p + i - 1] y[n, k, i]"),
      graph("[2, 9]", "[4, 2, 5]", "[4, 6]",
            "n = 4, p: m = 6, k = 2, i: window = 5 | x[k, 2*p + 3*i - 4] y[n, k, i]"),
      graph("[2, 4]", "[4, 2, 9]", "[4, 4]",
            "n = 4, p: m = 4, k = 2, i: window = 9 | x[k, p + i - 4] y[n, k, i]"),
      // The gradient of a weight: the window is a result.
      graph("[2, 9]", "[4, 9]", "[4, 2, 3]",
            "n = 4, c: m = 2, i: m = 3, p: k = 9 | x[c, p + i - 1] y[n, p]"),
  };
  for (const std::string& text : cases) {
    const Graph made = parse_graph(text);
    ASSERT_TRUE(products(made).is_const()) << text;
    EXPECT_EQ(products(made).value(), counted(made)) << text;
  }
}

TEST(Products, OfUnknownSizesAllCount) {
  const Graph made = parse_graph(
      "graph g (n: 1..32 ~ 8) {\n  x = input f32[2, n]\n  w = input f32[4, 2, 3]\n  y = contract "
      "f32[4, n] (x, w) c: n = 4, p: m = n, k = 2, i: window = 3 | x[k, p + i - 1] y[c, k, i]\n"
      "  results y\n}");
  EXPECT_EQ(value_of(products(made), {{"n", 8}}), 4 * 8 * 2 * 3);
}

}  // namespace
}  // namespace mintor
