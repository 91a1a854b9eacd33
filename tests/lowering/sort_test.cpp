// SPDX-License-Identifier: Apache-2.0
// Sorts: the evaluator's stable sort == sort_by_digits == kernels of every level. Takes keys of
// every dtype with ties, NaN and both zeros, lines along every axis, with other values moved along.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "compiler/graph/pass.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "tests/lowering/check_chain.h"

namespace mintor {
namespace {

constexpr DType kAll[] = {DType::f64, DType::f32, DType::f16,    DType::bf16, DType::i8,
                          DType::i16, DType::i32, DType::i64,    DType::u8,   DType::u16,
                          DType::u32, DType::u64, DType::boolean};

// Few different values, so that there are ties; all bits of integers take part.
Tensor keys(DType dtype, std::vector<int64_t> shape, uint32_t seed) {
  std::mt19937_64 random(seed);
  auto [tensor, bytes] = Tensor::make(dtype, std::move(shape));
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = HUGE_VAL;
  const double floats[] = {nan, inf, -inf, 0.0, -0.0, 1.5, -1.5, 0x1p-14, -0x1p-14, 3.0, 250.0};
  const int64_t integers[] = {0, 1, -1, INT64_MIN, INT64_MAX, 0x0123456789ABCDEF, -2, 255, 256};
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const Scalar value =
        is_float(dtype) ? Scalar::of(dtype, floats[random() % std::size(floats)])
                        : Scalar::of_int(dtype, dtype == DType::boolean
                                                    ? static_cast<int64_t>(random() % 2)
                                                    : integers[random() % std::size(integers)]);
    value.write(bytes + i * size_of(dtype));
  }
  return tensor;
}

Graph sorted(DType dtype, const std::vector<int64_t>& shape, int dim, bool descending) {
  Graph g;
  Builder b(g);
  const Shape sizes(shape.begin(), shape.end());
  const Value operands[] = {b.input("key", dtype, sizes), b.iota(DType::i64, sizes, dim),
                            b.input("x", DType::f32, sizes)};
  const auto results = b.sort(operands, dim, descending);
  g.results = {{"key", results[0]}, {"place", results[1]}, {"x", results[2]}};
  return g;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() &&
         (a.bytes() == 0 || std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0);
}

TEST(Sort, ByDigitsIsTheSameOrder) {
  CompileContext context;
  for (const DType dtype : kAll)
    for (const bool descending : {false, true})
      for (const std::vector<int64_t>& shape :
           {std::vector<int64_t>{300}, {0}, {1}, {3, 70}, {2, 40, 3}})
        for (size_t dim = 0; dim < shape.size(); ++dim) {
          const Graph graph = sorted(dtype, shape, static_cast<int>(dim), descending);
          const Graph after = find_graph_pass("sort_by_digits").run(context, graph);
          verify(after);
          const std::map<std::string, Tensor> inputs = {{"key", keys(dtype, shape, 1)},
                                                        {"x", keys(DType::f32, shape, 2)}};
          const auto wanted = evaluate(graph, inputs).results,
                     got = evaluate(after, inputs).results;
          for (size_t r = 0; r < wanted.size(); ++r)
            EXPECT_TRUE(same_bytes(wanted[r], got[r])) << print(graph) << "result " << r << "\n"
                                                       << print(after);
        }
}

TEST(Sort, KernelsOfEveryLevel) {
  for (const DType dtype : {DType::f32, DType::i64, DType::f16, DType::u8, DType::boolean})
    for (const bool descending : {false, true}) {
      check_chain(sorted(dtype, {77}, 0, descending));
      check_chain(sorted(dtype, {3, 90}, 1, descending));
      check_chain(sorted(dtype, {70, 2, 3}, 0, descending));
      check_chain(sorted(dtype, {2, 0}, 1, descending));
    }
}

TEST(Sort, LinesOfOpenLength) {
  for (const int64_t n : {0, 1, 2, 130}) {
    Graph g;
    g.add_symbol({"n", 0, -1, 1, 8});
    Builder b(g);
    const Shape shape = {2, Index::var("n")};
    const Value operands[] = {b.input("key", DType::f32, shape), b.iota(DType::i64, shape, 1)};
    g.results = {{"place", b.sort(operands, 1, true)[1]}};
    check_chain(std::move(g), {{"n", n}});
  }
}

}  // namespace
}  // namespace mintor
