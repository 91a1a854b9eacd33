// SPDX-License-Identifier: Apache-2.0
// The counter-based stream: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
// as easy as 1, 2, 3", SC 2011). Words of a block: key = (lo, hi) of `key`; counter = (lo, hi) of
// the block's number b, (lo, hi) of `counter`.
//   32-bit element e takes word e % 4 of block e / 4; a 64-bit one words 2*(e % 2) (low) and 2*(e %
//   2) + 1 of block e / 2 bits     the element itself (u32, u64) uniform  f32: (bits >> 8) * 2^-24,
//   f64: (bits >> 11) * 2^-53; in [0, 1) normal   Box-Muller on elements 2p and 2p+1 as uniforms u,
//   v: r = sqrt(-2 log(1 - u)); r cos(2 pi v), r sin(2 pi v)
// Keeps true: the value of an element depends on key, counter and its row-major position only.
#include <array>

#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/scalar_eval.h"

namespace mintor {

namespace {

using Block = std::array<uint32_t, 4>;

Block philox(uint64_t key, uint64_t counter, uint64_t number) {
  auto k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  Block c = {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32),
             static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

class Stream {
 public:
  Stream(uint64_t key, uint64_t counter) : key_(key), counter_(counter) {}

  uint32_t bits32(int64_t e) { return block(e / 4)[static_cast<size_t>(e % 4)]; }
  uint64_t bits64(int64_t e) {
    const auto first = static_cast<size_t>(e % 2 * 2);
    return block(e / 2)[first] | (uint64_t{block(e / 2)[first + 1]} << 32);
  }
  float uniform32(int64_t e) { return static_cast<float>(bits32(e) >> 8) * 0x1p-24F; }
  double uniform64(int64_t e) { return static_cast<double>(bits64(e) >> 11) * 0x1p-53; }
  Scalar uniform(DType dtype, int64_t e) {
    return Scalar::of(dtype, dtype == DType::f32 ? uniform32(e) : uniform64(e));
  }
  Scalar normal(DType dtype, int64_t e) {
    auto apply = [](ScalarOp op, std::initializer_list<Scalar> xs) {
      return evaluate(op, std::span(xs.begin(), xs.size()));
    };
    auto literal = [&](double value) { return Scalar::of(dtype, value); };
    const Scalar u = apply(ScalarOp::sub, {literal(1), uniform(dtype, e / 2 * 2)}),
                 v = uniform(dtype, e / 2 * 2 + 1);
    const Scalar r =
        apply(ScalarOp::sqrt, {apply(ScalarOp::mul, {literal(-2), apply(ScalarOp::log, {u})})});
    const Scalar angle = apply(ScalarOp::mul, {literal(6.283185307179586), v});
    return apply(ScalarOp::mul, {r, apply(e % 2 == 0 ? ScalarOp::cos : ScalarOp::sin, {angle})});
  }

 private:
  // The one asked for last is kept: its elements are asked for one after the other.
  const Block& block(int64_t number) {
    if (number != number_) block_ = philox(key_, counter_, static_cast<uint64_t>(number));
    number_ = number;
    return block_;
  }

  uint64_t key_, counter_;
  int64_t number_ = -1;
  Block block_{};
};

template <class Element>
void fill(const Tensor& y, std::byte* to, const Element& element) {
  for (int64_t e = 0; e < y.count(); ++e) {
    const auto value = element(e);
    std::memcpy(to + static_cast<size_t>(e) * sizeof value, &value, sizeof value);
  }
}

}  // namespace

Tensors evaluate_random(const Node& node, std::span<const Tensor> operands,
                        EvaluateContext& context) {
  const DType dtype = node.results[0].dtype;
  auto [y, bytes] = Tensor::make(dtype, context.values(node.results[0].shape));
  Stream stream(static_cast<uint64_t>(operands[0].at(0).i),
                static_cast<uint64_t>(operands[1].at(0).i));
  const std::string& distribution = node.as<RandomAttr>().distribution;
  const bool narrow = dtype == DType::f32 || dtype == DType::u32;
  if (distribution == "normal") {
    for (int64_t e = 0; e < y.count(); ++e)
      stream.normal(dtype, e).write(bytes + e * size_of(dtype));
  } else if (distribution == "uniform") {
    if (narrow)
      fill(y, bytes, [&](int64_t e) { return stream.uniform32(e); });
    else
      fill(y, bytes, [&](int64_t e) { return stream.uniform64(e); });
  } else if (narrow) {
    fill(y, bytes, [&](int64_t e) { return stream.bits32(e); });
  } else {
    fill(y, bytes, [&](int64_t e) { return stream.bits64(e); });
  }
  return {y};
}

}  // namespace mintor
