// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers (Philox 4x32-10). Operands: key, counter, both u64 and numbers of
// the run, so that a replayed segment draws anew. Attributes: distribution, dtype, shape.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

Values random(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  Builder& b = g.builder();
  const std::string distribution = attributes.text();
  const DType dtype = dtype_attribute(attributes);
  return {b.random(distribution, dtype, attributes.indices(), ops::cast(b, operands[0], DType::u64),
                   ops::cast(b, operands[1], DType::u64))};
}

constexpr TracedOperator kOperators[] = {
    {"random", 2, random, 2},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_random = {trace::kOperators};
}
