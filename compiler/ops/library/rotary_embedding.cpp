// SPDX-License-Identifier: Apache-2.0
// rotary_embedding: pairs (x, y) become (cos x - sin y, sin x + cos y).
// Takes [B, S, H, D]; gives the same shape. Keeps true: what is not turned is copied.
#include "compiler/ops/attention.h"
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value rotary_embedding(Builder& b, Value x, Value cosines, Value sines, bool interleaved) {
  OpScope scope(b, "rotary_embedding");
  const Shape s = x.shape();
  if (s.size() != 4 || cosines.shape().empty() || cosines.shape() != sines.shape())
    fail("rotary_embedding", "x is " + text(x.type()) + ", cosines " + text(cosines.type()) +
                                 ", sines " + text(sines.type()));
  const Index half = cosines.shape().back(), turned = half * 2;
  const auto part = [&](const Index& first, const Index& count, int64_t step) {
    return b.slice(x, {0, 0, 0, first}, {s[0], s[1], s[2], count}, {1, 1, 1, step});
  };
  const int64_t step = interleaved ? 2 : 1;
  const Value p = part(0, half, step), q = part(interleaved ? Index(1) : half, half, step);
  const int64_t heads[] = {-2};
  const Value c = unsqueeze(b, cosines, heads), n = unsqueeze(b, sines, heads);
  const Value real = sub(b, mul(b, c, p), mul(b, n, q)),
              imaginary = add(b, mul(b, n, p), mul(b, c, q));
  std::vector<Value> parts;
  if (interleaved) {
    const int64_t last[] = {-1};
    const Value both[] = {unsqueeze(b, real, last), unsqueeze(b, imaginary, last)};
    parts = {b.reshape(b.concat(both, 4), {s[0], s[1], s[2], turned})};
  } else {
    parts = {real, imaginary};
  }
  if (!same_size(b, turned, s[3])) parts.push_back(part(turned, s[3] - turned, 1));
  return b.concat(parts, 3);
}

}  // namespace mintor::ops
