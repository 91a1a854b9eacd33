// SPDX-License-Identifier: Apache-2.0
// Conversions of 8- and 4-bit floats (ops/small_float.h): a table of all codes one way, arithmetic
// on the bits of an f64, which holds every source exactly, the other.
// Keeps true: decode and encode are inverses on every number of a format.
#include "compiler/ops/small_float.h"

#include <cmath>
#include <limits>

#include "compiler/ops/library/common.h"

namespace mintor::ops {

namespace {

constexpr int kBiasF64 = 1023, kMantissaF64 = 52;

double value_of(const SmallFloat& f, int64_t code) {
  const int64_t sign_bit = f.has_sign ? int64_t{1} << (f.bits - 1) : int64_t{1} << f.bits;
  const int64_t magnitude = code & (sign_bit - 1);
  if (code == f.nan) return std::numeric_limits<double>::quiet_NaN();
  if (f.has_sign && f.has_minus_zero) {
    if (f.nan >= 0 && f.infinity < 0 && magnitude == f.nan)
      return std::numeric_limits<double>::quiet_NaN();
    if (f.infinity >= 0 && magnitude > f.infinity) return std::numeric_limits<double>::quiet_NaN();
  }
  const double sign = (code & sign_bit) != 0 ? -1 : 1;
  if (f.infinity >= 0 && magnitude == f.infinity)
    return sign * std::numeric_limits<double>::infinity();
  const int64_t exponent = magnitude >> f.mantissa,
                fraction = magnitude & ((int64_t{1} << f.mantissa) - 1);
  if (!f.has_sign) return std::ldexp(1.0, static_cast<int>(exponent) - f.bias);
  const int64_t whole = exponent == 0 ? fraction : fraction + (int64_t{1} << f.mantissa);
  const int shift = static_cast<int>(std::max<int64_t>(exponent, 1)) - f.bias - f.mantissa;
  return sign * std::ldexp(static_cast<double>(whole), shift);
}

// i64 arithmetic on values of one shape.
struct Codes {
  Builder& b;
  Shape shape;
  Value number(int64_t v) const { return b.broadcast(b.constant_int(DType::i64, v), shape, {}); }
  Value real(double v) const { return b.broadcast(b.constant(DType::f64, v), shape, {}); }
  Value apply(ScalarOp op, Value x, Value y) const { return b.apply(op, {x, y}); }
  Value pick(Value condition, Value x, Value y) const {
    return b.apply(ScalarOp::where, {condition, x, y});
  }
};

}  // namespace

Value decode_small(Builder& b, Value bits, const SmallFloat& format) {
  OpScope scope(b, "decode_small");
  const int64_t count = int64_t{1} << format.bits;
  std::vector<float> table;
  for (int64_t code = 0; code < count; ++code)
    table.push_back(static_cast<float>(value_of(format, code)));
  const Value codes = b.constant(Tensor::copy_of(DType::f32, {count}, table.data()));
  return b.gather(codes, bits, 0);
}

Value encode_small(Builder& b, Value x, const SmallFloat& f, bool saturate) {
  OpScope scope(b, "encode_small");
  const Codes c{b, x.shape()};
  const int lowest = 1 - f.bias;  // exponent of subnormals and of the smallest normal numbers
  const Value wide = b.cast(x, DType::f64);
  // Beyond 2^20 every format has ended.
  const Value size = c.apply(ScalarOp::min, b.apply(ScalarOp::abs, {wide}), c.real(0x1p20));
  const Value biased = c.apply(ScalarOp::shr, b.bitcast(size, DType::i64), c.number(kMantissaF64));
  const Value exponent =
      c.apply(ScalarOp::max, c.apply(ScalarOp::sub, biased, c.number(kBiasF64)), c.number(lowest));
  // size in units of the last place: size * 2^(mantissa - exponent).
  const Value power = c.apply(ScalarOp::sub, c.number(kBiasF64 + f.mantissa), exponent);
  const Value scale = b.bitcast(c.apply(ScalarOp::shl, power, c.number(kMantissaF64)), DType::f64);
  const Value units =
      b.cast(b.apply(ScalarOp::round, {c.apply(ScalarOp::mul, size, scale)}), DType::i64);
  const Value steps = c.apply(ScalarOp::shl, c.apply(ScalarOp::sub, exponent, c.number(lowest)),
                              c.number(f.mantissa));
  Value code = c.apply(ScalarOp::add, steps, units);
  const Value over = c.apply(ScalarOp::gt, code, c.number(f.largest));
  const bool keeps = saturate || (f.infinity < 0 && f.nan < 0);
  if (keeps) code = c.pick(over, c.number(f.largest), code);
  if (!keeps && f.infinity >= 0) code = c.pick(over, c.number(f.infinity), code);
  Value negative = b.apply(ScalarOp::signbit, {wide});
  if (!f.has_minus_zero)
    negative = c.apply(ScalarOp::and_, negative, c.apply(ScalarOp::ne, code, c.number(0)));
  const Value sign = c.number(int64_t{1} << (f.bits - 1));
  code = c.pick(negative, c.apply(ScalarOp::add, code, sign), code);
  Value none = b.apply(ScalarOp::is_nan, {wide});
  if (!keeps && f.infinity < 0) none = c.apply(ScalarOp::or_, none, over);
  // Without a NaN its place is taken by minus zero.
  code = c.pick(none, c.number(f.nan >= 0 ? f.nan : int64_t{1} << (f.bits - 1)), code);
  return b.cast(code, DType::u8);
}

Value encode_exponent(Builder& b, Value x, bool saturate, std::string_view rounding) {
  OpScope scope(b, "encode_exponent");
  const Codes c{b, x.shape()};
  constexpr int kMantissa = 23;
  const Value bits = b.cast(b.bitcast(b.cast(x, DType::f32), DType::i32), DType::i64);
  const auto part = [&](int shift, int64_t mask) {
    return c.apply(ScalarOp::bit_and, c.apply(ScalarOp::shr, bits, c.number(shift)),
                   c.number(mask));
  };
  const Value exponent = part(kMantissa, 0xFF), fraction = part(0, 0x7FFFFF);
  Value up;
  if (rounding == "down") {
    up = c.apply(ScalarOp::lt, fraction, c.number(0));  // never
  } else if (rounding == "up") {
    up = c.apply(ScalarOp::gt, fraction, c.number(0));
  } else if (rounding == "nearest") {  // a half goes up, but for the smallest power
    const Value half = c.apply(ScalarOp::ge, fraction, c.number(0x400000));
    const Value more = c.apply(ScalarOp::gt, fraction, c.number(0x400000));
    const Value above = c.apply(ScalarOp::gt, exponent, c.number(0));
    up = c.apply(ScalarOp::and_, half, c.apply(ScalarOp::or_, more, above));
  } else {
    fail("encode_exponent",
         "rounding '" + std::string(rounding) + "' is none of up, down, nearest");
  }
  Value code = c.apply(ScalarOp::add, exponent, b.cast(up, DType::i64));
  if (saturate) code = c.apply(ScalarOp::min, code, c.number(kE8M0.largest));
  const Value special = c.apply(ScalarOp::eq, exponent, c.number(0xFF));
  return b.cast(c.pick(special, c.number(kE8M0.nan), code), DType::u8);
}

}  // namespace mintor::ops
