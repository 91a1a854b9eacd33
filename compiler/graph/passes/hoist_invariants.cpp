// SPDX-License-Identifier: Apache-2.0
// What the body of a loop computes from its captures alone is computed before the loop: the packing
// of weights that are inputs, above all.
//   loop (h, w) { p = reindex (w); c = contract (h, p) }
//   ->  p = reindex (w); loop (h, w, p) { c = contract (h, p) }
// Takes a frozen graph; keeps bits. What has more elements than all that it is computed from stays
// (memory is not traded for work), and so does what costs nothing to compute again, and branches
// and loops in the body, which may not run at all.
#include <algorithm>

#include "compiler/graph/clone.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/sizes.h"

namespace mintor {

namespace {

// The values of a body that depend on its captures, and on nothing else that changes.
class Invariants {
 public:
  Invariants(const Graph& around, const Graph& body, size_t first_capture)
      : around_(around), body_(body), users_(users_of(body)) {
    const std::vector<const Node*> inputs = inputs_of(body);
    for (size_t i = first_capture; i < inputs.size(); ++i)
      captured_[inputs[i]] = count_of(inputs[i]->results[0].shape);
    for (const Node* node : live_nodes(body)) look_at(*node);
  }

  // Those that something else in the body reads, in order.
  std::vector<Value> worth_hoisting() const {
    std::vector<Value> found;
    for (const Node* node : live_nodes(body_)) {
      const auto sources = captured_.find(node);
      if (sources == captured_.end() || node->kind == Kind::input || is_free(*node)) continue;
      if (node->results.size() != 1 || !is_read_by_rest(*node)) continue;
      if (!fits(count_of(node->results[0].shape), sources->second)) continue;
      found.push_back({node, 0});
    }
    return found;
  }

 private:
  static bool is_free(const Node& node) {
    return node.kind == Kind::broadcast || node.kind == Kind::iota || node.kind == Kind::size;
  }

  // The elements of all captures that an invariant comes from are those of its operands.
  void look_at(const Node& node) {
    if (node.kind == Kind::input || node.operands.empty()) return;
    if (node.kind >= Kind::sort || node.kind == Kind::random || !has_sizes_of_outside(node)) return;
    Index elements = 0;
    bool any = false;
    for (const Value& v : node.operands) {
      const auto known = captured_.find(v.node);
      if (known == captured_.end()) {
        if (!is_constant(*v.node)) return;
        continue;
      }
      any = true;
      elements = elements + known->second;
    }
    if (any) captured_[&node] = elements;
  }

  bool has_sizes_of_outside(const Node& node) const {
    return std::ranges::all_of(symbols_of(node), [&](const std::string& symbol) {
      return around_.find_symbol(symbol) != nullptr;
    });
  }

  // The same in every iteration, whatever the captures are.
  bool is_constant(const Node& node) const {
    if (node.kind == Kind::input || node.kind >= Kind::sort) return false;
    if (!has_sizes_of_outside(node)) return false;
    return std::ranges::all_of(node.operands, [&](const Value& v) { return is_constant(*v.node); });
  }

  bool is_read_by_rest(const Node& node) const {
    const bool result =
        std::ranges::any_of(body_.results, [&](const Result& r) { return r.value.node == &node; });
    return result || std::ranges::any_of(users_[static_cast<size_t>(node.id)],
                                         [&](const Node* u) { return !captured_.contains(u); });
  }

  // Packing rounds up: a quarter more is no trade.
  static bool fits(const Index& made, const Index& from) {
    if (made == from) return true;
    return made.is_const() && from.is_const() && made.value() <= from.value() + from.value() / 4;
  }

  const Graph& around_;
  const Graph& body_;
  std::vector<std::vector<const Node*>> users_;
  std::unordered_map<const Node*, Index> captured_;  // elements of the captures that it comes from
};

// The body with one more input for each value, behind the others.
std::shared_ptr<const Graph> with_inputs(const Graph& body, const std::vector<Value>& values) {
  auto made = std::make_shared<Graph>(body.name());
  made->copy_sizes(body);
  Builder b(*made);
  Clones clones;
  for (const Node* input : inputs_of(body)) {
    const Type& type = input->results[0];
    clones[input] = {b.input(input->as<InputAttr>().name, type.dtype, type.shape)};
  }
  for (size_t v = 0; v < values.size(); ++v) {
    const Type& type = values[v].type();
    std::string name = "before_" + std::to_string(v);
    while (std::ranges::any_of(
        inputs_of(*made), [&](const Node* input) { return input->as<InputAttr>().name == name; }))
      name += "_";
    clones[values[v].node] = {b.input(name, type.dtype, type.shape)};
  }
  for (const Result& r : body.results)
    made->results.push_back({r.name, clone(b, body, r.value, clones)});
  clone_conditions(b, body, clones);
  return made;
}

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::loop) return std::nullopt;
                   RegionAttr attr = old.as<RegionAttr>();
                   const Graph& body = *attr.regions[0];
                   const auto given = static_cast<size_t>(attr.carried + attr.scanned);
                   const std::vector<Value> hoisted =
                       Invariants(graph, body, 1 + given).worth_hoisting();
                   if (hoisted.empty()) return std::nullopt;
                   Clones outside;
                   const std::vector<const Node*> inputs = inputs_of(body);
                   for (size_t i = given; i < operands.size(); ++i)
                     outside[inputs[1 + i]] = {operands[i]};
                   std::vector<Value> all(operands.begin(), operands.end());
                   for (const Value& value : hoisted) all.push_back(clone(b, body, value, outside));
                   attr.regions[0] = with_inputs(body, hoisted);
                   return b.node(old.kind, std::move(attr), all, old.results);
                 });
}

}  // namespace

extern const GraphPass pass_hoist_invariants;
const GraphPass pass_hoist_invariants = {
    "hoist_invariants", "what is the same in all iterations is computed before the loop", run};

}  // namespace mintor
