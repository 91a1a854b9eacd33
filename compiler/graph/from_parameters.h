// SPDX-License-Identifier: Apache-2.0
// Which values come from parameters and constants alone, so that `prepare` can make them once.
// Takes values of one graph that only grows; gives the answer, remembered by node. Keeps true: each
// node is looked at once.
#pragma once

#include <unordered_map>

#include "compiler/ir/graph.h"

namespace mintor {

class FromParameters {
 public:
  bool operator()(const Value& value);

 private:
  std::unordered_map<const Node*, bool> known_;
};

}  // namespace mintor
