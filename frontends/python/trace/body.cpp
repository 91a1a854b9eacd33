// SPDX-License-Identifier: Apache-2.0
// Recording of bodies, and their calls in a Graph. Takes calls; gives them by number. Keeps true:
// what no gradient passes, or is differentiated by, inside of a body stays apart from equal values
// there: it is the result of a `call` of its own, which later passes make nothing of.
#include "frontends/python/trace/body.h"

#include <algorithm>
#include <set>

#include "compiler/grad/grad.h"
#include "compiler/ops/library.h"
#include "frontends/python/trace/tape.h"

namespace mintor::trace {
namespace {

struct HashOfHash {
  size_t operator()(const Hash& hash) const { return hash[0]; }
};

std::unordered_map<Hash, std::unique_ptr<const Body>, HashOfHash>& bodies() {
  static auto* const all = new std::unordered_map<Hash, std::unique_ptr<const Body>, HashOfHash>;
  return *all;
}

void mix_all(Hash& hash, const std::vector<int32_t>& numbers) {
  mix(hash, numbers.size());
  for (const int32_t number : numbers) mix(hash, static_cast<uint32_t>(number));
}

void hash_body(Body& body) {
  body.hash = body.structure = {static_cast<uint64_t>(body.inputs), 0};
  for (const Body::Step& step : body.steps) {
    for (const size_t half : {0, 1}) {
      mix(body.hash, step.signature->hash[half]);
      mix(body.structure, step.signature->structure[half]);
    }
    mix_all(body.hash, step.operands);
    mix_all(body.structure, step.operands);
    if (step.scope) mix(body.hash, static_cast<uint64_t>(step.scope));
    if (step.scope) mix(body.structure, static_cast<uint64_t>(step.scope));
  }
  for (const auto* numbers : {&body.results, &body.constants}) {
    mix_all(body.hash, *numbers);
    mix_all(body.structure, *numbers);
  }
}

}  // namespace

const Body& body_of(const Hash& hash) {
  const auto known = bodies().find(hash);
  check(known != bodies().end(), "body", "a body that was never recorded");
  return *known->second;
}

void BodyRecorder::enter() {
  static uint32_t last = 0;
  serial_ = ++last;
  thread_ = std::this_thread::get_id();
  body_ = {};
  next_ = 0;
  tape().bodies.push_back(this);
}

void BodyRecorder::leave() { std::erase(tape().bodies, this); }

Ref<Variable> BodyRecorder::made(const ValueType* type) {
  Ref<Variable> made(new Variable);
  made->type = type;
  made->body = serial_;
  made->leaf = next_++;
  return made;
}

Ref<Variable> BodyRecorder::input(const ValueType* type) {
  ++body_.inputs;
  return made(type);
}

int32_t BodyRecorder::number_of(Variable* value) {
  if (value->body == serial_) return value->leaf;
  const auto& active = tape().bodies;
  if (value->body != 0 && std::ranges::none_of(active, [&](const BodyRecorder* around) {
        return around->serial() == value->body;
      })) {
    refuse("uses a value that was made in another function", "return it from that function");
  }
  const auto [at, is_new] =
      capture_of_.try_emplace(value, -1 - static_cast<int32_t>(captures_.size()));
  if (is_new) captures_.emplace_back(value);
  return at->second;
}

std::vector<Ref<Variable>> BodyRecorder::record(const Signature* signature,
                                                std::span<Variable* const> operands,
                                                const Place& place, int32_t scope) {
  if (signature->op->flow == Flow::owned) {
    refuse("calls a mt.Function, whose gradient is made by Python", "write it with operators");
  }
  Body::Step step{signature, {}, place, scope};
  step.operands.reserve(operands.size());
  for (Variable* operand : operands) step.operands.push_back(number_of(operand));
  body_.steps.push_back(std::move(step));
  body_.integers.insert(body_.integers.end(), signature->integers.begin(),
                        signature->integers.end());
  std::vector<Ref<Variable>> results;
  results.reserve(signature->results.size());
  for (const ValueType* type : signature->results) results.push_back(made(type));
  return results;
}

const Body& BodyRecorder::finish(std::span<Variable* const> results) {
  for (Variable* result : results) body_.results.push_back(number_of(result));
  for (size_t i = 0; i < captures_.size(); ++i) {
    const Variable& capture = *captures_[i];
    if (capture.storage && !capture.producer && capture.handles == 0) {
      body_.constants.push_back(-1 - static_cast<int32_t>(i));
    }
  }
  hash_body(body_);
  const auto [at, is_new] = bodies().try_emplace(body_.hash);
  if (is_new) at->second = std::make_unique<const Body>(std::move(body_));
  leave();
  return *at->second;
}

std::vector<bool> BodyRecorder::depends_on(const Variable* y, std::span<Variable* const> xs) const {
  std::vector<bool> depends;
  for (Variable* x : xs) {
    std::set<int32_t> from;
    const auto captured = capture_of_.find(x);
    if (x->body == serial_) from.insert(x->leaf);
    if (captured != capture_of_.end()) from.insert(captured->second);
    int32_t next = body_.inputs;
    for (const Body::Step& step : body_.steps) {
      const bool flows = !step.signature->detached && step.signature->op->flow != Flow::stops;
      const bool reached = flows && std::ranges::any_of(step.operands, [&](int32_t operand) {
                             return from.contains(operand);
                           });
      for (size_t r = 0; r < step.signature->results.size(); ++r, ++next) {
        if (reached) from.insert(next);
      }
    }
    depends.push_back(y->body == serial_ && from.contains(y->leaf));
  }
  return depends;
}

void BodyRecorder::check_gradient(const Variable* y, std::span<Variable* const> xs) const {
  const std::string help = "compute it inside of the function, or the gradient outside";
  if (y->body != serial_) refuse("takes the gradient of a value from outside", help);
  for (const Ref<Variable>& capture : captures_) {
    for (Variable* x : xs) {
      if (capture.get() == x || !trace::depends_on(capture.get(), {&x, 1})[0]) continue;
      refuse(
          "takes a gradient by a value from outside that another one, which it uses too, was "
          "made of",
          help);
    }
  }
}

void BodyRecorder::refuse(const std::string& what, const std::string& help) const {
  const Tape& tape = trace::tape();
  const Place place = tape.current_place ? tape.current_place() : Place{};
  throw CompileError(op_, "its function " + what,
                     place.code && tape.describe_place ? tape.describe_place(place) : "", help);
}

namespace {

// The graph of a region, or of the calls that are written into it.
class RegionGraph final : public SegmentGraph {
 public:
  RegionGraph(Graph& graph, const Graph& around) : builder_(graph) { graph.copy_sizes(around); }
  Builder& builder() override { return builder_; }
  std::vector<Value> gradients(std::span<const Value> ys, std::span<const Value> cotangents,
                               std::span<const Value> xs, std::span<const Value> stops) override {
    return mintor::gradients(builder_, ys, cotangents, xs, stops);
  }

 private:
  Builder builder_;
};

// The same value, apart from its equals.
Value apart(Builder& b, Value x, int32_t number) {
  auto same = std::make_shared<Graph>("value" + std::to_string(number));
  same->copy_sizes(b.graph());
  same->results = {{"y", Builder(*same).input("x", x.dtype(), x.shape())}};
  return b.call({&x, 1}, same)[0];
}

}  // namespace

std::vector<Value> write_body(SegmentGraph& graph, const Body& body, std::span<const Value> inputs,
                              std::span<const Value> captures, std::span<const Index> integers) {
  Builder& b = graph.builder();
  std::set<int32_t> differentiated;
  for (const Body::Step& step : body.steps) {
    if (step.signature->op->flow == Flow::differentiates) {
      differentiated.insert(step.operands.begin(), step.operands.end());
    }
  }
  std::unordered_map<int32_t, Value> values;
  const auto keep = [&](int32_t number, Value value, bool flows) {
    if (!flows && is_float(value.dtype())) value = ops::stop_gradient(b, value);
    if (differentiated.contains(number)) value = apart(b, value, number);
    values[number] = value;
  };
  int32_t next = 0;
  for (const Value& input : inputs) keep(next++, input, true);
  for (size_t i = 0; i < captures.size(); ++i) {
    const int32_t number = -1 - static_cast<int32_t>(i);
    keep(number, captures[i], std::ranges::find(body.constants, number) == body.constants.end());
  }
  for (const Body::Step& step : body.steps) {
    const Signature& signature = *step.signature;
    std::vector<Value> operands;
    for (const int32_t number : step.operands) operands.push_back(values.at(number));
    const size_t count = std::min(integers.size(), signature.integers.size());
    AttributeReader reader(signature.op->name, signature.attributes, integers.first(count));
    integers = integers.subspan(count);
    const Builder::Scope scope(b, scope_name(step.scope));
    const bool flows = !signature.detached && signature.op->flow != Flow::stops &&
                       signature.op->history != History::dropped;
    for (const Value& made : signature.op->build(graph, operands, reader))
      keep(next++, made, flows);
  }
  std::vector<Value> results;
  for (const int32_t number : body.results) results.push_back(values.at(number));
  return results;
}

std::shared_ptr<const Graph> region_of(
    SegmentGraph& around, const char* name, const std::vector<Type>& inputs,
    const std::function<std::vector<Value>(SegmentGraph&, std::span<const Value>)>& write) {
  auto region = std::make_shared<Graph>(name);
  RegionGraph graph(*region, around.builder().graph());
  const size_t conditions = region->conditions().size();
  const Builder::Scope scope(graph.builder(), around.builder().scope());
  std::vector<Value> given;
  for (const Type& type : inputs) {
    given.push_back(
        graph.builder().input("x" + std::to_string(given.size()), type.dtype, type.shape));
  }
  for (const Value& made : write(graph, given)) {
    region->results.push_back({"y" + std::to_string(region->results.size()), made});
  }
  if (region->conditions().size() > conditions) throw NotGeneral{};
  return region;
}

Graph graph_of_body(const std::string& name, const Body& body, std::span<const Index> integers,
                    const std::function<std::vector<Value>(Builder&)>& leaves) {
  Graph graph(name);
  const Graph no_sizes;
  RegionGraph region(graph, no_sizes);
  const std::vector<Value> given = leaves(region.builder());
  const std::span<const Value> all(given);
  const auto inputs = static_cast<size_t>(body.inputs);
  for (const Value& made :
       write_body(region, body, all.first(inputs), all.subspan(inputs), integers)) {
    graph.results.push_back({"y" + std::to_string(graph.results.size()), made});
  }
  return graph;
}

}  // namespace mintor::trace
