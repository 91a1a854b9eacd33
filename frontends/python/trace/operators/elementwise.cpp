// SPDX-License-Identifier: Apache-2.0
// Element-wise operators with NumPy's broadcasting and the array API's promotion. Takes operands of
// any dtypes; gives values of their common one. Keeps true: integers never become floats but where
// the function has no meaning for them.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

template <ScalarOp op>
Values unary(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::apply(g.builder(), op, {x[0]})};
}

template <ScalarOp op>
Values unary_float(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::apply(g.builder(), op, {as_float(g.builder(), x[0])})};
}

template <Value (*function)(Builder&, Value)>
Values library_float(SegmentGraph& g, Operands x, AttributeReader&) {
  return {function(g.builder(), as_float(g.builder(), x[0]))};
}

template <ScalarOp op>
Values binary(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::apply(g.builder(), op, {left, right})};
}

// Of bool: add is or, mul and min are and, as in NumPy.
template <ScalarOp op, ScalarOp logical>
Values binary_or_logical(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  const bool of_bool = left.dtype() == DType::boolean;
  return {ops::apply(g.builder(), of_bool ? logical : op, {left, right})};
}

// false < true.
template <ScalarOp op>
Values ordering(SegmentGraph& g, Operands x, AttributeReader&) {
  Builder& b = g.builder();
  auto [left, right] = promoted(b, x[0], x[1]);
  if (left.dtype() == DType::boolean) {
    left = ops::cast(b, left, DType::u8);
    right = ops::cast(b, right, DType::u8);
  }
  return {ops::apply(b, op, {left, right})};
}

// Integers and bits of bool alike.
template <ScalarOp of_ints, ScalarOp of_bool>
Values bitwise(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {
      ops::apply(g.builder(), left.dtype() == DType::boolean ? of_bool : of_ints, {left, right})};
}

template <ScalarOp op>
Values logic(SegmentGraph& g, Operands x, AttributeReader&) {
  Builder& b = g.builder();
  return {
      ops::apply(b, op, {ops::cast(b, x[0], DType::boolean), ops::cast(b, x[1], DType::boolean)})};
}

Values divide(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::div(g.builder(), as_float(g.builder(), left), as_float(g.builder(), right))};
}

Values float_binary_pow(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::apply(g.builder(), ScalarOp::pow, {left, right})};
}

// x ** n with a whole number n that the program says: by multiplication.
Values integer_power(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  Builder& b = g.builder();
  const int64_t exponent = attributes.integer();
  Value power = x[0];
  for (int64_t i = 1; i < exponent; ++i) power = ops::mul(b, power, x[0]);
  return {power};
}

Values floor_divide(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::apply(g.builder(), ScalarOp::floordiv, {left, right})};
}

Values remainder(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::remainder(g.builder(), left, right, false)};
}

Values truncated_remainder(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [left, right] = promoted(g.builder(), x[0], x[1]);
  return {ops::remainder(g.builder(), left, right, true)};
}

Values negative(SegmentGraph& g, Operands x, AttributeReader&) {
  if (x[0].dtype() == DType::boolean) {
    throw CompileError("negative", "bool has no negative", "", "use logical_not, or cast first");
  }
  return {ops::apply(g.builder(), ScalarOp::neg, {x[0]})};
}

Values absolute(SegmentGraph& g, Operands x, AttributeReader&) {
  if (x[0].dtype() == DType::boolean || is_unsigned_int(x[0].dtype())) return {x[0]};
  return {ops::apply(g.builder(), ScalarOp::abs, {x[0]})};
}

Values sign(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::sign(g.builder(), x[0])};
}

// Rounding leaves integers as they are.
template <ScalarOp op>
Values rounding(SegmentGraph& g, Operands x, AttributeReader&) {
  if (!is_float(x[0].dtype())) return {x[0]};
  return {ops::apply(g.builder(), op, {x[0]})};
}

template <ScalarOp op>
Values float_test(SegmentGraph& g, Operands x, AttributeReader&) {
  Builder& b = g.builder();
  if (is_float(x[0].dtype())) return {ops::apply(b, op, {x[0]})};
  return {b.full(DType::boolean, x[0].shape(), op == ScalarOp::is_finite ? 1 : 0)};
}

Values invert(SegmentGraph& g, Operands x, AttributeReader&) {
  Builder& b = g.builder();
  if (x[0].dtype() == DType::boolean) return {ops::logical_not(b, x[0])};
  if (is_float(x[0].dtype())) {
    throw CompileError("bitwise_invert",
                       "of " + std::string(name_of(x[0].dtype())) + ", expected integers or bool");
  }
  return {ops::sub(b, ops::apply(b, ScalarOp::neg, {x[0]}), b.constant_int(x[0].dtype(), 1))};
}

Values logical_not(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::logical_not(g.builder(), ops::cast(g.builder(), x[0], DType::boolean))};
}

Values where(SegmentGraph& g, Operands x, AttributeReader&) {
  Builder& b = g.builder();
  const auto [left, right] = promoted(b, x[1], x[2]);
  return {ops::where(b, ops::cast(b, x[0], DType::boolean), left, right)};
}

Values cast(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::cast(g.builder(), x[0], dtype_attribute(attributes))};
}

Values same(SegmentGraph&, Operands x, AttributeReader&) { return {x[0]}; }

Values square(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::mul(g.builder(), x[0], x[0])};
}

Values gelu(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::gelu(g.builder(), as_float(g.builder(), x[0]), attributes.flag())};
}

Values leaky_relu(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::leaky_relu(g.builder(), as_float(g.builder(), x[0]), attributes.number())};
}

Values elu(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::elu(g.builder(), as_float(g.builder(), x[0]), attributes.number())};
}

// Operands: x, slope, which broadcasts to x.
Values prelu(SegmentGraph& g, Operands x, AttributeReader&) {
  const auto [value, slope] = promoted(g.builder(), as_float(g.builder(), x[0]), x[1]);
  return {ops::prelu(g.builder(), value, slope)};
}

Values celu(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  return {ops::celu(g.builder(), as_float(g.builder(), x[0]), attributes.number())};
}

Values selu(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::selu(g.builder(), as_float(g.builder(), x[0]), 1.6732632423543772848170429916717,
                    1.0507009873554804934193349852946)};
}

Values hard_sigmoid(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::hard_sigmoid(g.builder(), as_float(g.builder(), x[0]), 1.0 / 6, 0.5)};
}

// Attributes: lambda, and what moves towards 0 beyond it.
Values shrink(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const double lambda = attributes.number();
  return {ops::shrink(g.builder(), as_float(g.builder(), x[0]), lambda, attributes.number())};
}

Values relu(SegmentGraph& g, Operands x, AttributeReader&) {
  return {ops::relu(g.builder(), x[0])};
}

constexpr TracedOperator kOperators[] = {
    {"add", 2, binary_or_logical<ScalarOp::add, ScalarOp::or_>},
    {"subtract", 2, binary<ScalarOp::sub>},
    {"multiply", 2, binary_or_logical<ScalarOp::mul, ScalarOp::and_>},
    {"divide", 2, divide},
    {"floor_divide", 2, floor_divide},
    {"remainder", 2, remainder},
    {"fmod", 2, truncated_remainder},
    {"pow", 2, float_binary_pow},
    {"integer_power", 1, integer_power},
    {"maximum", 2, binary_or_logical<ScalarOp::max, ScalarOp::or_>},
    {"minimum", 2, binary_or_logical<ScalarOp::min, ScalarOp::and_>},
    {"atan2", 2, binary<ScalarOp::atan2>},
    {"hypot", 2, binary<ScalarOp::hypot>},
    {"copysign", 2, binary<ScalarOp::copysign>},
    {"equal", 2, binary<ScalarOp::eq>},
    {"not_equal", 2, binary<ScalarOp::ne>},
    {"less", 2, ordering<ScalarOp::lt>},
    {"less_equal", 2, ordering<ScalarOp::le>},
    {"greater", 2, ordering<ScalarOp::gt>},
    {"greater_equal", 2, ordering<ScalarOp::ge>},
    {"bitwise_and", 2, bitwise<ScalarOp::bit_and, ScalarOp::and_>},
    {"bitwise_or", 2, bitwise<ScalarOp::bit_or, ScalarOp::or_>},
    {"bitwise_xor", 2, bitwise<ScalarOp::bit_xor, ScalarOp::xor_>},
    {"bitwise_left_shift", 2, binary<ScalarOp::shl>},
    {"bitwise_right_shift", 2, binary<ScalarOp::shr>},
    {"logical_and", 2, logic<ScalarOp::and_>},
    {"logical_or", 2, logic<ScalarOp::or_>},
    {"logical_xor", 2, logic<ScalarOp::xor_>},
    {"logical_not", 1, logical_not},
    {"bitwise_invert", 1, invert},
    {"where", 3, where, 1},
    {"negative", 1, negative},
    {"positive", 1, same},
    {"abs", 1, absolute},
    {"sign", 1, sign},
    {"square", 1, square},
    {"floor", 1, rounding<ScalarOp::floor>},
    {"ceil", 1, rounding<ScalarOp::ceil>},
    {"trunc", 1, rounding<ScalarOp::trunc>},
    {"round", 1, rounding<ScalarOp::round>},
    {"sqrt", 1, unary_float<ScalarOp::sqrt>},
    {"rsqrt", 1, unary_float<ScalarOp::rsqrt>},
    {"reciprocal", 1, unary_float<ScalarOp::reciprocal>},
    {"exp", 1, unary_float<ScalarOp::exp>},
    {"exp2", 1, unary_float<ScalarOp::exp2>},
    {"expm1", 1, unary_float<ScalarOp::expm1>},
    {"log", 1, unary_float<ScalarOp::log>},
    {"log2", 1, unary_float<ScalarOp::log2>},
    {"log10", 1, unary_float<ScalarOp::log10>},
    {"log1p", 1, unary_float<ScalarOp::log1p>},
    {"sin", 1, unary_float<ScalarOp::sin>},
    {"cos", 1, unary_float<ScalarOp::cos>},
    {"tan", 1, unary_float<ScalarOp::tan>},
    {"asin", 1, unary_float<ScalarOp::asin>},
    {"acos", 1, unary_float<ScalarOp::acos>},
    {"atan", 1, unary_float<ScalarOp::atan>},
    {"sinh", 1, unary_float<ScalarOp::sinh>},
    {"cosh", 1, unary_float<ScalarOp::cosh>},
    {"tanh", 1, unary_float<ScalarOp::tanh>},
    {"asinh", 1, unary_float<ScalarOp::asinh>},
    {"acosh", 1, unary_float<ScalarOp::acosh>},
    {"atanh", 1, unary_float<ScalarOp::atanh>},
    {"erf", 1, unary_float<ScalarOp::erf>},
    {"isnan", 1, float_test<ScalarOp::is_nan>},
    {"isinf", 1, float_test<ScalarOp::is_inf>},
    {"isfinite", 1, float_test<ScalarOp::is_finite>},
    {"signbit", 1, unary<ScalarOp::signbit>},
    {"relu", 1, relu},
    {"sigmoid", 1, library_float<ops::sigmoid>},
    {"silu", 1, library_float<ops::silu>},
    {"mish", 1, library_float<ops::mish>},
    {"softplus", 1, library_float<ops::softplus>},
    {"softsign", 1, library_float<ops::softsign>},
    {"gelu", 1, gelu},
    {"leaky_relu", 1, leaky_relu},
    {"elu", 1, elu},
    {"prelu", 2, prelu},
    {"celu", 1, celu},
    {"selu", 1, selu},
    {"hard_sigmoid", 1, hard_sigmoid},
    {"hard_swish", 1, library_float<ops::hard_swish>},
    {"shrink", 1, shrink},
    {"cast", 1, cast},
    {.name = "detach", .operands = 1, .build = same, .flow = Flow::stops},
};

}  // namespace

}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_elementwise = {trace::kOperators};
}
