// SPDX-License-Identifier: Apache-2.0
// Gradients of f16 and bf16 values: of their own dtype, legal at every stage, and those of f32 up
// to rounding. Takes operators that move, sum and multiply them.
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/grad/grad.h"
#include "compiler/ops/library.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {
namespace {

using Make = std::function<Value(Builder&, std::span<const Value>)>;
using Shapes = std::vector<std::vector<int64_t>>;

std::vector<Tensor> gradients_in(DType dtype, const Shapes& shapes, const Make& make) {
  Graph graph("storage");
  Builder b(graph);
  std::vector<Value> xs;
  std::map<std::string, Tensor> data;
  for (const auto& shape : shapes) {
    std::vector<double> numbers;
    int64_t count = 1;
    for (int64_t e : shape) count *= e;
    for (int64_t i = 0; i < count; ++i)
      numbers.push_back(
          static_cast<double>((i * 7 + static_cast<int64_t>(xs.size()) * 3) % 13 - 6) /
          4);  // exact in every dtype
    const std::string name = "x" + std::to_string(xs.size());
    data[name] = tensor(dtype, shape, numbers);
    xs.push_back(b.input(name, dtype, Shape(shape.begin(), shape.end())));
  }
  const Value y = make(b, xs), one = b.full(y.dtype(), y.shape(), 1);
  for (const Value& g : gradients(b, {&y, 1}, {&one, 1}, xs)) {
    EXPECT_EQ(g.type(), xs[graph.results.size()].type());
    graph.results.push_back({"g" + std::to_string(graph.results.size()), g});
  }
  verify(graph);
  return evaluate(graph, data).results;
}

void check(const Shapes& shapes, const Make& make) {
  const std::vector<Tensor> want = gradients_in(DType::f32, shapes, make);
  for (DType dtype : {DType::f16, DType::bf16}) {
    const std::vector<Tensor> got = gradients_in(dtype, shapes, make);
    for (size_t i = 0; i < want.size(); ++i)
      for (int64_t e = 0; e < want[i].count(); ++e)
        EXPECT_NEAR(got[i].at(e).f, want[i].at(e).f,
                    0.05 * std::max(1.0, std::abs(want[i].at(e).f)))
            << name_of(dtype) << ", x" << i << "[" << e << "]";
  }
}

TEST(GradStorage, EveryFamilyOfKinds) {
  check({{3, 4}, {4, 2}},
        [](Builder& b, std::span<const Value> x) { return ops::matmul(b, x[0], x[1]); });
  check({{1, 2, 6}, {3, 2, 3}}, [](Builder& b, std::span<const Value> x) {
    return ops::conv(b, x[0], x[1], {}, {{2}, {}, {1}, {1}, 1});
  });
  check({{2, 8}}, [](Builder& b, std::span<const Value> x) { return ops::softmax(b, x[0], {1}); });
  check({{2, 8}, {8}}, [](Builder& b, std::span<const Value> x) {
    return ops::layer_norm(b, x[0], x[1], {}, 1, 1e-2);
  });
  check({{1, 1, 7}}, [](Builder& b, std::span<const Value> x) {
    return ops::max_pool(b, x[0], {{3}, {2}, {}, {1}, {1}});
  });
  check({{3, 2}, {3, 1}}, [](Builder& b, std::span<const Value> x) {
    const Value both[] = {x[0], x[1]};
    const Value joined = b.reshape(b.transpose(b.concat(both, 1), {1, 0}), {9});
    const Value index = b.constant_i64({0, 5, 5, 8});
    return b.broadcast(b.gather(joined, index, 0), {2, 4}, {1});
  });
  check({{4}, {2}}, [](Builder& b, std::span<const Value> x) {
    const Value index = b.constant_i64({1, 3});
    return ops::mul(b, ops::scatter_elements(b, x[0], index, x[1], 0, Combiner::last), x[0]);
  });
}

}  // namespace
}  // namespace mintor::test
