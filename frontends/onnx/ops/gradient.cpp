// SPDX-License-Identifier: Apache-2.0
// Gradient (ai.onnx.preview.training): how a value of the model changes with others.
//   dy/dx of each name in `xs`, where xs and zs have the values that are given
// Takes values that were computed before the node; gives gradients by compiler/grad. Keeps true:
// where what is given is what the names stand for, nothing is computed again.
#include <deque>
#include <map>

#include "compiler/grad/grad.h"
#include "compiler/ir/open_sizes.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

using Replaced = std::map<OnnxKey, Value>;

Value named(OnnxNode& n, const std::string& name) {
  const auto& values = n.state().values;
  const auto found = values.find(name);
  if (found == values.end() || !found->second.value)
    n.fail("'" + printable(name) + "' is no tensor that is computed before it");
  return found->second.value;
}

// The value as it would be with others in place of some that it is computed from.
class Again {
 public:
  Again(OnnxNode& n, Replaced replaced) : n_(n), now_(std::move(replaced)) {}

  Value operator()(const Value& value) {
    std::map<int32_t, const Node*> left{{value.node->id, value.node}};
    while (!left.empty()) {  // ids ascend from operands to users
      const Node* node = left.rbegin()->second;
      left.erase(node->id);
      order_.push_front(node);
      for (const Value& x : node->operands)
        if (!now_.contains(key_of(x))) left.emplace(x.node->id, x.node);
    }
    for (const Node* node : order_) make(*node);
    return now(value);
  }

 private:
  Value now(const Value& value) const {
    const auto found = now_.find(key_of(value));
    return found == now_.end() ? value : found->second;
  }
  void make(const Node& node) {
    std::vector<Value> operands;
    for (const Value& x : node.operands) operands.push_back(now(x));
    if (operands == node.operands) return;
    if (!bound_by(node).empty()) n_.fail("data decide a size between its inputs and y");
    const auto made = n_.builder().node(node.kind, node.attr, operands, node.results);
    for (size_t r = 0; r < made.size(); ++r)
      now_.emplace(OnnxKey{node.id, static_cast<int32_t>(r)}, made[r]);
  }

  OnnxNode& n_;
  Replaced now_;
  std::deque<const Node*> order_;
};

void gradient(OnnxNode& n) {
  std::vector<std::string> names = n.texts("xs");
  const size_t count = names.size();
  for (const std::string& z : n.texts("zs")) names.push_back(z);
  n.need_inputs(names.size(), names.size());
  Replaced replaced;
  std::vector<Value> given;
  for (size_t i = 0; i < names.size(); ++i) {
    const Value stands = named(n, names[i]);
    given.push_back(n.in(i));
    if (!(given[i].type() == stands.type()))
      n.fail("is given a value of another type or shape for '" + printable(names[i]) + "'");
    if (!(given[i] == stands)) replaced.emplace(key_of(stands), given[i]);
  }
  Value y = named(n, n.text("y", ""));
  if (!is_float(y.dtype()))
    n.fail("y is " + std::string(name_of(y.dtype())) + ", which has no gradient");
  if (!replaced.empty()) y = Again(n, replaced)(y);
  const Value ones = n.builder().broadcast(ops::scalar(n.builder(), y.dtype(), 1), y.shape(), {});
  const auto made = gradients(n.builder(), std::span(&y, 1), std::span(&ones, 1), given, given);
  for (size_t i = 0; i < count; ++i) n.out(i, made[i]);
}

constexpr OnnxOp kOps[] = {
    {"ai.onnx.preview.training.Gradient", 1, 0, gradient, "any",
     "the gradient of each node that y is computed by"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_gradient;
const OnnxOpGroup onnx_ops_gradient{kOps};

}  // namespace mintor
