// SPDX-License-Identifier: Apache-2.0
// A dense row-major host array: constants, inputs and outputs of evaluators, weights.
// Keeps true: bytes.size() == product(shape) * size_of(dtype); the bytes are shared and immutable
// once shared.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "compiler/support/dtype.h"

namespace mintor {

struct Tensor {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  // Owned by `owner` (a vector, a mapped file, a NumPy array); 64-byte aligned when made by
  // `zeros`.
  std::shared_ptr<const void> owner;
  const std::byte* data = nullptr;
  // What sha256() has computed, shared by copies; only tensors made by the functions below keep it.
  struct Digest;
  std::shared_ptr<Digest> digest;

  int64_t count() const;  // product of shape, 1 for a scalar
  int64_t bytes() const { return count() * size_of(dtype); }
  Scalar at(int64_t flat) const { return Scalar::read(dtype, data + flat * size_of(dtype)); }
  std::string sha256() const;  // hex, of the bytes

  // A tensor and the writable pointer to its bytes; write before sharing it.
  static std::pair<Tensor, std::byte*> make(DType dtype, std::vector<int64_t> shape);
  static Tensor zeros(DType dtype, std::vector<int64_t> shape);
  static Tensor scalar(Scalar value);
  static Tensor copy_of(DType dtype, std::vector<int64_t> shape, const void* bytes);
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data);
  }
};

// Equal dtype, shape and bits, where all NaN count as one.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace mintor
