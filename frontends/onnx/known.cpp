// SPDX-License-Identifier: Apache-2.0
// Arithmetic on known tensors (known.h).
// Takes known tensors and the ranges of symbols; gives a known tensor, or nullopt where the result
// depends on what a symbol will be. Keeps true: no result has more than limits.h allows.
#include "frontends/onnx/known.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

#include "frontends/onnx/limits.h"

namespace mintor {

namespace {

std::optional<std::vector<int64_t>> broadcast_shape(const std::vector<int64_t>& x,
                                                    const std::vector<int64_t>& y) {
  std::vector<int64_t> out(std::max(x.size(), y.size()), 1);
  for (size_t d = 0; d < out.size(); ++d) {
    int64_t sx = d + x.size() >= out.size() ? x[d + x.size() - out.size()] : 1;
    int64_t sy = d + y.size() >= out.size() ? y[d + y.size() - out.size()] : 1;
    if (sx != sy && sx != 1 && sy != 1) return std::nullopt;
    out[d] = sx == 1 ? sy : sx;
  }
  if (count_of_shape(out) > onnx_limits::kKnown) return std::nullopt;
  return out;
}

// The item of x at position `flat` of the broadcast shape `out`.
const Index& item_at(const Known& x, const std::vector<int64_t>& out, int64_t flat) {
  int64_t offset = 0, stride = 1;
  for (size_t d = out.size(); d-- > 0;) {
    int64_t i = flat % out[d];
    flat /= out[d];
    if (d + x.shape.size() < out.size()) break;
    int64_t size = x.shape[d + x.shape.size() - out.size()];
    offset += (size == 1 ? 0 : i) * stride;
    stride *= size;
  }
  return x.items[static_cast<size_t>(offset)];
}

std::optional<bool> decide(const Ranges& ranges, KnownOp op, const Index& x, const Index& y) {
  auto not_negative = [&](const Index& e) -> std::optional<bool> {
    if (e.is_const()) return e.value() >= 0;
    if (ranges.proves_nonnegative(e)) return true;
    if (ranges.proves_nonnegative(Index(-1) - e)) return false;
    return std::nullopt;
  };
  switch (op) {
    case KnownOp::ge:
      return not_negative(x - y);
    case KnownOp::gt:
      return not_negative(x - y - 1);
    case KnownOp::le:
      return not_negative(y - x);
    case KnownOp::lt:
      return not_negative(y - x - 1);
    default:
      break;
  }
  Index difference = ranges.simplify(x - y);
  if (difference.is_const()) return difference.value() == 0;
  if (not_negative(difference - 1).value_or(false) ||
      not_negative(Index(-1) - difference).value_or(false))
    return false;
  return std::nullopt;
}

std::optional<Index> divide(const Ranges& ranges, const Index& x, const Index& y, bool remainder) {
  if (x.is_const() && y.is_const()) {
    if (y.value() == 0 || (y.value() == -1 && x.value() == INT64_MIN)) return std::nullopt;
    if (!remainder) return x.value() / y.value();  // ONNX integer Div truncates
    int64_t r = x.value() % y.value();             // Mod with fmod = 0 has the sign of the divisor
    return r != 0 && (r < 0) != (y.value() < 0) ? r + y.value() : r;
  }
  if (!ranges.proves_nonnegative(y - 1)) return std::nullopt;
  if (remainder) return mod(x, y);
  if (!ranges.proves_nonnegative(x)) return std::nullopt;
  return floordiv(x, y);
}

std::optional<Index> combine(const Ranges& ranges, KnownOp op, const Index& x, const Index& y) {
  switch (op) {
    case KnownOp::add:
      return x + y;
    case KnownOp::sub:
      return x - y;
    case KnownOp::mul:
      return x * y;
    case KnownOp::div:
      return divide(ranges, x, y, false);
    case KnownOp::mod:
      return divide(ranges, x, y, true);
    case KnownOp::min:
      return ranges.simplify(min(x, y));
    case KnownOp::max:
      return ranges.simplify(max(x, y));
    case KnownOp::and_:
    case KnownOp::or_: {
      bool absorbing = op == KnownOp::or_;
      if (x.is_const(absorbing) || y.is_const(absorbing)) return Index(absorbing ? 1 : 0);
      if (x.is_const() && y.is_const()) return Index(absorbing ? 0 : 1);
      return std::nullopt;
    }
    default:
      break;
  }
  std::optional<bool> truth = decide(ranges, op, x, y);
  return truth ? std::optional<Index>(*truth ? 1 : 0) : std::nullopt;
}

constexpr int64_t kLargestDenominator = 1 << 16;

// Fractions over the least common denominator; nullopt where that is large.
bool to_common(Known& x, Known& y) {
  int64_t common = std::lcm(x.denominator, y.denominator);
  if (common > kLargestDenominator) return false;
  for (Known* k : {&x, &y}) {
    for (Index& item : k->items) item = item * (common / k->denominator);
    k->denominator = common;
  }
  return true;
}

// x / y for a y of equal positive numbers.
std::optional<Known> divide_fractions(const Known& x, const Known& y) {
  if (y.items.empty() || !y.items[0].is_const() || y.items[0].value() < 1) return std::nullopt;
  for (const Index& item : y.items) {
    if (!(item == y.items[0])) return std::nullopt;
  }
  std::optional<std::vector<int64_t>> shape = broadcast_shape(x.shape, y.shape);
  int64_t denominator = 0;
  if (!shape || __builtin_mul_overflow(x.denominator, y.items[0].value(), &denominator) ||
      denominator > kLargestDenominator)
    return std::nullopt;
  Known out{x.dtype, *shape, {}, denominator};
  for (int64_t i = 0; i < count_of_shape(*shape); ++i)
    out.items.push_back(item_at(x, *shape, i) * y.denominator);
  return out;
}

// Whole numbers again where they are.
void reduce_fraction(Known& x) {
  int64_t common = x.denominator;
  for (const Index& item : x.items) {
    for (const IndexTerm& term : item.poly().terms)
      common = std::gcd(common, std::abs(term.coefficient));
  }
  if (common <= 1) return;
  for (Index& item : x.items) item = floordiv(item, common);
  x.denominator /= common;
}

}  // namespace

bool fits(DType dtype, const Index& item) {
  if (!item.is_const()) return true;
  const int64_t v = item.value();
  auto within = [&](int bits) { return v >= -(int64_t{1} << bits) && v <= (int64_t{1} << bits); };
  switch (dtype) {
    case DType::f16:
      return within(11);
    case DType::bf16:
      return within(8);
    case DType::f32:
      return within(24);
    case DType::f64:
      return within(53);
    case DType::boolean:
      return v == 0 || v == 1;
    case DType::i64:
      return true;
    case DType::u64:
      return v >= 0;
    default:
      break;
  }
  const int bits = static_cast<int>(size_of(dtype)) * 8;
  const int64_t top = int64_t{1} << (is_unsigned_int(dtype) ? bits : bits - 1);
  return v < top && v >= (is_unsigned_int(dtype) ? 0 : -top);
}

bool Known::all_const() const {
  return std::all_of(items.begin(), items.end(), [](const Index& i) { return i.is_const(); });
}

int64_t count_of_shape(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t size : shape) {
    if (__builtin_mul_overflow(count, size, &count)) return INT64_MAX;
  }
  return count;
}

std::optional<Known> known_of(const Tensor& tensor) {
  if (tensor.count() > onnx_limits::kKnown) return std::nullopt;
  Known known{tensor.dtype, tensor.shape, {}};
  constexpr double kScale = 1024;  // halves, quarters, ...
  bool whole = true;
  for (int64_t i = 0; is_float(tensor.dtype) && i < tensor.count(); ++i)
    whole = whole && tensor.at(i).f == std::trunc(tensor.at(i).f);
  if (!whole) known.denominator = static_cast<int64_t>(kScale);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    Scalar s = tensor.at(i);
    double f = whole ? s.f : s.f * kScale;
    if (is_float(tensor.dtype) && (f != std::trunc(f) || std::abs(f) > 1e15)) return std::nullopt;
    if (tensor.dtype == DType::u64 && s.i < 0) return std::nullopt;
    known.items.push_back(is_float(tensor.dtype) ? static_cast<int64_t>(f) : s.i);
  }
  reduce_fraction(known);
  return known;
}

Tensor tensor_of(const Known& known) {
  auto [tensor, bytes] = Tensor::make(known.dtype, known.shape);
  for (size_t i = 0; i < known.items.size(); ++i)
    Scalar::of_int(known.dtype, known.items[i].value())
        .write(bytes + i * static_cast<size_t>(size_of(known.dtype)));
  return tensor;
}

Value materialise(Builder& b, const Known& known) {
  if (known.all_const() && known.denominator == 1) return b.constant(tensor_of(known));
  std::vector<Value> items;
  for (const Index& item : known.items) items.push_back(b.reshape(b.size(item), {1}));
  Shape shape(known.shape.begin(), known.shape.end());
  Value all = b.cast(b.reshape(items.size() == 1 ? items[0] : b.concat(items, 0), shape),
                     known.dtype);
  if (known.denominator == 1) return all;
  Value below = b.constant(known.dtype, static_cast<double>(known.denominator));
  return b.apply(ScalarOp::div, {all, b.broadcast_to(below, shape)});
}

std::optional<Known> known_binary(const Ranges& ranges, KnownOp op, const Known& a,
                                  const Known& c) {
  std::optional<std::vector<int64_t>> shape = broadcast_shape(a.shape, c.shape);
  if (!shape || a.dtype != c.dtype) return std::nullopt;
  const bool fractions = is_float(a.dtype);
  // Numbers alone are for the constant folder, which rounds as the operator does.
  if (fractions && (op == KnownOp::div || a.denominator * c.denominator > 1) && a.all_const() &&
      c.all_const())
    return std::nullopt;
  try {
    if (fractions && op == KnownOp::div) {
      std::optional<Known> quotient = divide_fractions(a, c);
      if (quotient) reduce_fraction(*quotient);
      return quotient;
    }
    Known x = a, y = c;
    if (fractions && op == KnownOp::mod) return std::nullopt;
    if (op != KnownOp::mul && !to_common(x, y)) return std::nullopt;
    Known out{op >= KnownOp::eq ? DType::boolean : x.dtype, *shape, {}};
    if (op < KnownOp::eq) out.denominator = op == KnownOp::mul ? x.denominator * y.denominator
                                                               : x.denominator;
    for (int64_t i = 0; i < count_of_shape(*shape); ++i) {
      std::optional<Index> item = combine(ranges, op, item_at(x, *shape, i), item_at(y, *shape, i));
      if (!item || !fits(out.dtype, *item)) return std::nullopt;
      out.items.push_back(*item);
    }
    reduce_fraction(out);
    if (out.denominator > kLargestDenominator) return std::nullopt;
    return out;
  } catch (const CompileError&) {  // it overflows 64 bits, where the operator wraps
    return std::nullopt;
  }
}

Known known_moved(const Known& x, const std::vector<int64_t>& start,
                  const std::vector<int64_t>& step, const std::vector<int64_t>& shape,
                  const std::vector<int32_t>& perm) {
  Known y{x.dtype, {}, {}, x.denominator};
  for (int32_t p : perm) y.shape.push_back(shape[static_cast<size_t>(p)]);
  for (int64_t flat = 0; flat < count_of_shape(y.shape); ++flat) {
    std::vector<int64_t> at(shape.size(), 0);
    int64_t left = flat, offset = 0;
    for (size_t d = perm.size(); d-- > 0; left /= y.shape[d])
      at[static_cast<size_t>(perm[d])] = left % y.shape[d];
    for (size_t d = 0; d < shape.size(); ++d)
      offset = offset * x.shape[d] + start[d] + step[d] * at[d];
    y.items.push_back(x.items[static_cast<size_t>(offset)]);
  }
  return y;
}

Known known_rounded(const Known& x, bool up) {
  Known out{x.dtype, x.shape, {}};
  for (const Index& item : x.items)
    out.items.push_back(up ? ceildiv(item, x.denominator) : floordiv(item, x.denominator));
  return out;
}

std::optional<Known> known_where(const Known& condition, const Known& x, const Known& y) {
  std::optional<std::vector<int64_t>> shape = broadcast_shape(x.shape, y.shape);
  if (shape) shape = broadcast_shape(condition.shape, *shape);
  if (!shape || !condition.all_const()) return std::nullopt;
  Known out{x.dtype, *shape, {}};
  for (int64_t i = 0; i < count_of_shape(*shape); ++i)
    out.items.push_back(item_at(condition, *shape, i).value() != 0 ? item_at(x, *shape, i)
                                                                   : item_at(y, *shape, i));
  return out;
}

std::optional<Known> known_cast(const Ranges& ranges, const Known& x, DType dtype) {
  Known out{dtype, x.shape, x.items, x.denominator};
  if (x.denominator > 1 && !is_float(dtype)) {  // toward 0
    for (const Index& item : x.items) {
      if (!ranges.proves_nonnegative(item)) return std::nullopt;
    }
    out = known_rounded(out, false);
  }
  for (Index& item : out.items) {
    if (dtype == DType::boolean && ranges.proves_nonnegative(item - 1)) item = 1;
    if (dtype == DType::boolean && item.is_const()) item = item.value() != 0 ? 1 : 0;
    if (!fits(dtype, item)) return std::nullopt;
  }
  // A size fits 32 bits in every model that runs; narrower types could wrap.
  bool keeps =
      dtype == DType::i64 || dtype == DType::i32 || dtype == DType::f32 || dtype == DType::f64;
  return keeps || out.all_const() ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<Known> known_gather(const Known& x, const Known& index, int64_t axis) {
  if (x.shape.size() != 1 || (axis != 0 && axis != -1) || !index.all_const()) return std::nullopt;
  Known out{x.dtype, index.shape, {}};
  int64_t size = x.shape[0];
  for (const Index& item : index.items) {
    int64_t i = item.value() < 0 ? item.value() + size : item.value();
    if (i < 0 || i >= size) return std::nullopt;
    out.items.push_back(x.items[static_cast<size_t>(i)]);
  }
  return out;
}

std::optional<Known> known_concat(const std::vector<const Known*>& xs, int64_t axis) {
  Known out{xs[0]->dtype, {0}, {}};
  for (const Known* x : xs) {
    if (x->shape.size() != 1 || (axis != 0 && axis != -1) || x->dtype != out.dtype)
      return std::nullopt;
    out.items.insert(out.items.end(), x->items.begin(), x->items.end());
  }
  out.shape[0] = static_cast<int64_t>(out.items.size());
  if (out.shape[0] > onnx_limits::kKnown) return std::nullopt;
  return out;
}

}  // namespace mintor
