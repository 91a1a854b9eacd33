// SPDX-License-Identifier: Apache-2.0
// Arithmetic on known tensors (known.h).
// Takes known tensors and the ranges of symbols; gives a known tensor, or nullopt where the result
// depends on what a symbol will be. Keeps true: no result has more than limits.h allows.
#include "frontends/onnx/known.h"

#include <algorithm>
#include <cmath>

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

}  // namespace

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
  for (int64_t i = 0; i < tensor.count(); ++i) {
    Scalar s = tensor.at(i);
    if (is_float(tensor.dtype) && (s.f != std::trunc(s.f) || std::abs(s.f) > 1e15))
      return std::nullopt;
    if (tensor.dtype == DType::u64 && s.i < 0) return std::nullopt;
    known.items.push_back(is_float(tensor.dtype) ? static_cast<int64_t>(s.f) : s.i);
  }
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
  if (known.all_const()) return b.constant(tensor_of(known));
  std::vector<Value> items;
  for (const Index& item : known.items) items.push_back(b.reshape(b.size(item), {1}));
  Shape shape(known.shape.begin(), known.shape.end());
  return b.cast(b.reshape(items.size() == 1 ? items[0] : b.concat(items, 0), shape), known.dtype);
}

std::optional<Known> known_binary(const Ranges& ranges, KnownOp op, const Known& x,
                                  const Known& y) {
  std::optional<std::vector<int64_t>> shape = broadcast_shape(x.shape, y.shape);
  if (!shape || x.dtype != y.dtype) return std::nullopt;
  if (op == KnownOp::div && is_float(x.dtype)) return std::nullopt;
  Known out{op >= KnownOp::eq ? DType::boolean : x.dtype, *shape, {}};
  for (int64_t i = 0; i < count_of_shape(*shape); ++i) {
    std::optional<Index> item = combine(ranges, op, item_at(x, *shape, i), item_at(y, *shape, i));
    if (!item) return std::nullopt;
    out.items.push_back(*item);
  }
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

std::optional<Known> known_cast(const Known& x, DType dtype) {
  if (x.all_const()) {
    Known out{dtype, x.shape, {}};
    for (const Index& item : x.items) {
      Scalar s = Scalar::of_int(dtype, item.value());
      out.items.push_back(is_float(dtype) ? static_cast<int64_t>(s.f) : s.i);
    }
    return out;
  }
  // A size fits 32 bits in every model that runs; narrower types could wrap.
  bool keeps =
      dtype == DType::i64 || dtype == DType::i32 || dtype == DType::f32 || dtype == DType::f64;
  if (!keeps) return std::nullopt;
  return Known{dtype, x.shape, x.items};
}

std::optional<Known> known_gather(const Known& x, const Known& index, int64_t axis) {
  if (x.shape.size() != 1 || axis != 0 || !index.all_const()) return std::nullopt;
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
