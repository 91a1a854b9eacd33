// SPDX-License-Identifier: Apache-2.0
// Resizing of spatial dimensions. Takes [N, C, D..]; gives the library operator's value.
// Attributes: sizes and scales (output / input, 0 where the sizes say it) of all dimensions, mode,
// coordinates, rounding of nearest.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

ops::ResizeMode mode_of(const std::string& name) {
  if (name == "nearest") return ops::ResizeMode::nearest;
  if (name == "linear") return ops::ResizeMode::linear;
  if (name == "cubic") return ops::ResizeMode::cubic;
  throw CompileError("resize", "there is no mode '" + name + "'");
}

Values resize(SegmentGraph& g, Operands x, AttributeReader& attributes) {
  const Shape sizes = attributes.indices();
  std::vector<double> scales;
  for (size_t d = 0; d < sizes.size(); ++d) scales.push_back(attributes.number());
  ops::ResizeAttr attr;
  attr.mode = mode_of(attributes.text());
  attr.coordinates = attributes.text();
  attr.nearest = attributes.text();
  return {ops::resize(g.builder(), x[0], sizes, scales, attr)};
}

constexpr TracedOperator kOperators[] = {
    {"resize", 1, resize},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_resampling = {trace::kOperators};
}
