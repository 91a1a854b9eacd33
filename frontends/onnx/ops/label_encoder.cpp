// SPDX-License-Identifier: Apache-2.0
// ONNX LabelEncoder (ai.onnx.ml): what a list has at the place where another list has x.
//   y = values[first k with keys[k] == x], or the default behind them
// Takes lists of numbers or strings that are attributes; gives comparisons with all keys and one
// gather. Keeps true: NaN is found where a key is NaN.
#include "compiler/ops/strings.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

struct List {
  Value items;  // [k], of strings [k, width]
  bool strings = false;
};

List of_tensor(OnnxNode& n, const onnx::AttributeProto& attribute) {
  if (!attribute.has_t())
    n.fail("attribute '" + printable(attribute.name()) + "' must be a tensor");
  const bool strings = attribute.t().data_type() == kStringElement;
  const Value items = n.builder().constant(tensor_from_proto(n.state(), attribute.t()));
  if (items.shape().size() != (strings ? 2u : 1u))
    n.fail("attribute '" + printable(attribute.name()) + "' must have one dimension");
  return {items, strings};
}

Value floats(Builder& b, const std::vector<double>& values) {
  const std::vector<float> items(values.begin(), values.end());
  return b.constant(
      Tensor::copy_of(DType::f32, {static_cast<int64_t>(items.size())}, items.data()));
}

// The list whose attributes begin with `name`: keys or values.
List list_of(OnnxNode& n, const std::string& name) {
  Builder& b = n.builder();
  if (const onnx::AttributeProto* tensor = n.attribute(name + "_tensor"))
    return of_tensor(n, *tensor);
  if (n.has(name + "_strings"))
    return {b.constant(string_constant(n.state(), n.texts(name + "_strings"))), true};
  if (n.has(name + "_int64s")) return {b.constant_i64(n.integers(name + "_int64s"))};
  if (n.has(name + "_floats")) return {floats(b, n.reals(name + "_floats"))};
  n.fail("has no " + name);
}

// What it gives for all that is no key, as a list of one.
List default_of(OnnxNode& n, const List& values) {
  Builder& b = n.builder();
  if (const onnx::AttributeProto* tensor = n.attribute("default_tensor"))
    return of_tensor(n, *tensor);
  if (values.strings)
    return {
        b.constant(string_constant(n.state(), std::vector{n.text("default_string", "_Unused")})),
        true};
  const DType dtype = values.items.dtype();
  const Value one = is_float(dtype) ? floats(b, {n.real("default_float", -0.0)})
                                    : b.constant_i64({n.integer("default_int64", -1)});
  return {b.cast(one, dtype)};
}

// The place of the first key that is equal; behind the last one where none is.
Value place_of(OnnxNode& n, const List& keys) {
  Builder& b = n.builder();
  if (keys.strings) return ops::find_string(b, n.strings(0), keys.items);
  const int64_t last[] = {-1};
  const Value x = ops::unsqueeze(b, n.in(0), last);
  if (x.dtype() != keys.items.dtype())
    n.fail("keys are " + to_string(keys.items.type()) + ", x is " + to_string(n.in(0).type()));
  Value equal = ops::apply(b, ScalarOp::eq, {x, keys.items});
  if (is_float(x.dtype())) {
    const Value none =
        ops::apply(b, ScalarOp::and_, {ops::is_nan(b, x), ops::is_nan(b, keys.items)});
    equal = ops::apply(b, ScalarOp::or_, {equal, none});
  }
  const Value count = b.cast(b.size(keys.items.shape()[0]), DType::i64);
  const int dim = static_cast<int>(equal.shape().size()) - 1;
  const Value place = ops::where(b, equal, b.iota(DType::i64, equal.shape(), dim), count);
  const Value first = ops::reduce(b, ops::Reduction::min, place, last, false);
  return ops::apply(b, ScalarOp::min, {first, count});
}

void label_encoder(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  const List keys = list_of(n, "keys"), values = list_of(n, "values"),
             other = default_of(n, values);
  if (keys.items.shape()[0] != values.items.shape()[0])
    n.fail("has " + keys.items.shape()[0].str() + " keys and " + values.items.shape()[0].str() +
           " values");
  if (other.items.dtype() != values.items.dtype() || other.strings != values.strings ||
      !other.items.shape()[0].is_const(1))
    n.fail("the default is " + to_string(other.items.type()) + ", values are " +
           to_string(values.items.type()));
  Value rows[] = {values.items, other.items};
  if (values.strings) {
    const Index width = max(rows[0].shape()[1], rows[1].shape()[1]);
    for (Value& row : rows) row = ops::widened(b, row, width);
  }
  const Value y = ops::take(b, n.state().folded(b.concat(rows, 0)), place_of(n, keys), 0);
  values.strings ? n.out_strings(0, y) : n.out(0, y);
}

constexpr OnnxOp kOps[] = {
    {"ai.onnx.ml.LabelEncoder", 2, 0, label_encoder, "f32 f64 i16 i32 i64 strings",
     "eq, reduce min, reindex with a load"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_label_encoder;
const OnnxOpGroup onnx_ops_label_encoder{kOps};

}  // namespace mintor
