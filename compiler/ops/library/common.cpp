// SPDX-License-Identifier: Apache-2.0
// Argument checks, axes, widening of storage floats, scopes (common.h says what each does).
// Takes what callers were given; gives it checked, or throws CompileError with the actual values.
#include "compiler/ops/library/common.h"

#include <algorithm>
#include <cctype>

#include "compiler/ir/sizes_differ.h"

namespace mintor::ops {

namespace {

// "MaxPool_3" and "max_pool" compare equal.
std::string folded(std::string_view name) {
  size_t end = name.size();
  while (end > 0 && std::isdigit(static_cast<unsigned char>(name[end - 1]))) --end;
  if (end == 0 || name[end - 1] != '_') end = name.size();
  std::string out;
  for (char c : name.substr(0, end)) {
    if (c != '_') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace

std::string text(const Shape& shape) {
  std::string out = "[";
  for (const Index& size : shape) out += (out.size() > 1 ? ", " : "") + size.str();
  return out + "]";
}

std::string text(const Type& type) { return std::string(name_of(type.dtype)) + text(type.shape); }

std::string text(std::span<const int64_t> values) {
  std::string out = "[";
  for (int64_t value : values) out += (out.size() > 1 ? ", " : "") + std::to_string(value);
  return out + "]";
}

void fail(std::string_view op, std::string problem, std::string help) {
  throw CompileError(std::string(op), std::move(problem), "", std::move(help));
}

void fail_unequal(std::string_view op, std::string problem, const Index& x, const Index& y) {
  throw SizesDiffer(std::string(op), std::move(problem), x, y);
}

int32_t axis_of(std::string_view op, int64_t axis, size_t rank) {
  int64_t r = static_cast<int64_t>(rank);
  if (axis < -r || axis >= r)
    fail(op, "axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
                 " dimensions");
  return static_cast<int32_t>(axis < 0 ? axis + r : axis);
}

std::vector<int32_t> axes_of(std::string_view op, std::span<const int64_t> axes, size_t rank,
                             bool empty_is_all) {
  std::vector<int32_t> out;
  if (axes.empty() && empty_is_all) {
    for (size_t d = 0; d < rank; ++d) out.push_back(static_cast<int32_t>(d));
    return out;
  }
  for (int64_t axis : axes) out.push_back(axis_of(op, axis, rank));
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end())
    fail(op,
         "an axis is named twice in " + text(axes) + " (" + std::to_string(rank) + " dimensions)");
  return out;
}

OpScope::OpScope(Builder& b, std::string_view name) {
  std::string_view scope = b.scope();
  size_t slash = scope.rfind('/');
  if (slash != std::string_view::npos) scope.remove_prefix(slash + 1);
  if (folded(scope) != folded(name)) scope_.emplace(b, name);
}

Value widen(Builder& b, Value x) { return is_storage_float(x.dtype()) ? b.cast(x, DType::f32) : x; }

Value narrow(Builder& b, Value x, DType dtype) { return b.cast(x, dtype); }

Index product(const Shape& shape, std::span<const int32_t> dims) {
  Index out = 1;
  for (int32_t d : dims) out = out * shape[d];
  return out;
}

Value count_of(Builder& b, DType dtype, const Index& count) {
  if (count.is_const()) return b.constant(Tensor::scalar(Scalar::of_int(dtype, count.value())));
  return b.cast(b.size(count), dtype);
}

std::vector<int32_t> other_dims(size_t rank, std::span<const int32_t> dims) {
  std::vector<int32_t> out;
  for (size_t d = 0; d < rank; ++d) {
    if (std::find(dims.begin(), dims.end(), static_cast<int32_t>(d)) == dims.end())
      out.push_back(static_cast<int32_t>(d));
  }
  return out;
}

Value spread(Builder& b, Value x, const Shape& shape, std::span<const int32_t> reduced) {
  return b.broadcast(x, shape, other_dims(shape.size(), reduced));
}

Value spread_channels(Builder& b, Value x, const Shape& shape) {
  return b.broadcast(x, shape, {1});
}

Value keep_dims(Builder& b, Value x, const Shape& shape, std::span<const int32_t> reduced) {
  Shape kept = shape;
  for (int32_t d : reduced) kept[d] = 1;
  return b.broadcast(x, kept, other_dims(shape.size(), reduced));
}

void need_float(std::string_view op, Value x) {
  if (!is_float(x.dtype())) fail(op, "x must have a float dtype, not " + text(x.type()));
}

void need_index(std::string_view op, Value index) {
  if (!is_int(index.dtype()))
    fail(op, "indices must have an integer dtype, not " + text(index.type()));
}

Scalar zero_of(Value x) { return Scalar::of_int(x.dtype(), 0); }

std::vector<Index> result_indices(size_t rank) {
  std::vector<Index> out;
  for (size_t d = 0; d < rank; ++d) out.push_back(result_index(d));
  return out;
}

IndexMap identity_map(size_t rank) {
  IndexMap map;
  map.coords = result_indices(rank);
  return map;
}

Index result_index(size_t dim) { return Index::var("i" + std::to_string(dim)); }

Index loaded_index(size_t load) { return Index::var("l" + std::to_string(load)); }

Index wrapped(const Index& index, const Index& size) {
  return index + size * max(0, min(1, Index(0) - index));
}

bool same_size(Builder& b, const Index& x, const Index& y) {
  if (x == y) return true;
  if (x.is_const() && y.is_const()) return false;
  Ranges ranges = b.graph().ranges();
  return ranges.simplify(x - y).is_const(0);
}

}  // namespace mintor::ops
