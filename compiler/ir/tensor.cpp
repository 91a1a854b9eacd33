// SPDX-License-Identifier: Apache-2.0
// Host arrays: allocation, copies, comparison and the hash that names their bytes. See tensor.h.
// Keeps true: what `make` returns is 64-byte aligned and zeroed; sizes are checked before they are
// multiplied.
#include "compiler/ir/tensor.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "compiler/support/error.h"
#include "compiler/support/sha256.h"

namespace mintor {

// A copy of a tensor may be given another shape or other bytes: the digest says of which bytes it
// is.
struct Tensor::Digest {
  std::mutex mutex;
  const std::byte* data = nullptr;
  int64_t bytes = -1;
  std::string hex;
};

namespace {

// Bytes of a tensor, refusing what does not fit in 63 bits: a shape may come from a hostile file.
int64_t checked_bytes(DType dtype, const std::vector<int64_t>& shape) {
  int64_t bytes = size_of(dtype);
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0) throw CompileError("tensor", "a dimension is " + std::to_string(extent));
    if (extent == 0) empty = true;
    if (extent > 0 && __builtin_mul_overflow(bytes, extent, &bytes)) {
      throw CompileError("tensor", "its size in bytes does not fit in 63 bits");
    }
  }
  return empty ? 0 : bytes;
}

bool is_nan_scalar(const Scalar& s) { return is_float(s.dtype) && s.f != s.f; }

}  // namespace

int64_t Tensor::count() const {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

std::string Tensor::sha256() const {
  const auto span = std::span(data, static_cast<size_t>(bytes()));
  if (!digest) return sha256_hex(span);
  std::lock_guard lock(digest->mutex);
  if (digest->data != data || digest->bytes != bytes()) {
    digest->hex = sha256_hex(span);
    digest->data = data;
    digest->bytes = bytes();
  }
  return digest->hex;
}

std::pair<Tensor, std::byte*> Tensor::make(DType dtype, std::vector<int64_t> shape) {
  const int64_t bytes = checked_bytes(dtype, shape);
  // Never empty: data is never null. calloc, because fresh pages are zero already: large weights
  // would be written twice.
  auto* taken = static_cast<std::byte*>(std::calloc(static_cast<size_t>(bytes) + 128, 1));
  if (taken == nullptr) {
    throw CompileError("tensor", "no memory for " + std::to_string(bytes) + " bytes");
  }
  std::byte* memory = taken + (64 - reinterpret_cast<uintptr_t>(taken) % 64) % 64;
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.owner = std::shared_ptr<const void>(taken, std::free);
  tensor.data = memory;
  tensor.digest = std::make_shared<Digest>();
  return {tensor, memory};
}

Tensor Tensor::zeros(DType dtype, std::vector<int64_t> shape) {
  return make(dtype, std::move(shape)).first;
}

Tensor Tensor::scalar(Scalar value) {
  auto [tensor, bytes] = make(value.dtype, {});
  value.write(bytes);
  return tensor;
}

Tensor Tensor::copy_of(DType dtype, std::vector<int64_t> shape, const void* source) {
  auto [tensor, bytes] = make(dtype, std::move(shape));
  if (tensor.bytes() > 0) std::memcpy(bytes, source, static_cast<size_t>(tensor.bytes()));
  return tensor;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.dtype != b.dtype || a.shape != b.shape) return false;
  const int64_t size = size_of(a.dtype), count = a.count();
  if (count == 0 || std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0) return true;
  for (int64_t i = 0; i < count; ++i) {
    if (std::memcmp(a.data + i * size, b.data + i * size, static_cast<size_t>(size)) == 0) continue;
    if (!is_nan_scalar(a.at(i)) || !is_nan_scalar(b.at(i))) return false;
  }
  return true;
}

}  // namespace mintor
