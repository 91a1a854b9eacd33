// SPDX-License-Identifier: Apache-2.0
// Element-wise ONNX operators: arithmetic, functions, comparisons, logic, bits, selection and
// casts. Those that exporters use on shapes also work on known integers, without nodes.
#include <limits>

#include "compiler/ops/strings.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/random.h"
#include "frontends/onnx/region.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

template <ScalarOp op>
void unary(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::apply(n.builder(), op, {n.in(0)}));
}

// True when both inputs are known and so is the result. Beside a size a short weight is known too.
bool fold(OnnxNode& n, KnownOp op, size_t first = 0, size_t second = 1) {
  const Known *x = n.fraction(first), *y = n.fraction(second);
  std::optional<Known> weight;
  if (x && !y && !x->all_const() && (weight = n.short_weight(second))) y = &*weight;
  if (y && !x && !y->all_const() && (weight = n.short_weight(first))) x = &*weight;
  if (!x || !y) return false;
  // Nothing is divided by an empty size.
  for (const Index& item : y->items) {
    if (op == KnownOp::div || op == KnownOp::mod) need_size(n.state(), item, 1);
  }
  std::optional<Known> result = known_binary(n.state().graph.ranges(), op, *x, *y);
  if (result) n.out(0, std::move(*result));
  return result.has_value();
}

// Before opset 7 the second operand was stretched only where `broadcast` said so, its dimensions
// from `axis` of the first one on.
//   x[2, 3, 4, 5] + y[3, 4], axis 1    y as [3, 4, 1]
Value second_operand(OnnxNode& n) {
  const Value y = n.in(1);
  if (n.opset() >= 7 || n.integer("broadcast", 0) == 0 || !n.has("axis")) return y;
  const auto rank = static_cast<int64_t>(n.shape(0).size()),
             own = static_cast<int64_t>(y.shape().size());
  const int64_t given = n.integer("axis", 0), axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis + own > rank)
    n.fail("axis " + std::to_string(given) + " of values with " + std::to_string(rank) + " and " +
           std::to_string(own) + " dimensions");
  Shape shape = y.shape();
  shape.resize(static_cast<size_t>(rank - axis), 1);
  return n.builder().reshape(y, shape);
}

template <ScalarOp op>
void binary(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out(0, ops::apply(n.builder(), op, {n.in(0), second_operand(n)}));
}

template <ScalarOp op, KnownOp known>
void arithmetic(OnnxNode& n) {
  n.need_inputs(2, 2);
  if ((n.opset() < 7 && n.has("axis")) || !fold(n, known)) binary<op>(n);
}

// Order on bool does not exist in the table; equality of anything does.
template <ScalarOp op, KnownOp known>
void compare(OnnxNode& n) {
  arithmetic<op, known>(n);
  if (op != ScalarOp::eq || !n.known(0) || !n.known(1)) return;
  const auto &x = n.known(0)->items, &y = n.known(1)->items;
  const Value result = n.outputs() > 0 ? n.results()[0].value : Value{};
  if (result && x.size() == 1 && y.size() == 1) n.state().equations[key_of(result)] = {x[0], y[0]};
}

// Of strings, too.
void equal(OnnxNode& n) {
  n.need_inputs(2, 2);
  if (!n.is_strings(0)) return compare<ScalarOp::eq, KnownOp::eq>(n);
  n.out(0, ops::string_equal(n.builder(), n.strings(0), n.strings(1)));
}

// The same for any number of inputs.
bool fold_all(OnnxNode& n, KnownOp op) {
  if (n.inputs() == 2) return fold(n, op);
  std::optional<Known> y;
  for (size_t i = 0; i < n.inputs(); ++i) {
    const Known* x = n.fraction(i);
    if (!x) return false;
    y = i == 0 ? *x : known_binary(n.state().graph.ranges(), op, *y, *x);
    if (!y) return false;
  }
  n.out(0, std::move(*y));
  return true;
}

template <ScalarOp op, KnownOp known>
void variadic(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  if (n.inputs() == 1) return n.out_alias(0, 0);
  if (fold_all(n, known)) return;
  Value y = n.in(0);
  for (size_t i = 1; i < n.inputs(); ++i) y = ops::apply(n.builder(), op, {y, n.in(i)});
  n.out(0, y);
}

void mean(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  Value y = n.in(0);
  for (size_t i = 1; i < n.inputs(); ++i) y = ops::add(n.builder(), y, n.in(i));
  n.out(0, n.inputs() == 1
               ? y
               : ops::div(n.builder(), y,
                          ops::scalar(n.builder(), y.dtype(), static_cast<double>(n.inputs()))));
}

void neg(OnnxNode& n) {
  n.need_inputs(1, 1);
  if (const Known* x = n.known(0); x && !is_float(x->dtype)) {
    std::optional<Known> y =
        known_binary(n.state().graph.ranges(), KnownOp::sub, Known{x->dtype, {}, {0}}, *x);
    if (y) return n.out(0, std::move(*y));
  }
  unary<ScalarOp::neg>(n);
}

// floor, ceil and round of whole numbers that were cast to float.
template <ScalarOp op>
void rounding(OnnxNode& n) {
  n.need_inputs(1, 1);
  if (n.known(0)) return n.out_alias(0, 0);
  // Numbers alone are for the constant folder.
  const Known* x = n.fraction(0);
  if (x && !x->all_const() && op != ScalarOp::round)
    return n.out(0, known_rounded(*x, op == ScalarOp::ceil));
  unary<op>(n);
}

// pow(x, 0.5): as sqrt but for -0, which gives +0, and -infinity, which gives +infinity.
Value square_root(Builder& b, Value x) {
  auto number = [&](double v) { return ops::scalar(b, x.dtype(), v); };
  const double infinity = std::numeric_limits<double>::infinity();
  Value root = ops::apply(b, ScalarOp::sqrt, {ops::add(b, x, number(0))});
  Value lowest = ops::apply(b, ScalarOp::eq, {x, number(-infinity)});
  return ops::where(b, lowest, number(infinity), root);
}

void pow(OnnxNode& n) {
  n.need_inputs(2, 2);
  Builder& b = n.builder();
  Value x = n.in(0), y = second_operand(n);
  const Node* node = y.node;
  if (node->kind == Kind::constant && is_float(x.dtype()) &&
      node->as<ConstantAttr>().value.count() == 1 && y.shape().size() <= x.shape().size()) {
    Scalar s = node->as<ConstantAttr>().value.at(0);
    double exponent = is_float(s.dtype) ? s.f : static_cast<double>(s.i);
    if (exponent == 1) return n.out(0, x);
    if (exponent == 2) return n.out(0, ops::mul(b, x, x));
    if (exponent == 3) return n.out(0, ops::mul(b, ops::mul(b, x, x), x));
    if (exponent == 0.5) return n.out(0, square_root(b, x));
  }
  DType result = x.dtype();
  if (is_int(result) && is_float(y.dtype())) x = b.cast(x, y.dtype());
  n.out(0, b.cast(ops::apply(b, ScalarOp::pow, {x, b.cast(y, x.dtype())}), result));
}

void mod(OnnxNode& n) {
  n.need_inputs(2, 2);
  bool fmod = n.integer("fmod", 0) != 0;
  if (!fmod && fold(n, KnownOp::mod)) return;
  n.out(0, ops::remainder(n.builder(), n.in(0), n.in(1), fmod));
}

void logical_not(OnnxNode& n) {
  n.need_inputs(1, 1);
  if (const Known* x = n.known(0); x && x->all_const()) {
    Known y = *x;
    for (Index& item : y.items) item = item.value() == 0 ? 1 : 0;
    return n.out(0, std::move(y));
  }
  unary<ScalarOp::not_>(n);
}

void bit_shift(OnnxNode& n) {
  n.need_inputs(2, 2);
  std::string direction = n.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    n.fail("direction '" + printable(direction) + "' is neither LEFT nor RIGHT");
  n.out(0, ops::apply(n.builder(), direction == "LEFT" ? ScalarOp::shl : ScalarOp::shr,
                      {n.in(0), n.in(1)}));
}

void is_inf(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, ops::is_inf(n.builder(), n.in(0), n.integer("detect_positive", 1) != 0,
                       n.integer("detect_negative", 1) != 0));
}

void where(OnnxNode& n) {
  n.need_inputs(3, 3);
  const Known *c = n.known(0), *x = n.known(1), *y = n.known(2);
  if (c && x && y) {
    if (std::optional<Known> result = known_where(*c, *x, *y)) return n.out(0, std::move(*result));
  }
  n.out(0, ops::where(n.builder(), n.in(0), n.in(1), n.in(2)));
}

// A known value between known bounds.
bool clip_known(OnnxNode& n) {
  const Known* x = n.known(0);
  if (!x || is_float(x->dtype)) return false;
  std::optional<Known> y = *x;
  for (size_t i : {size_t{1}, size_t{2}}) {
    if (!n.given(i)) continue;
    const Known* bound = n.known(i);
    if (!bound || bound->items.size() != 1) return false;
    y = known_binary(n.state().graph.ranges(), i == 1 ? KnownOp::max : KnownOp::min, *y,
                     Known{bound->dtype, {}, bound->items});
    if (!y) return false;
  }
  n.out(0, std::move(*y));
  return true;
}

// Bounds were attributes before opset 11; absent means none.
void clip(OnnxNode& n) {
  n.need_inputs(1, n.opset() < 11 ? 1 : 3);
  if (n.opset() >= 11 && clip_known(n)) return;
  Builder& b = n.builder();
  Value x = n.in(0), lo, hi;
  if (n.opset() < 11) {
    if (n.has("min")) lo = ops::scalar(b, x.dtype(), n.real("min", 0));
    if (n.has("max")) hi = ops::scalar(b, x.dtype(), n.real("max", 0));
  } else {
    lo = n.optional_in(1);
    hi = n.optional_in(2);
    for (Value* bound : {&lo, &hi}) {
      if (*bound && bound->shape().size() == 1 && bound->shape()[0].is_const(1))
        *bound = b.reshape(*bound, {});
    }
  }
  n.out(0, ops::clip(b, x, lo, hi));
}

// From or to an element type of fewer bits than the Graph has dtypes for.
bool cast_small(OnnxNode& n, int64_t to) {
  const SmallType *from = find_small_type(n.element(0)), *type = find_small_type(to);
  if (!from && !type) return false;
  Builder& b = n.builder();
  Value x = n.stored(0);
  if (from) x = number_of(b, x, *from);
  if (!type) {
    n.out(0, b.cast(x, dtype_from_onnx(to, n.op())));
  } else {
    n.out_stored(0,
                 small_of(b, x, *type, n.integer("saturate", 1) != 0, n.text("round_mode", "up")),
                 type->element);
  }
  return true;
}

void cast_to(OnnxNode& n, DType dtype) {
  // Fractions alone are for the constant folder.
  const Known* x = n.fraction(0);
  if (x && (x->denominator == 1 || !x->all_const())) {
    std::optional<Known> y = known_cast(n.state().graph.ranges(), *x, dtype);
    if (y) return n.out(0, std::move(*y));
  }
  n.out(0, ops::cast(n.builder(), n.in(0), dtype));
}

void cast(OnnxNode& n) {
  n.need_inputs(1, 1);
  if (!n.has("to")) n.fail("has no attribute 'to'");
  int64_t to = 0;
  if (n.opset() < 6) {  // its name
    onnx::TensorProto::DataType named;
    const std::string name = n.text("to", "");
    if (!onnx::TensorProto::DataType_Parse(name, &named))
      n.fail("to '" + printable(name) + "' is no element type");
    to = named;
  } else {
    to = n.integer("to", 0);
  }
  if (!cast_small(n, to)) cast_to(n, dtype_from_onnx(to, "Cast"));
}

void cast_like(OnnxNode& n) {
  n.need_inputs(2, 2);
  if (n.element(0) == 0 && n.element(1) == 0) return cast_to(n, n.dtype(1));
  if (n.element(1) != 0) {
    cast_small(n, n.element(1));
  } else {
    const Value x = n.stored(0);  // throws where they are strings
    const Value number = number_of(n.builder(), x, *find_small_type(n.element(0)));
    n.out(0, n.builder().cast(number, n.dtype(1)));
  }
}

void identity(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out_alias(0, 0);
}

// Training: elements stay with the probability 1 - ratio and are scaled by 1 / (1 - ratio).
// `training` is a bool[] where a run decides; null: it is.
void dropout_training(OnnxNode& n, Value training) {
  Builder& b = n.builder();
  const Value x = n.in(0),
              wide = is_float(x.dtype()) && size_of(x.dtype()) < 4 ? b.cast(x, DType::f32) : x;
  Value ratio = n.given(1) ? b.cast(single(n, b, n.in(1), "the ratio"), wide.dtype())
                           : ops::scalar(b, wide.dtype(), 0.5);
  if (training)
    ratio = b.apply(ScalarOp::where, {single(n, b, training, "training_mode"), ratio,
                                      ops::scalar(b, wide.dtype(), 0)});
  const Value draw = b.cast(random_values(n, "uniform", x.shape()), wide.dtype());
  const Value stays = ops::apply(b, ScalarOp::ge, {draw, ratio});
  const Value scale = ops::div(b, ops::scalar(b, wide.dtype(), 1),
                               ops::sub(b, ops::scalar(b, wide.dtype(), 1), ratio));
  const Value kept =
      ops::where(b, stays, ops::mul(b, wide, scale), ops::scalar(b, wide.dtype(), 0));
  n.out(0, b.cast(kept, x.dtype()));
  n.out(1, stays);
}

// Inference: the identity, and a mask of ones for whoever asks.
void dropout(OnnxNode& n) {
  n.need_inputs(1, 3);
  const bool asks = n.given(2) && !(n.known(2) && n.known(2)->items.size() == 1);
  if (asks) return dropout_training(n, n.in(2));
  if (n.given(2) && n.number(2, "training_mode") != 0) return dropout_training(n, {});
  if (n.opset() < 7 && n.integer("is_test", 0) == 0) n.fail("is_test = 0 is not supported");
  n.out_alias(0, 0);
  if (n.wants(1))
    n.out(1, n.builder().broadcast_to(n.builder().constant_int(DType::boolean, 1), n.shape(0)));
}

constexpr OnnxOp kOps[] = {
    {"Add", 1, 0, arithmetic<ScalarOp::add, KnownOp::add>, "floats ints", "add"},
    {"Sub", 1, 0, arithmetic<ScalarOp::sub, KnownOp::sub>, "floats ints", "sub"},
    {"Mul", 1, 0, arithmetic<ScalarOp::mul, KnownOp::mul>, "floats ints", "mul"},
    {"Div", 1, 0, arithmetic<ScalarOp::div, KnownOp::div>, "floats ints", "div"},
    {"Mod", 10, 0, mod, "floats ints", "mod, or fmod with fmod = 1"},
    {"Pow", 1, 0, pow, "floats ints",
     "pow; mul, or sqrt and where, for constant exponents 1, 2, 3, 0.5"},
    {"Min", 1, 0, variadic<ScalarOp::min, KnownOp::min>, "floats ints", "min"},
    {"Max", 1, 0, variadic<ScalarOp::max, KnownOp::max>, "floats ints", "max"},
    {"Sum", 1, 0, variadic<ScalarOp::add, KnownOp::add>, "floats ints", "add"},
    {"Mean", 1, 0, mean, "floats ints", "add, div"},
    {"Neg", 1, 0, neg, "floats ints", "neg"},
    {"Abs", 1, 0, unary<ScalarOp::abs>, "floats ints", "abs"},
    {"Sign", 9, 0, unary<ScalarOp::sign>, "floats ints", "sign"},
    {"Reciprocal", 1, 0, unary<ScalarOp::reciprocal>, "floats", "reciprocal"},
    {"Sqrt", 1, 0, unary<ScalarOp::sqrt>, "floats", "sqrt"},
    {"Exp", 1, 0, unary<ScalarOp::exp>, "floats", "exp"},
    {"Log", 1, 0, unary<ScalarOp::log>, "floats", "log"},
    {"Floor", 1, 0, rounding<ScalarOp::floor>, "floats", "floor"},
    {"Ceil", 1, 0, rounding<ScalarOp::ceil>, "floats", "ceil"},
    {"Round", 11, 0, rounding<ScalarOp::round>, "floats", "round (half to even)"},
    {"Sin", 7, 0, unary<ScalarOp::sin>, "floats", "sin"},
    {"Cos", 7, 0, unary<ScalarOp::cos>, "floats", "cos"},
    {"Tan", 7, 0, unary<ScalarOp::tan>, "f16 bf16 f32", "tan"},
    {"Asin", 7, 0, unary<ScalarOp::asin>, "f16 bf16 f32", "asin"},
    {"Acos", 7, 0, unary<ScalarOp::acos>, "f16 bf16 f32", "acos"},
    {"Atan", 7, 0, unary<ScalarOp::atan>, "f16 bf16 f32", "atan"},
    {"Sinh", 9, 0, unary<ScalarOp::sinh>, "f16 bf16 f32", "sinh"},
    {"Cosh", 9, 0, unary<ScalarOp::cosh>, "f16 bf16 f32", "cosh"},
    {"Tanh", 1, 0, unary<ScalarOp::tanh>, "floats", "tanh"},
    {"Asinh", 9, 0, unary<ScalarOp::asinh>, "f16 bf16 f32", "asinh"},
    {"Acosh", 9, 0, unary<ScalarOp::acosh>, "f16 bf16 f32", "acosh"},
    {"Atanh", 9, 0, unary<ScalarOp::atanh>, "f16 bf16 f32", "atanh"},
    {"Erf", 9, 0, unary<ScalarOp::erf>, "floats", "erf"},
    {"IsNaN", 9, 0, unary<ScalarOp::is_nan>, "floats", "is_nan"},
    {"IsInf", 10, 0, is_inf, "floats", "is_inf, or eq for one sign"},
    {"Equal", 1, 0, equal, "floats ints bool strings", "eq; of strings: eq, reduce and"},
    {"Less", 1, 0, compare<ScalarOp::lt, KnownOp::lt>, "floats ints", "lt"},
    {"LessOrEqual", 12, 0, compare<ScalarOp::le, KnownOp::le>, "floats ints", "le"},
    {"Greater", 1, 0, compare<ScalarOp::gt, KnownOp::gt>, "floats ints", "gt"},
    {"GreaterOrEqual", 12, 0, compare<ScalarOp::ge, KnownOp::ge>, "floats ints", "ge"},
    {"And", 1, 0, arithmetic<ScalarOp::and_, KnownOp::and_>, "bool", "and"},
    {"Or", 1, 0, arithmetic<ScalarOp::or_, KnownOp::or_>, "bool", "or"},
    {"Xor", 1, 0, binary<ScalarOp::xor_>, "bool", "xor"},
    {"Not", 1, 0, logical_not, "bool", "not"},
    {"BitwiseAnd", 18, 0, binary<ScalarOp::bit_and>, "ints", "bit_and"},
    {"BitwiseOr", 18, 0, binary<ScalarOp::bit_or>, "ints", "bit_or"},
    {"BitwiseXor", 18, 0, binary<ScalarOp::bit_xor>, "ints", "bit_xor"},
    {"BitwiseNot", 18, 0, unary<ScalarOp::bit_not>, "ints", "bit_not"},
    {"BitShift", 11, 0, bit_shift, "ints", "shl or shr"},
    {"Where", 9, 0, where, "bool, any", "where", true},
    {"Clip", 1, 0, clip, "floats ints", "clamp, or min or max for one bound"},
    {"Cast", 1, 0, cast, "floats ints bool small", "cast"},
    {"CastLike", 15, 0, cast_like, "floats ints bool small", "cast"},
    {"Identity", 1, 0, identity, "any", "nothing"},
    {"Dropout", 1, 0, dropout, "any, floats, bool", "nothing (inference)"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_elementwise;
const OnnxOpGroup onnx_ops_elementwise{kOps};

}  // namespace mintor
