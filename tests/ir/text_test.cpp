// SPDX-License-Identifier: Apache-2.0
// The text form: what prints reads back and prints the same, for every kind of node; errors say where.
#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "compiler/ir/text.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

std::string round_trip(const std::string& text, const Blobs& blobs = {}) {
  const Graph graph = parse_graph(text, blobs);
  const std::string printed = print(graph);
  const Graph again = parse_graph(printed, blobs_of(graph));
  EXPECT_EQ(print(again), printed);
  return printed;
}

// The example of the architecture document.
TEST(Text, Dense) {
  const std::string text = R"(graph dense (batch: 1..32) {
  x = input     f32[batch, 256]
  w = parameter f32[256, 214] random 1
  b = parameter f32[214] random 2
  y = contract  f32[batch, 214] (x, w)  m = batch, n = 214, k = 256 | x[m, k] y[k, n] order chain(8192)  @ dense/matmul
  c = broadcast f32[batch, 214] (b)  dims = [1]  @ dense/bias
  z = add       f32[batch, 214] (y, c)  @ dense/bias, other.0/bias
  r = relu      f32[batch, 214] (z)  @ relu, "odd name"
  results r, sum = z
  updates b := w2
}
)";
  EXPECT_THROW(parse_graph(text), CompileError);
  std::string good = text;
  good.replace(good.find("  updates"), 18, "  updates b := b\n");
  EXPECT_EQ(round_trip(good), "");
}

}  // namespace
}  // namespace mintor
