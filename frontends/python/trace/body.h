// SPDX-License-Identifier: Apache-2.0
// What the functions of control flow (cond, while_loop, scan) do. Takes the calls that a function
// makes of placeholders; gives a Body, one object for all equal ones: a call's attribute, and later
// a region. Keeps true: a body refers to values by number alone, so that the same function of other
// values has the same body; nothing that was made in a body can be used, read or kept outside.
//
//   f = lambda c, x: (c * w + x, c)      inputs 0 1; w is capture 0
//   2 = multiply 0, capture 0
//   3 = add 2, 1                         results 3 0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "frontends/python/trace/operator.h"
#include "frontends/python/trace/signature.h"
#include "frontends/python/trace/value.h"

namespace mintor::trace {

struct Body {
  struct Step {
    const Signature* signature = nullptr;
    std::vector<int32_t> operands;  // numbers of values; -1 - n: capture n
    Place place;                    // where it was first, for messages
    int32_t scope = 0;              // scope_name of it; 0: none
  };
  int32_t inputs = 0;
  std::vector<Step> steps;
  std::vector<int32_t> results;    // as operands
  std::vector<int32_t> constants;  // captures that nobody can ask a gradient of
  std::vector<int64_t> integers;   // of the steps' attributes, in order
  Hash hash{};                     // of all of it
  Hash structure{};                // without sizes and integers; see general.h
};

// A body that was recorded before, by its hash.
const Body& body_of(const Hash& hash);

// Records the functions of one control flow operator, one after the other; what they capture is
// numbered in common.
class BodyRecorder {
 public:
  // `op`: for messages. `repeats`: a function may be run more than once. `assigns`: arrays from
  // outside may take values of the body; whoever records gives them their own ones back.
  BodyRecorder(std::string op, bool repeats, bool assigns = false)
      : op_(std::move(op)), repeats_(repeats), assigns_(assigns) {}
  BodyRecorder(const BodyRecorder&) = delete;
  ~BodyRecorder() { leave(); }

  // Between enter and leave the calls of this thread are the body's.
  void enter();
  Ref<Variable> input(const ValueType* type);
  std::vector<Ref<Variable>> record(const Signature* signature, std::span<Variable* const> operands,
                                    const Place& place, int32_t scope);
  const Body& finish(std::span<Variable* const> results);
  void leave();

  // For each of xs whether y depends on it, as far as gradients flow in this body.
  std::vector<bool> depends_on(const Variable* y, std::span<Variable* const> xs) const;
  // Throws where a gradient of y by xs would have to leave the body.
  void check_gradient(const Variable* y, std::span<Variable* const> xs) const;
  // Throws what a user has to know who does `what` with a value of a body.
  [[noreturn]] void refuse(const std::string& what, const std::string& help) const;

  const std::string& op() const { return op_; }
  bool repeats() const { return repeats_; }
  bool assigns() const { return assigns_; }
  uint32_t serial() const { return serial_; }  // of this body; Variable::body of what it makes
  std::thread::id thread() const { return thread_; }
  const std::vector<Ref<Variable>>& captures() const { return captures_; }

 private:
  Ref<Variable> made(const ValueType* type);
  int32_t number_of(Variable* value);

  std::string op_;
  bool repeats_, assigns_;
  uint32_t serial_ = 0;
  std::thread::id thread_;
  Body body_;
  int32_t next_ = 0;  // number of a value
  std::vector<Ref<Variable>> captures_;
  std::unordered_map<const Variable*, int32_t> capture_of_;
};

// The body's calls in a graph, of these inputs and captures; gives its results. `integers`: those
// of the body, where they are expressions.
std::vector<Value> write_body(SegmentGraph& graph, const Body& body, std::span<const Value> inputs,
                              std::span<const Value> captures, std::span<const Index> integers);
// A region that takes values like these, by position, and gives what `write` makes of them.
std::shared_ptr<const Graph> region_of(
    SegmentGraph& around, const char* name, const std::vector<Type>& inputs,
    const std::function<std::vector<Value>(SegmentGraph&, std::span<const Value>)>& write);

// The body as a graph of its own, of what `leaves` makes: its inputs, then its captures.
// `integers`: those of the body; empty: as recorded.
Graph graph_of_body(const std::string& name, const Body& body, std::span<const Index> integers,
                    const std::function<std::vector<Value>(Builder&)>& leaves);

}  // namespace mintor::trace
