// SPDX-License-Identifier: Apache-2.0
// Numbers of the text forms, written with std::to_chars and read with std::from_chars. See
// text_scalar.h. Keeps true: read_scalar(print_scalar(x)) has the bits of x, NaN payloads and -0
// included.
#include "compiler/ir/text_scalar.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace mintor {

namespace {

uint64_t bits_of(const Scalar& value) {
  unsigned char bytes[8] = {};
  value.write(bytes);
  uint64_t bits;
  std::memcpy(&bits, bytes, 8);
  return bits;
}

Scalar positive_nan(DType dtype) {
  return Scalar::of(dtype, std::numeric_limits<double>::quiet_NaN());
}

template <class T>
std::string shortest(T value) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, end};
}

Scalar read_float(Lexer& lexer, DType dtype) {
  const double sign = lexer.accept("-") ? -1 : 1;
  if (lexer.accept("inf")) return Scalar::of(dtype, sign * std::numeric_limits<double>::infinity());
  if (lexer.accept("nan")) {
    if (!lexer.accept("(")) return positive_nan(dtype);
    const std::string_view digits = lexer.next().text;
    uint64_t bits = 0;
    if (digits.starts_with("0x"))
      std::from_chars(digits.data() + 2, digits.data() + digits.size(), bits, 16);
    lexer.expect(")");
    unsigned char bytes[8];
    std::memcpy(bytes, &bits, 8);
    return Scalar::read(dtype, bytes);
  }
  if (lexer.peek().kind != Token::Kind::number)
    lexer.fail("expected a number, found '" + std::string(lexer.peek().text) + "'");
  const std::string_view text = lexer.peek().text;
  const bool hex = text.starts_with("0x");
  const auto format = hex ? std::chars_format::hex : std::chars_format::general;
  const char *first = text.data() + (hex ? 2 : 0), *last = text.data() + text.size();
  double value = 0;
  std::from_chars_result read{};
  if (dtype == DType::f32) {  // read as f32, so that the shortest decimal of an f32 is rounded once
    float narrow = 0;
    read = std::from_chars(first, last, narrow, format);
    value = narrow;
  } else {
    read = std::from_chars(first, last, value, format);
  }
  if (read.ec != std::errc() || read.ptr != last)
    lexer.fail("'" + std::string(text) + "' is no number of its type");
  lexer.next();
  return Scalar::of(dtype, sign * value);
}

}  // namespace

std::string print_scalar(const Scalar& value) {
  if (value.dtype == DType::boolean) return value.i != 0 ? "true" : "false";
  if (is_unsigned_int(value.dtype)) return std::to_string(static_cast<uint64_t>(value.i));
  if (is_int(value.dtype)) return std::to_string(value.i);
  if (std::isnan(value.f)) {
    if (value.same_bits(positive_nan(value.dtype))) return "nan";
    char buffer[24];
    auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, bits_of(value), 16);
    return "nan(0x" + std::string(buffer, end) + ")";
  }
  if (std::isinf(value.f)) return value.f > 0 ? "inf" : "-inf";
  return value.dtype == DType::f64 ? shortest(value.f) : shortest(static_cast<float>(value.f));
}

Scalar read_scalar(Lexer& lexer, DType dtype) {
  if (is_float(dtype)) return read_float(lexer, dtype);
  if (dtype == DType::boolean) {
    if (lexer.accept("true")) return Scalar::of_int(dtype, 1);
    if (lexer.accept("false")) return Scalar::of_int(dtype, 0);
    lexer.fail("expected true or false, found '" + std::string(lexer.peek().text) + "'");
  }
  if (dtype == DType::u64 && lexer.peek().kind == Token::Kind::number) {
    const std::string_view text = lexer.peek().text;
    uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) {
      lexer.next();
      return Scalar::of_int(dtype, static_cast<int64_t>(value));
    }
  }
  const int64_t value = lexer.integer("an integer");
  const Scalar scalar = Scalar::of_int(dtype, value);
  if (dtype != DType::u64 && scalar.i != value) {
    lexer.fail(std::to_string(value) + " does not fit in " + std::string(name_of(dtype)));
  }
  return scalar;
}

}  // namespace mintor
