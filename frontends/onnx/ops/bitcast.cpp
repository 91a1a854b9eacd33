// SPDX-License-Identifier: Apache-2.0
// ONNX BitCast: the same bits as another element type of the same width. A float's NaN becomes the
// one NaN that docs/numerics.md names.
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/small_types.h"

namespace mintor {

namespace {

void bitcast(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  Value x = n.stored(0);
  const int64_t to = n.integer("to", 0);
  const SmallType *from = find_small_type(n.element(0)), *type = find_small_type(to);
  const DType dtype = storage_dtype(to, "BitCast");
  const int64_t have = from ? from->bits : size_of(x.dtype()) * 8,
                want = type ? type->bits : size_of(dtype) * 8;
  if (have != want)
    n.fail("an element of " + std::to_string(have) + " bits cannot be one of " +
           std::to_string(want));
  if (x.dtype() == DType::boolean) x = b.cast(x, DType::u8);  // false and true are 0 and 1
  if (want < 8) {
    const int64_t half = int64_t{1} << (want - 1), mask = 2 * half - 1;
    const auto number = [&](int64_t v) {
      return ops::scalar(b, DType::i32, static_cast<double>(v));
    };
    Value low = ops::apply(b, ScalarOp::bit_and, {b.cast(x, DType::i32), number(mask)});
    if (dtype == DType::i8)
      low = ops::sub(b, ops::apply(b, ScalarOp::bit_xor, {low, number(half)}), number(half));
    return n.out_stored(0, b.cast(low, dtype), stored_element(to));
  }
  x = dtype == DType::boolean ? b.cast(x, dtype) : dtype == x.dtype() ? x : b.bitcast(x, dtype);
  n.out_stored(0, x, stored_element(to));
}

constexpr OnnxOp kOps[] = {
    {"BitCast", 26, 0, bitcast, "floats ints bool small", "bitcast"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_bitcast;
const OnnxOpGroup onnx_ops_bitcast{kOps};

}  // namespace mintor
