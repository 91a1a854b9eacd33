// SPDX-License-Identifier: Apache-2.0
// The key of a node's random numbers (random.h).
// Takes a node with its attributes; gives a random node. Keeps true: the counter is 0.
#include "frontends/onnx/random.h"

#include <bit>

#include "frontends/onnx/import_state.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

// FNV-1a, 64 bits.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

}  // namespace

Value random_values(OnnxNode& n, std::string_view distribution, const Shape& shape) {
  Builder& b = n.builder();
  uint64_t key = 0;
  const onnx::AttributeProto* seed = n.attribute("seed");
  if (seed)
    key = seed->has_i() ? static_cast<uint64_t>(seed->i())
                        : std::bit_cast<uint64_t>(static_cast<double>(n.real("seed", 0)));
  else if (n.outputs() > 0)
    key = hash_of(n.proto().output(0));
  return b.random(distribution, DType::f32, shape,
                  b.constant_int(DType::u64, static_cast<int64_t>(key)),
                  b.constant_int(DType::u64, 0));
}

}  // namespace mintor
