// SPDX-License-Identifier: Apache-2.0
// Comparison of weights. Takes tensors; gives what is equal. Keeps true: a comparison ends at the
// first byte that differs, so that a model's parameters are not read as a whole.
#include "compiler/program/weights.h"

#include <algorithm>
#include <cstring>

namespace mintor {

bool same_weight(const Tensor& a, const Tensor& b) {
  if (a.dtype != b.dtype || a.bytes() != b.bytes()) return false;
  return a.data == b.data || std::memcmp(a.data, b.data, static_cast<size_t>(a.bytes())) == 0;
}

std::vector<int32_t> equal_parameters(std::span<const Graph> graphs) {
  std::vector<int32_t> first;
  std::vector<const Tensor*> values;
  for (const Graph& graph : graphs) {
    for (const Node* node : live_nodes(graph)) {
      if (node->kind != Kind::parameter) continue;
      values.push_back(&node->as<ParameterAttr>().value);
      const auto same = std::ranges::find_if(
          values, [&](const Tensor* known) { return same_weight(*known, *values.back()); });
      first.push_back(static_cast<int32_t>(same - values.begin()));
    }
  }
  return first;
}

std::vector<bool> only_prepared(const Program& program) {
  std::set<int32_t> read;
  for (const Entry& entry : program.entries) read.merge(buffers_of(program, entry));
  for (const State& state : program.states) read.insert(root_of(program, state.initial));
  std::vector<bool> out;
  for (const Weight& weight : program.weights)
    out.push_back(program.fixed.empty() && !read.contains(root_of(program, weight.buffer)));
  return out;
}

}  // namespace mintor
