// SPDX-License-Identifier: Apache-2.0
// Takes a value; walks its operands. Keeps true: a node without operands that is no parameter and
// no constant (an input, an iota) is not from parameters.
#include "compiler/graph/from_parameters.h"

#include <algorithm>
#include <functional>

namespace mintor {

bool FromParameters::operator()(const Value& value) {
  const Node& node = *value.node;
  if (const auto known = known_.find(&node); known != known_.end()) return known->second;
  bool all = node.kind == Kind::parameter || node.kind == Kind::constant;
  if (!all && !node.operands.empty())
    all = std::all_of(node.operands.begin(), node.operands.end(), std::ref(*this));
  return known_[&node] = all;
}

}  // namespace mintor
