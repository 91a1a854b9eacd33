// SPDX-License-Identifier: Apache-2.0
// Which values come from parameters and constants alone, so that `prepare` can make them once.
// Asked by passes, by fusion and by the count of operations.
// Takes values of one graph that only grows; gives the answer, remembered by node. Keeps true: each
// node is looked at once; no recursion, a chain may be a million long.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "compiler/ir/graph.h"

namespace mintor {

class FromParameters {
 public:
  // `graph`: says which parameters are states, which do not keep their values.
  explicit FromParameters(const Graph& graph);
  bool operator()(const Value& value);

 private:
  bool answer(const Node& node) const;  // its operands are known

  std::set<std::string> states_;
  std::unordered_map<const Node*, bool> known_;
};

}  // namespace mintor
