// SPDX-License-Identifier: Apache-2.0
// A Graph of scalars (the body of a custom combiner) made ready to run on values.
// Takes a body whose nodes are inputs, 0-d constants, scalar functions and casts; gives its results
// for its inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

class ScalarProgram {
 public:
  // inputs: names in the order in which values will be passed. Throws CompileError on any other
  // kind of node.
  ScalarProgram(const Graph& body, std::span<const std::string> inputs);
  std::vector<Scalar> operator()(std::span<const Scalar> inputs);

 private:
  struct Step {
    const Node* node;
    int32_t result;
    std::vector<int32_t> operands;
  };
  std::vector<Step> steps_;
  std::vector<Scalar> values_;
  std::vector<int32_t> input_slots_, result_slots_;  // -1: an input that the body does not read
};

}  // namespace mintor
