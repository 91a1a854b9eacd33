// SPDX-License-Identifier: Apache-2.0
// Tests of library operators: inputs with data, the operator, the reference evaluator. Every run
// also verifies the graph and sends it through its text form.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <numeric>

#include "compiler/ops/library.h"
#include "tests/ir/graph_helper.h"

namespace mintor::test {

// Whole numbers 1, -2, 3, ... of small size, so that sums are exact in f32.
inline std::vector<double> numbers(int64_t count) {
  std::vector<double> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(static_cast<double>((i * 7) % 11 - 5));
  return out;
}

class Op {
 public:
  Graph graph{"test"};
  Builder b{graph};

  // An input with data; `shape` may name symbols ("n"), the tensor's sizes bind them.
  Value in(Tensor data, Shape shape) {
    std::string name = "in" + std::to_string(inputs_.size());
    inputs_[name] = data;
    return b.input(name, data.dtype, std::move(shape));
  }
  Value in(Tensor data) {
    Shape shape(data.shape.begin(), data.shape.end());
    return in(std::move(data), std::move(shape));
  }
  Value f32(std::vector<int64_t> shape, std::vector<double> data) {
    return in(tensor(DType::f32, std::move(shape), data));
  }
  Value f32(std::vector<int64_t> shape) {
    int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    return f32(std::move(shape), numbers(count));
  }
  Value of(DType dtype, std::vector<int64_t> shape, std::vector<double> data) {
    return in(tensor(dtype, std::move(shape), data));
  }
  Index symbol(const std::string& name) {
    graph.add_symbol(Symbol{name, 0, -1, 1, 0});
    return Index::var(name);
  }

  Tensor run(Value y) {
    graph.results = {{"y", y}};
    verify(graph);
    std::string text = print(graph);
    Graph again = parse_graph(text, blobs_of(graph));
    EXPECT_EQ(print(again), text);
    Evaluation first = evaluate(graph, inputs_);
    EXPECT_TRUE(same_bits(first.results[0], evaluate(again, inputs_).results[0]));
    return first.results[0];
  }
  std::vector<double> list(Value y) { return values(run(y)); }

 private:
  std::map<std::string, Tensor> inputs_;
};

inline void expect_near(const std::vector<double>& got, const std::vector<double>& wanted,
                        double tolerance) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], tolerance) << "at " << i;
}

// The text of the CompileError that building throws; empty when it does not throw.
inline std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const CompileError& e) {
    return e.what();
  }
  return "";
}

}  // namespace mintor::test
