// SPDX-License-Identifier: Apache-2.0
// Library operators: functions over Builder that compose meta-operators, shared by all frontends.
// Keeps true, for every function here:
// - f16 and bf16 operands are widened to f32 for arithmetic and the result is rounded back once
//   (contracts take them as they are); every other dtype keeps its own arithmetic;
// - what does not fit is a CompileError naming the operator, the actual shapes and attributes;
// - a scope named after the function is left on the nodes, unless the caller's scope says it;
// - shapes may be symbolic unless a parameter is an int64_t; axes may be negative.
// N C D1.. means batch, channels, spatial dimensions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/builder.h"

namespace mintor::ops {

// ---- element-wise (NumPy broadcasting; all float operands of one dtype) ----
Value apply(Builder& b, ScalarOp op, std::initializer_list<Value> operands);
Value add(Builder& b, Value x, Value y);
Value sub(Builder& b, Value x, Value y);
Value mul(Builder& b, Value x, Value y);
Value div(Builder& b, Value x, Value y);
Value where(Builder& b, Value condition, Value x, Value y);
Value scalar(Builder& b, DType dtype, double value);  // 0-d constant that broadcasts
Value cast(Builder& b, Value x, DType dtype);         // to bool: x != 0
Value clip(Builder& b, Value x, Value lo, Value hi);  // lo, hi: 0-d, may be null
// The remainder with the sign of the divisor (Python, NumPy), or of the dividend (C fmod).
Value remainder(Builder& b, Value x, Value y, bool sign_of_dividend);
// x, as a constant to gradients: a call of nothing whose own gradient is nothing.
Value stop_gradient(Builder& b, Value x);
Value logical_not(Builder& b, Value x);
Value is_inf(Builder& b, Value x, bool positive, bool negative);
Value is_nan(Builder& b, Value x);
Value sign(Builder& b, Value x);

// ---- activations ----
Value relu(Builder& b, Value x);
Value leaky_relu(Builder& b, Value x, double alpha);
Value prelu(Builder& b, Value x, Value slope);  // slope broadcasts to x
Value thresholded_relu(Builder& b, Value x, double alpha);
Value elu(Builder& b, Value x, double alpha);
Value celu(Builder& b, Value x, double alpha);
Value selu(Builder& b, Value x, double alpha, double gamma);
Value sigmoid(Builder& b, Value x);
Value hard_sigmoid(Builder& b, Value x, double alpha, double beta);
Value hard_swish(Builder& b, Value x);
Value silu(Builder& b, Value x);
Value mish(Builder& b, Value x);
Value softplus(Builder& b, Value x);
Value softsign(Builder& b, Value x);
Value shrink(Builder& b, Value x, double lambda, double bias);
Value gelu(Builder& b, Value x, bool tanh_form);

// ---- contractions ----
// NumPy's matmul: 1-d operands get a dimension that is dropped again; batch dimensions broadcast.
Value matmul(Builder& b, Value x, Value y);
// x[.., in] times the transpose of weight[out, in]: [.., out].
Value linear(Builder& b, Value x, Value weight);
// alpha * x' @ y' + beta * c, x and y 2-d, c broadcasts and may be null.
Value gemm(Builder& b, Value x, Value y, Value c, double alpha, double beta, bool trans_x,
           bool trans_y);
// Integer product with exact i32 sums of (x - x_zero) * (y - y_zero); x_zero 0-d or one per row,
// y_zero 0-d or one per column, either may be null.
Value matmul_integer(Builder& b, Value x, Value y, Value x_zero, Value y_zero);
// Equation as NumPy and ONNX write it, "..." included, any number of operands.
Value einsum(Builder& b, std::string_view equation, std::span<const Value> operands);

struct ConvAttr {
  std::vector<int64_t> stride, dilation;     // one per spatial dimension; empty: ones
  std::vector<Index> pad_before, pad_after;  // empty: zeros
  int64_t groups = 1;
};
// x[N, C, D..] * weight[O, C / groups, K..] + bias[O] (may be null) -> [N, O, ..].
Value conv(Builder& b, Value x, Value weight, Value bias, const ConvAttr& attr);
// weight[C, O / groups, K..]; output_pad is added after each spatial dimension.
Value conv_transpose(Builder& b, Value x, Value weight, Value bias, const ConvAttr& attr,
                     const std::vector<int64_t>& output_pad);
// Padding that makes the output ceil(size / stride): the extra element goes after, or before when
// `lower`.
void pad_same(const Shape& spatial, std::span<const int64_t> kernel, ConvAttr& attr, bool lower);

// ---- pooling over the spatial dimensions of [N, C, D..] ----
struct PoolAttr {
  std::vector<int64_t> kernel, stride, dilation;  // empty stride, dilation: ones
  std::vector<Index> pad_before, pad_after;       // empty: zeros
  bool ceil_mode = false;
  bool count_include_pad = false;  // average only
  std::optional<int64_t> divisor;  // average only: of every sum, instead of the count
};
Value max_pool(Builder& b, Value x, const PoolAttr& attr);
Value avg_pool(Builder& b, Value x, const PoolAttr& attr);
Value lp_pool(Builder& b, Value x, const PoolAttr& attr, int64_t p);
Value global_max_pool(Builder& b, Value x);  // keeps the spatial dimensions as 1
Value global_avg_pool(Builder& b, Value x);
Value global_lp_pool(Builder& b, Value x, int64_t p);

// ---- normalisation ----
// y = x * a + c with a = scale / sqrt(variance + eps), c = bias - mean * a; all four [C].
Value batch_norm(Builder& b, Value x, Value scale, Value bias, Value mean, Value variance,
                 double eps);
// The training form: by mean and (population) variance of x, [C], in the dtype of the arithmetic.
struct BatchNorm {
  Value y, mean, variance;
};
BatchNorm batch_norm_training(Builder& b, Value x, Value scale, Value bias, double eps);
// Over dimensions axis..end; scale and bias (may be null) broadcast to them.
Value layer_norm(Builder& b, Value x, Value scale, Value bias, int64_t axis, double eps,
                 Value* mean = nullptr, Value* inv_std = nullptr);
Value rms_norm(Builder& b, Value x, Value scale, int64_t axis, double eps);
Value instance_norm(Builder& b, Value x, Value scale, Value bias, double eps);
// scale and bias are [C] or [groups].
Value group_norm(Builder& b, Value x, Value scale, Value bias, int64_t groups, double eps);
Value lp_norm(Builder& b, Value x, int64_t axis, int64_t p);
Value mean_variance_norm(Builder& b, Value x, std::span<const int64_t> axes);
Value local_response_norm(Builder& b, Value x, int64_t size, double alpha, double beta,
                          double bias);
// Exact two-pass: max, exp(x - max), sum, divide.
Value softmax(Builder& b, Value x, std::vector<int64_t> axes);
Value log_softmax(Builder& b, Value x, std::vector<int64_t> axes);

// ---- reductions; axes empty: all dimensions ----
enum class Reduction {
  sum,
  mean,
  max,
  min,
  prod,
  sum_square,
  l1,
  l2,
  log_sum,
  log_sum_exp,
  all,
  any
};
Value reduce(Builder& b, Reduction reduction, Value x, std::span<const int64_t> axes,
             bool keep_dims);
// What a reduction does to each element when it reduces none: |x| for l1, log(x) for log_sum.
Value reduce_nothing(Builder& b, Reduction reduction, Value x);
Value arg_max(Builder& b, Value x, int64_t axis, bool keep_dims,
              bool last = false);  // i64, lowest index on ties
Value arg_min(Builder& b, Value x, int64_t axis, bool keep_dims, bool last = false);
Value cum_sum(Builder& b, Value x, int64_t axis, bool exclusive, bool reverse);

// ---- moving elements ----
Value expand(Builder& b, Value x,
             const Shape& shape);  // both ways: sizes of x may exceed those of shape
Value flatten(Builder& b, Value x, int64_t axis);
Value squeeze(Builder& b, Value x,
              std::span<const int64_t> axes);  // empty: every dimension of size 1
Value unsqueeze(Builder& b, Value x, std::span<const int64_t> axes);
Value tile(Builder& b, Value x, std::span<const Index> repeats);
Value flip(Builder& b, Value x, std::span<const int64_t> axes);
enum class PadMode { constant, reflect, edge, wrap };
// Negative pads crop. `fill` is 0-d of x's dtype, null: 0; used by PadMode::constant.
Value pad(Builder& b, Value x, std::span<const Index> before, std::span<const Index> after,
          PadMode mode, Value fill);
// Python slices with positive or negative steps; start and size are already clamped.
Value slice(Builder& b, Value x, std::span<const Index> start, std::span<const Index> size,
            std::span<const int64_t> step);
std::vector<Value> split(Builder& b, Value x, int64_t axis, std::span<const Index> sizes);
Value take(Builder& b, Value x, Value index, int64_t axis);  // NumPy take (ONNX Gather)
Value gather_elements(Builder& b, Value x, Value index, int64_t axis);
Value gather_nd(Builder& b, Value x, Value index, int64_t batch_dims);
// Combiner::last replaces; add, mul, min, max combine with what is there.
Value scatter_elements(Builder& b, Value x, Value index, Value updates, int64_t axis,
                       Combiner combiner);
Value scatter_nd(Builder& b, Value x, Value index, Value updates, Combiner combiner);
Value one_hot(Builder& b, Value index, Index depth, Value off, Value on, int64_t axis);
Value trilu(Builder& b, Value x, Index k, bool upper);
Value eye_like(Builder& b, DType dtype, Index rows, Index columns, int64_t k);
Value range(Builder& b, DType dtype, Index start, Index count, Index step);
Value depth_to_space(Builder& b, Value x, int64_t block,
                     bool columns_first);  // columns_first: ONNX mode CRD
Value space_to_depth(Builder& b, Value x, int64_t block, bool columns_first);
Value reverse_sequence(Builder& b, Value x, Value lengths, int64_t batch_axis, int64_t time_axis);

enum class ResizeMode { nearest, linear, cubic };
struct ResizeAttr {
  ResizeMode mode = ResizeMode::nearest;
  std::string coordinates = "half_pixel";      // half_pixel, pytorch_half_pixel, align_corners,
                                               // asymmetric, half_pixel_symmetric
  std::string nearest = "round_prefer_floor";  // round_prefer_floor, round_prefer_ceil, floor, ceil
  double cubic_a = -0.75;
  bool exclude_outside = false;
};
// sizes: one per dimension of x; scales: as the model gives them (output / input), 0 where the
// sizes say it. Symbolic sizes: nearest and linear.
Value resize(Builder& b, Value x, const Shape& sizes, std::span<const double> scales,
             const ResizeAttr& attr);

// ---- recurrent layers: loops over time ----
// Weights and states have directions first: 1, or 2 with the reverse one behind. The gates of lstm
// are i, o, f, c, those of gru z, r, h (ONNX's order), each `hidden` rows. All but x, w and r may
// be null.
struct RecurrentInputs {
  Value x;     // [time, batch, input]
  Value w, r;  // [directions, gates * hidden, input], [directions, gates * hidden, hidden]
  Value w_bias, r_bias;  // [directions, gates * hidden]; null: 0
  Value lengths;         // [batch], integers: steps of each row; null: all
  Value h, c;            // [directions, batch, hidden]: before the first step; null: 0; c: lstm
  Value peepholes;       // lstm: [directions, 3 * hidden], gates i, o, f
};
enum class RecurrentDirection { forward, reverse, bidirectional };
enum class CellFunction {
  relu,
  tanh,
  sigmoid,
  affine,  // alpha * x + beta
  leaky_relu,
  thresholded_relu,
  scaled_tanh,  // alpha * tanh(beta * x)
  hard_sigmoid,
  elu,
  softsign,
  softplus
};
struct CellActivation {
  CellFunction function = CellFunction::tanh;
  double alpha = 0, beta = 0;
};
struct RecurrentAttr {
  RecurrentDirection direction = RecurrentDirection::forward;
  // rnn: 1 a direction; gru: of z and r, of h; lstm: of i, o and f, of c, of the new cell state.
  std::vector<CellActivation> activations;  // empty: sigmoid for gates, tanh for the rest
  // What a gate's function takes lies in -clip..clip; the cell state of lstm is not clipped (ONNX
  // Runtime).
  std::optional<double> clip;
  bool input_forget = false;         // lstm: the gate f is 1 - i
  bool linear_before_reset = false;  // gru: r multiplies h @ r' + r_bias, not h
  bool in_bytes = false;  // x and h are dynamically quantised before weights multiply them
};
// Steps beyond a row's length give 0; h and c are the states after its last step, those before the
// first where it has none.
struct Recurrent {
  Value y;     // [time, directions, batch, hidden]
  Value h, c;  // [directions, batch, hidden]; c: lstm
};
Recurrent rnn(Builder& b, const RecurrentInputs& in, const RecurrentAttr& attr);
Recurrent lstm(Builder& b, const RecurrentInputs& in, const RecurrentAttr& attr);
Recurrent gru(Builder& b, const RecurrentInputs& in, const RecurrentAttr& attr);

// ---- quantisation: scale 0-d or one per element of `axis`; zero may be null ----
Value quantize_linear(Builder& b, Value x, Value scale, Value zero, DType dtype, int64_t axis);
Value dequantize_linear(Builder& b, Value x, Value scale, Value zero, int64_t axis);
struct DynamicQuantized {
  Value y, scale, zero;
};
DynamicQuantized dynamic_quantize_linear(Builder& b, Value x);  // u8

}  // namespace mintor::ops
