// SPDX-License-Identifier: Apache-2.0
// What the iterations of a loop hand on as it is, the loop captures instead of carrying it: nobody
// copies it, and weights among it are known as such.
//   h, v = loop (h0, w) carried 2 { m = matmul (h, w); results m, w }
//   ->  h = loop (h0, w) carried 1 { .. results m };  v is w
// Takes a graph of any stage. Exporters carry everything that a body mentions. Captures come last
// among the inputs of a body.
#include <algorithm>

#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/inline.h"

namespace mintor {

namespace {

// By carried value: whether it is the same in all iterations. The condition of a loop is not.
std::vector<bool> unchanged(const Node& loop) {
  const RegionAttr& attr = loop.as<RegionAttr>();
  const Graph& body = *attr.regions[0];
  const std::vector<const Node*> inputs = inputs_of(body);
  std::vector<bool> found;
  for (size_t i = 0; i < static_cast<size_t>(attr.carried); ++i) {
    const Node* input = inputs[1 + i];
    found.push_back(!(attr.conditional && i == 0) && body.results[i].value.node == input &&
                    loop.operands[i].type() == input->results[0]);
  }
  return found;
}

// The numbers of all operands, those that become captures last.
std::vector<size_t> new_order(const Node& loop, const std::vector<bool>& captured) {
  std::vector<size_t> order, last;
  for (size_t i = 0; i < loop.operands.size(); ++i)
    (i < captured.size() && captured[i] ? last : order).push_back(i);
  order.insert(order.end(), last.begin(), last.end());
  return order;
}

std::shared_ptr<const Graph> body_in(const std::vector<size_t>& order, const Graph& body,
                                     const std::vector<bool>& captured) {
  auto made = std::make_shared<Graph>(body.name());
  made->copy_sizes(body);
  Builder b(*made);
  const std::vector<const Node*> inputs = inputs_of(body);
  std::vector<Value> values(inputs.size());
  const auto add = [&](size_t i) {
    const Type& type = inputs[i]->results[0];
    values[i] = b.input(inputs[i]->as<InputAttr>().name, type.dtype, type.shape);
  };
  add(0);
  for (const size_t operand : order) add(1 + operand);
  const std::vector<Value> results = inline_region(b, body, values);
  for (size_t r = 0; r < results.size(); ++r)
    if (r >= captured.size() || !captured[r])
      made->results.push_back({body.results[r].name, results[r]});
  return made;
}

std::optional<std::vector<Value>> captured_loop(Builder& b, const Node& old,
                                                std::span<const Value> operands) {
  if (old.kind != Kind::loop) return std::nullopt;
  const std::vector<bool> captured = unchanged(old);
  const auto count = static_cast<int32_t>(std::ranges::count(captured, true));
  if (count == 0) return std::nullopt;
  const std::vector<size_t> order = new_order(old, captured);
  RegionAttr attr = old.as<RegionAttr>();
  attr.carried -= count;
  attr.regions[0] = body_in(order, *attr.regions[0], captured);
  std::vector<Value> kept;
  for (const size_t operand : order) kept.push_back(operands[operand]);
  std::vector<Type> types;
  for (size_t r = 0; r < old.results.size(); ++r)
    if (r >= captured.size() || !captured[r]) types.push_back(old.results[r]);
  const std::vector<Value> made = b.node(Kind::loop, std::move(attr), kept, types);
  std::vector<Value> results;
  for (size_t r = 0, next = 0; r < old.results.size(); ++r)
    results.push_back(r < captured.size() && captured[r] ? operands[r] : made[next++]);
  return results;
}

Graph run(CompileContext&, const Graph& graph) { return rewrite(graph, captured_loop); }

}  // namespace

extern const GraphPass pass_capture_unchanged;
const GraphPass pass_capture_unchanged = {
    "capture_unchanged", "loops capture what all iterations hand on as it is", run};

}  // namespace mintor
