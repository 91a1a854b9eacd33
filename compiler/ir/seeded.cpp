// SPDX-License-Identifier: Apache-2.0
// Takes a type and a seed; gives a tensor. Keeps true: an element takes one number of the stream,
// whatever its type, so that tensors of two types and one seed are alike.
#include "compiler/ir/seeded.h"

#include <algorithm>
#include <limits>

namespace mintor {
namespace {

double plain_float(uint64_t bits) { return static_cast<double>(bits >> 40) * 0x1p-23 - 1; }

double hard_float(uint64_t bits) {
  switch (bits % 61) {
    case 0:
      return -0.0;
    case 1:
      return 0.0;
    case 2:
      return std::numeric_limits<double>::infinity();
    case 3:
      return 0x1p-140;  // subnormal in f32
    default:
      return 2 * plain_float(bits);
  }
}

}  // namespace

uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Tensor seeded_tensor(DType dtype, std::vector<int64_t> shape, uint64_t seed, SeededFloats floats,
                     uint64_t integers) {
  auto [tensor, bytes] = Tensor::make(dtype, std::move(shape));
  uint64_t state = seed * 0x632be59bd9b4e019u + 7;
  const int64_t width = size_of(dtype);
  const uint64_t most = dtype == DType::boolean ? 2 : std::max<uint64_t>(integers, 1);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const uint64_t bits = next_random(state);
    const double number = floats == SeededFloats::plain ? plain_float(bits) : hard_float(bits);
    const Scalar value = is_float(dtype)
                             ? Scalar::of(dtype, number)
                             : Scalar::of_int(dtype, static_cast<int64_t>((bits >> 32) % most));
    value.write(bytes + i * width);
  }
  return tensor;
}

}  // namespace mintor
