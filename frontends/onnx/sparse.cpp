// SPDX-License-Identifier: Apache-2.0
// SparseTensorProto to Tensor: dense, since no meta-operator is sparse.
//   dims [2, 3], values {7, 9}, indices {1, 5} or {{0, 1}, {1, 2}}  ->  {{0, 7, 0}, {0, 0, 9}}
// Keeps true: memory is asked for within the budget of expanded constants only; 0 of the element
// type is where no value is.
#include <algorithm>
#include <cstring>

#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

[[noreturn]] void bad(const onnx::SparseTensorProto& t, const std::string& problem) {
  throw CompileError("initializer",
                     "sparse tensor '" + printable(t.values().name()) + "' " + problem);
}

std::vector<int64_t> shape_of(const onnx::SparseTensorProto& t) {
  std::vector<int64_t> shape(t.dims().begin(), t.dims().end());
  if (shape.empty() || shape.size() > static_cast<size_t>(onnx_limits::kRank))
    bad(t, "has " + std::to_string(shape.size()) + " dimensions, 1 to " +
               std::to_string(onnx_limits::kRank) + " are taken");
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count) || count > onnx_limits::kElements)
      bad(t, "has dimensions that no tensor has");
  }
  return shape;
}

// Where value k lies: its number, or one index per dimension.
int64_t place(const onnx::SparseTensorProto& t, const Tensor& indices, int64_t k,
              const std::vector<int64_t>& shape) {
  const auto* all = indices.as<int64_t>();
  const auto within = [&](int64_t index, int64_t size) {
    if (index < 0 || index >= size)
      bad(t, "has the index " + std::to_string(index) + " where there are " + std::to_string(size));
    return index;
  };
  if (indices.shape.size() == 1) return within(all[k], count_of_shape(shape));
  int64_t at = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    at = at * shape[d] + within(all[k * indices.shape[1] + static_cast<int64_t>(d)], shape[d]);
  return at;
}

}  // namespace

void take_expanded(const OnnxState& state, int64_t bytes) {
  int64_t& taken = state.files.expanded;
  if (__builtin_add_overflow(taken, bytes, &taken) || taken > onnx_limits::kExpandedBytes)
    throw CompileError("onnx", "strings and sparse tensors of the model need more than the " +
                                   std::to_string(onnx_limits::kExpandedBytes) +
                                   " bytes that are taken, stored as the compiler reads them");
}

Tensor tensor_from_sparse(const OnnxState& state, const onnx::SparseTensorProto& t) {
  if (t.values().data_type() == kStringElement) bad(t, "holds strings");
  std::vector<int64_t> shape = shape_of(t);
  const Tensor values = tensor_from_proto(state, t.values());
  const Tensor indices = tensor_from_proto(state, t.indices());
  const int64_t count = values.count();
  const bool flat = indices.shape == std::vector{count};
  const bool by_dimension = indices.shape == std::vector{count, static_cast<int64_t>(shape.size())};
  if (values.shape.size() != 1 || indices.dtype != DType::i64 || (!flat && !by_dimension))
    bad(t, "needs a list of values, and an int64 index or one per dimension for each");
  take_expanded(state, count_of_shape(shape) * size_of(values.dtype));
  auto [dense, bytes] = Tensor::make(values.dtype, shape);
  const int64_t size = size_of(values.dtype);
  std::fill_n(bytes, dense.count() * size, std::byte{0});
  int64_t before = -1;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t at = place(t, indices, k, shape);
    if (at <= before) bad(t, "has indices that do not ascend");
    std::memcpy(bytes + at * size, values.data + k * size, static_cast<size_t>(size));
    before = at;
  }
  return dense;
}

}  // namespace mintor
