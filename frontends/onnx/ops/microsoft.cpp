// SPDX-License-Identifier: Apache-2.0
// Operators of the domain com.microsoft that ONNX Runtime's optimizer and exporters make of several
// of ONNX's own, and SimplifiedLayerNormalization, which they put into ONNX's domain.
// Takes one node; gives its outputs through the library (onnxruntime/docs/ContribOperators.md).
#include <algorithm>

#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

// x with its first of `batch` dimensions behind the others; then the last two swapped.
Value turned(OnnxNode& n, Value x, bool batch, bool swapped) {
  const auto rank = static_cast<int32_t>(x.shape().size());
  if (rank < 2) return x;
  std::vector<int32_t> perm;
  for (int32_t d = 0; d < rank; ++d) perm.push_back(d);
  if (batch) std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (swapped) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return n.builder().transpose(x, perm);
}

void fused_matmul(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  const auto operand = [&](size_t i, const char* swapped, const char* batch) {
    return turned(n, n.in(i), n.integer(batch, 0) != 0, n.integer(swapped, 0) != 0);
  };
  const Value y =
      ops::matmul(b, operand(0, "transA", "transBatchA"), operand(1, "transB", "transBatchB"));
  const double alpha = n.real("alpha", 1);
  n.out(0, alpha == 1 ? y : ops::mul(b, y, ops::scalar(b, y.dtype(), alpha)));
}

template <bool tanh_form>
void gelu_of_sum(OnnxNode& n) {
  n.need_inputs(1, 2);
  const Value x = n.given(1) ? ops::add(n.builder(), n.in(0), n.in(1)) : n.in(0);
  n.out(0, ops::gelu(n.builder(), x, tanh_form));
}

void quick_gelu(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const Value x = n.in(0), alpha = ops::scalar(b, x.dtype(), n.real("alpha", 1.702));
  n.out(0, ops::mul(b, x, ops::sigmoid(b, ops::mul(b, x, alpha))));
}

Value sum_of(OnnxNode& n, std::initializer_list<size_t> inputs) {
  Value sum;
  for (size_t i : inputs) {
    if (n.given(i)) sum = sum ? ops::add(n.builder(), sum, n.in(i)) : n.in(i);
  }
  return sum;
}

void skip_layer_norm(OnnxNode& n) {
  n.need_inputs(3, 5);
  const Value sum = sum_of(n, {0, 4, 1});
  Value mean, inv;
  n.out(0, ops::layer_norm(n.builder(), sum, n.in(2), n.optional_in(3), -1,
                           n.real("epsilon", 1e-12), &mean, &inv));
  n.out(1, mean);
  n.out(2, inv);
  n.out(3, sum);
}

void skip_simplified_layer_norm(OnnxNode& n) {
  n.need_inputs(3, 4);
  const Value sum = sum_of(n, {0, 3, 1});
  n.out(0, ops::rms_norm(n.builder(), sum, n.in(2), -1, n.real("epsilon", 1e-12)));
  n.out(3, sum);
}

void simplified_layer_norm(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::rms_norm(n.builder(), n.in(0), n.in(1), n.integer("axis", -1),
                         n.real("epsilon", 1e-5)));
}

// Rows of three tables, of words, positions and segments, added and normalised.
void embed_layer_norm(OnnxNode& n) {
  n.need_inputs(1, 9);
  Builder& b = n.builder();
  const Shape ids = n.shape(0);
  if (ids.size() != 2) n.fail("the ids have " + std::to_string(ids.size()) + " dimensions, not 2");
  const Value positions = n.given(8) ? ops::take(b, n.in(3), n.in(8), 0)
                                     : b.slice(n.in(3), {0, 0}, {ids[1], n.shape(3)[1]}, {1, 1});
  Value sum = ops::add(b, ops::take(b, n.in(2), n.in(0), 0), positions);
  if (n.given(1)) sum = ops::add(b, sum, ops::take(b, n.in(4), n.in(1), 0));
  n.out(0, ops::layer_norm(b, sum, n.in(5), n.in(6), -1, n.real("epsilon", 1e-12)));
  const int64_t last[] = {1};
  n.out(1, n.given(7)
               ? ops::reduce(b, ops::Reduction::sum,
                             b.cast(ops::cast(b, n.in(7), DType::boolean), DType::i32), last, false)
               : b.full(DType::i32, {ids[0]}, 0));
  n.out(2, sum);
}

constexpr OnnxOp kOps[] = {
    {"com.microsoft.FusedMatMul", 1, 0, fused_matmul, "floats", "contract, mul"},
    {"com.microsoft.Gelu", 1, 0, gelu_of_sum<false>, "floats", "erf, add, mul"},
    {"com.microsoft.BiasGelu", 1, 0, gelu_of_sum<false>, "floats", "add, erf, add, mul"},
    {"com.microsoft.FastGelu", 1, 0, gelu_of_sum<true>, "floats", "add, tanh, add, mul"},
    {"com.microsoft.QuickGelu", 1, 0, quick_gelu, "f16 bf16 f32", "mul, sigmoid, mul"},
    {"com.microsoft.SkipLayerNormalization", 1, 0, skip_layer_norm, "floats",
     "add, as LayerNormalization"},
    {"com.microsoft.SkipSimplifiedLayerNormalization", 1, 0, skip_simplified_layer_norm, "floats",
     "add, as RMSNormalization"},
    {"SimplifiedLayerNormalization", 1, 0, simplified_layer_norm, "floats", "as RMSNormalization"},
    {"com.microsoft.EmbedLayerNormalization", 1, 0, embed_layer_norm,
     "ints, ints, floats, floats, floats, floats, floats, ints",
     "gathers, add, as LayerNormalization"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_microsoft;
const OnnxOpGroup onnx_ops_microsoft{kOps};

}  // namespace mintor
