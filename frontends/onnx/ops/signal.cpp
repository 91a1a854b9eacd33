// SPDX-License-Identifier: Apache-2.0
// ONNX signal operators: DFT, STFT, windows, MelWeightMatrix.
// Takes lengths, axes and sizes that are known or that the run binds; gives library operators.
#include "compiler/ops/signal.h"

#include "compiler/ops/library/by_data.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"

namespace mintor {

namespace {

Index one_size(OnnxNode& n, size_t i, const char* what) {
  const std::vector<Index> given = n.sizes(i, what);
  if (given.size() != 1) n.fail(std::string(what) + " must be one number");
  return given[0];
}

// x as [outer, n, inner, parts] around an axis; and its transform in x's own dimensions.
struct Around {
  Index outer, size, inner;
};

Around around(const Shape& shape, size_t axis) {
  Around out{1, shape[axis], 1};
  for (size_t d = 0; d + 1 < shape.size(); ++d) {
    if (d < axis) out.outer = out.outer * shape[d];
    if (d > axis) out.inner = out.inner * shape[d];
  }
  return out;
}

// The same for an axis that the run says: sizes are bound.
Around around_data(OnnxNode& n, const Shape& shape, Value axis) {
  const ops::Numbers m{n.builder()};
  const size_t rank = shape.size();
  const Value r = m.n(static_cast<int64_t>(rank)), zero = m.n(0);
  const Value at = m.pick(m.less(axis, zero), m.add(axis, r), axis);
  Value outer = m.n(1), size = m.n(1), inner = m.n(1);
  for (size_t d = 0; d + 1 < rank; ++d) {
    const Value own = m.size(shape[d]), here = m.n(static_cast<int64_t>(d));
    outer = m.pick(m.less(here, at), m.mul(outer, own), outer);
    inner = m.pick(m.less(at, here), m.mul(inner, own), inner);
    size = m.pick(m.is(at, here), own, size);
  }
  const Around out{n.size_of(outer), n.size_of(size), n.size_of(inner)};
  Index all = 1;
  for (size_t d = 0; d + 1 < rank; ++d) all = all * shape[d];
  n.state().graph.add_condition(
      {out.outer * out.size * out.inner, all, Condition::Form::equal, ""});
  return out;
}

void dft(OnnxNode& n) {
  n.need_inputs(1, n.opset() < 20 ? 2 : 3);
  Builder& b = n.builder();
  const Value x = n.in(0);
  const size_t rank = x.shape().size();
  if (rank < 2) n.fail("x is " + to_string(x.type()));
  ops::DftAttr attr;
  attr.inverse = n.integer("inverse", 0) != 0;
  attr.one_sided = n.integer("onesided", 0) != 0;
  const bool by_data = n.opset() >= 20 && n.given(2) && !n.known(2);
  int64_t axis = n.opset() < 20 ? n.integer("axis", 1) : -2;
  if (n.opset() >= 20 && n.given(2) && !by_data) axis = static_cast<int64_t>(n.number(2, "axis"));
  if (axis < 0) axis += static_cast<int64_t>(rank);
  if (axis < 0 || axis + 1 >= static_cast<int64_t>(rank))
    n.fail("axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
           " dimensions");
  Value asked;
  if (by_data) asked = b.cast(single(n, b, n.in(2), "axis"), DType::i64);
  const Around a =
      by_data ? around_data(n, x.shape(), asked) : around(x.shape(), static_cast<size_t>(axis));
  attr.length = n.given(1) ? one_size(n, 1, "dft_length")
                           : (attr.inverse && attr.one_sided ? a.size * 2 - 2 : a.size);
  const Value y = ops::dft(b, b.reshape(x, {a.outer, a.size, a.inner, x.shape().back()}), attr);
  Shape shape = x.shape();
  shape.back() = y.shape()[3];
  if (!by_data) {
    shape[static_cast<size_t>(axis)] = y.shape()[1];
    return n.out(0, b.reshape(y, shape));
  }
  const ops::Numbers m{b};
  Index count = 1;
  for (size_t d = 0; d + 1 < rank; ++d) {
    shape[d] = n.size_of(
        m.pick(ops::is_axis(m, asked, d, rank), m.size(y.shape()[1]), m.size(x.shape()[d])));
    count = count * shape[d];
  }
  n.state().graph.add_condition(
      {count, y.shape()[0] * y.shape()[1] * y.shape()[2], Condition::Form::equal, ""});
  n.out(0, b.reshape(y, shape));
}

void stft(OnnxNode& n) {
  n.need_inputs(2, 4);
  Builder& b = n.builder();
  Value signal = n.in(0);
  if (signal.shape().size() == 2)
    signal = b.reshape(signal, {signal.shape()[0], signal.shape()[1], 1});
  const Value window = n.optional_in(2);
  Index length;
  if (n.given(3))
    length = one_size(n, 3, "frame_length");
  else if (window && !window.shape().empty())
    length = window.shape()[0];
  else
    n.fail("needs a window or a frame_length");
  if (window && n.given(3) && window.shape().size() == 1 && !(window.shape()[0] == length))
    length = window.shape()[0];  // they are the same number
  n.out(0, ops::stft(b, signal, window, one_size(n, 1, "frame_step"), length,
                     n.integer("onesided", 1) != 0));
}

template <ops::Window kind>
void window(OnnxNode& n) {
  n.need_inputs(1, 1);
  const DType dtype = dtype_from_onnx(n.integer("output_datatype", 1), n.op());
  n.out(0, ops::window(n.builder(), dtype, kind, one_size(n, 0, "the size"),
                       n.integer("periodic", 1) != 0));
}

void mel_weight_matrix(OnnxNode& n) {
  n.need_inputs(5, 5);
  Builder& b = n.builder();
  const auto number = [&](size_t i, const char* what) {
    return b.cast(single(n, b, n.in(i), what), DType::f64);
  };
  const DType dtype = dtype_from_onnx(n.integer("output_datatype", 1), n.op());
  n.out(0, ops::mel_weights(b, dtype, one_size(n, 0, "num_mel_bins"), one_size(n, 1, "dft_length"),
                            number(2, "sample_rate"), number(3, "lower_edge_hertz"),
                            number(4, "upper_edge_hertz")));
}

constexpr OnnxOp kOps[] = {
    {"DFT", 17, 0, dft, "floats, ints, ints", "cos and sin of iotas, contracts"},
    {"STFT", 17, 0, stft, "floats, ints, floats, ints",
     "reindex, mul, cos and sin of iotas, contracts"},
    {"HannWindow", 17, 0, window<ops::Window::hann>, "ints", "iota, cos, sub"},
    {"HammingWindow", 17, 0, window<ops::Window::hamming>, "ints", "iota, cos, sub"},
    {"BlackmanWindow", 17, 0, window<ops::Window::blackman>, "ints", "iota, cos, sub, add"},
    {"MelWeightMatrix", 17, 0, mel_weight_matrix, "ints, ints, ints, floats",
     "iota, exp, floor, where"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_signal;
const OnnxOpGroup onnx_ops_signal{kOps};

}  // namespace mintor
