// SPDX-License-Identifier: Apache-2.0
// deform_conv: x is sampled at the moved places of each window, then one contract.
//   samples[N, C, K, H', W'] of x      y[n, o, h, w] = sum over c, k of samples * weight[o, c, k]
// Takes two spatial dimensions; groups are contracted one by one.
#include "compiler/ops/library/common.h"
#include "compiler/ops/sampling.h"

namespace mintor::ops {

namespace {

Value part_of(Builder& b, Value x, int32_t dim, const Index& first, const Index& count) {
  std::vector<Index> start(x.shape().size(), 0);
  Shape size = x.shape();
  start[static_cast<size_t>(dim)] = first;
  size[static_cast<size_t>(dim)] = count;
  return b.slice(x, start, size, std::vector<int64_t>(size.size(), 1));
}

}  // namespace

Value deform_conv(Builder& b, Value x, Value weight, Value offset, Value bias, Value mask,
                  const ConvAttr& attr, int64_t offset_groups) {
  OpScope scope(b, "deform_conv");
  const Shape &s = x.shape(), &k = weight.shape(), &o = offset.shape();
  if (s.size() != 4 || k.size() != 4 || o.size() != 4 || !k[2].is_const() || !k[3].is_const() ||
      !s[1].is_const() || !k[0].is_const() || offset_groups < 1 ||
      s[1].value() % offset_groups != 0 || attr.groups < 1)
    fail("deform_conv", "x is " + text(x.type()) + ", the weight " + text(weight.type()) +
                            ", the offset " + text(offset.type()) + " of " +
                            std::to_string(offset_groups) + " groups");
  const int64_t kh = k[2].value(), kw = k[3].value(), taps = kh * kw;
  const Index batch = s[0], height = o[2], width = o[3];
  const Value moved = b.reshape(widen(b, offset), {batch, offset_groups, taps, 2, height, width});
  const Shape places = {batch, offset_groups, taps, height, width};
  const auto axis = [&](int64_t d) {
    const auto at = static_cast<size_t>(d);
    const Value own = b.reshape(part_of(b, moved, 3, d, 1), places);
    const auto count = [&](int dim) { return b.iota(DType::i64, places, dim); };
    const auto times = [&](Value v, int64_t f) { return mul(b, v, b.constant_int(DType::i64, f)); };
    const Value columns = b.constant_int(DType::i64, kw);
    const Value tap = apply(b, d == 0 ? ScalarOp::div : ScalarOp::mod, {count(2), columns});
    Value fixed = add(b, times(count(3 + static_cast<int>(d)), attr.stride[at]),
                      times(tap, attr.dilation[at]));
    fixed = sub(b, fixed, count_of(b, DType::i64, attr.pad_before[at]));
    return unsqueeze(b, add(b, own, b.cast(fixed, own.dtype())), std::vector<int64_t>{-1});
  };
  const Value both[] = {axis(0), axis(1)};
  const Value positions = b.concat(both, 5);  // [N, G, K, H', W', 2]
  const Index channels = s[1].value() / offset_groups;
  std::vector<Value> groups;
  for (int64_t g = 0; g < offset_groups; ++g) {
    const Value own = b.reshape(part_of(b, positions, 1, g, 1), {batch, taps, height, width, 2});
    Value read = sample(b, part_of(b, widen(b, x), 1, channels * g, channels), own,
                        Interpolation::linear, Outside::zeros, true);
    if (mask) {
      const Value factor = b.reshape(widen(b, mask), places);
      read = mul(b, read, b.reshape(part_of(b, factor, 1, g, 1), {batch, 1, taps, height, width}));
    }
    groups.push_back(read);
  }
  const Value samples = b.concat(groups, 1);  // [N, C, K, H', W']
  const Index in = k[1] * taps, out = k[0].value() / attr.groups;
  std::vector<Value> parts;
  for (int64_t g = 0; g < attr.groups; ++g) {
    const Value own =
        b.reshape(part_of(b, samples, 1, k[1] * g, k[1]), {batch, in, height * width});
    const Value w = b.reshape(part_of(b, widen(b, weight), 0, out * g, out), {out, in});
    parts.push_back(matmul(b, w, own));
  }
  Value y = b.reshape(b.concat(parts, 1), {batch, k[0], height, width});
  if (bias) y = add(b, y, spread_channels(b, widen(b, bias), y.shape()));
  return narrow(b, y, x.dtype());
}

}  // namespace mintor::ops
