// SPDX-License-Identifier: Apache-2.0
// The reverse walk. Node ids are a topological order, so the node with the highest id that holds
// gradients has received all of them.
// Takes what grad.h says; only nodes between the xs and the ys are looked at.
#include "compiler/grad/grad.h"

#include <algorithm>
#include <map>

#include "compiler/grad/rule.h"
#include "compiler/support/error.h"

namespace mintor {

namespace {

bool contains(std::span<const Value> values, const Value& v) {
  return std::ranges::find(values, v) != values.end();
}

class Walk {
 public:
  Walk(Builder& b, std::span<const Value> ys, std::span<const Value> xs,
       std::span<const Value> stops)
      : b_(b), xs_(xs), stops_(stops) {
    mark_dependent(ys);
  }

  void send(Value to, Value grad) {
    if (!grad || !carries(to)) return;
    auto& results = pending_[to.node->id];
    results.resize(to.node->results.size());
    results[static_cast<size_t>(to.result)].push_back(grad);
  }

  void run() {
    while (!pending_.empty()) {
      auto last = std::prev(pending_.end());
      const Node& node = *b_.graph().nodes()[static_cast<size_t>(last->first)];
      auto received = std::move(last->second);
      pending_.erase(last);
      visit(node, received);
    }
  }

  Value gradient(Value x) const {
    auto it = found_.find({x.node->id, x.result});
    return it == found_.end() ? zeros(b_, x.dtype(), x.shape()) : it->second;
  }

 private:
  bool carries(const Value& v) const {
    const auto id = static_cast<size_t>(v.node->id);
    return id < dependent_.size() && dependent_[id] && is_float(v.dtype());
  }

  // A node is of interest when one of its results is an x, or may change with one.
  void mark_dependent(std::span<const Value> ys) {
    size_t count = 0;
    for (const Value& y : ys) count = std::max(count, static_cast<size_t>(y.node->id) + 1);
    std::vector<bool> is_x(count, false), stopped(count, false);
    for (const Value& x : xs_)
      if (static_cast<size_t>(x.node->id) < count) is_x[static_cast<size_t>(x.node->id)] = true;
    for (const Value& s : stops_)
      if (static_cast<size_t>(s.node->id) < count) stopped[static_cast<size_t>(s.node->id)] = true;
    dependent_.assign(count, false);
    for (size_t id = 0; id < count; ++id) {
      const Node& node = *b_.graph().nodes()[id];
      const bool open = !stopped[id] || !all_stopped(node);
      dependent_[id] =
          is_x[id] ||
          (open && std::ranges::any_of(node.operands, [&](const Value& v) { return carries(v); }));
    }
  }

  bool all_stopped(const Node& node) const {
    for (size_t r = 0; r < node.results.size(); ++r)
      if (!contains(stops_, {&node, static_cast<int32_t>(r)})) return false;
    return true;
  }

  // The sum of what reached a value, rounded once to its dtype.
  Value sum(const std::vector<Value>& received, DType dtype) {
    Value total = received[0];
    for (size_t i = 1; i < received.size(); ++i)
      total = b_.apply(ScalarOp::add, {widened(b_, total), widened(b_, received[i])});
    return b_.cast(total, dtype);
  }

  void visit(const Node& node, const std::vector<std::vector<Value>>& received) {
    const std::vector<std::string>& scopes = b_.graph().scopes(&node);
    const Builder::Scope scope(b_, scopes.empty() ? "grad" : scopes.front() + "/grad");
    Backward at{b_, node, std::vector<Value>(received.size()), {}};
    bool flows = false;
    for (size_t r = 0; r < received.size(); ++r) {
      if (received[r].empty()) continue;
      const Value result{&node, static_cast<int32_t>(r)};
      const Value grad = sum(received[r], result.dtype());
      if (contains(xs_, result)) found_[{node.id, result.result}] = grad;
      if (contains(stops_, result)) continue;
      at.grads[r] = grad;
      flows = true;
    }
    for (const Value& v : node.operands) at.wanted.push_back(carries(v));
    if (!flows || std::ranges::find(at.wanted, true) == at.wanted.end()) return;
    const Gradients grads = backward(at);
    for (size_t i = 0; i < grads.size(); ++i)
      if (at.wanted[i]) send(node.operands[i], grads[i]);
  }

  Builder& b_;
  std::span<const Value> xs_, stops_;
  std::vector<bool> dependent_;                                 // by node id
  std::map<int32_t, std::vector<std::vector<Value>>> pending_;  // node id -> by result
  std::map<std::pair<int32_t, int32_t>, Value> found_;
};

void check_types(std::string_view what, std::span<const Value> values,
                 std::span<const Value> grads) {
  if (values.size() != grads.size())
    throw CompileError("grad", std::to_string(grads.size()) + " " + std::string(what) + " for " +
                                   std::to_string(values.size()) + " values");
  for (size_t i = 0; i < values.size(); ++i)
    if (!(values[i].type() == grads[i].type()))
      throw CompileError("grad", std::string(what) + " " + std::to_string(i) + " is " +
                                     to_string(grads[i].type()) + ", its value " +
                                     to_string(values[i].type()));
}

}  // namespace

std::vector<Value> gradients(Builder& b, std::span<const Value> ys, std::span<const Value> grad_ys,
                             std::span<const Value> xs, std::span<const Value> stops) {
  check_types("gradient", ys, grad_ys);
  Walk walk(b, ys, xs, stops);
  for (size_t i = 0; i < ys.size(); ++i) walk.send(ys[i], grad_ys[i]);
  walk.run();
  std::vector<Value> grads;
  for (const Value& x : xs) grads.push_back(walk.gradient(x));
  return grads;
}

std::vector<Value> jvp(Builder& b, std::span<const Value> ys, std::span<const Value> xs,
                       std::span<const Value> tangents, std::span<const Value> stops) {
  check_types("tangent", xs, tangents);
  // The cotangents' values are never read: a parameter of its own makes each a node of its own.
  std::vector<Value> cotangents;
  for (size_t i = 0; i < ys.size(); ++i) {
    const Value u =
        b.parameter("jvp_cotangent_" + std::to_string(i) + "_of_" + std::to_string(ys[i].node->id),
                    Tensor::scalar(Scalar::of(ys[i].dtype(), 1)));
    cotangents.push_back(b.broadcast(u, ys[i].shape(), {}));
  }
  const std::vector<Value> grads = gradients(b, ys, cotangents, xs, stops);
  return gradients(b, grads, tangents, cotangents);
}

}  // namespace mintor
