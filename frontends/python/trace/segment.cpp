// SPDX-License-Identifier: Apache-2.0
// Calls -> Graph -> program. Each call is written by its operator's build function. Where equal
// values have to stay apart for gradients (results that nothing flows through, values with respect
// to which somebody differentiates, values of the history whose bytes are known), the Graph, which
// merges equal nodes, gets a *cut*: an input that stands for the value while gradients are made and
// is replaced by it afterwards.
#include "frontends/python/trace/segment.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "compiler/cli/model_io.h"
#include "compiler/driver/driver.h"
#include "compiler/grad/grad.h"
#include "compiler/graph/cost.h"
#include "frontends/python/trace/general.h"
#include "frontends/python/trace/layouts.h"
#include "frontends/python/trace/profile.h"
#include "frontends/python/trace/signature.h"
#include "frontends/python/trace/worker.h"

namespace mintor::trace {
namespace {

Shape symbolic(const ValueType& type) { return {type.shape.begin(), type.shape.end()}; }

struct Cut {
  Value input, original;
  bool flows;         // gradients go on into the original
  int32_t leaf = -1;  // whose bytes are the value; -1: it is computed
};

// What a gradient is where nothing reaches.
bool is_zeros(const Value& value) {
  const Value scalar = value.node->kind == Kind::broadcast ? value.node->operands[0] : value;
  if (scalar.node->kind != Kind::constant || !scalar.shape().empty()) return false;
  const Scalar filled = scalar.node->as<ConstantAttr>().value.at(0);
  return filled.f == 0 && filled.i == 0;
}

class Writer final : public SegmentGraph {
 public:
  Writer(const TapeContents& contents, const General* general, bool numbered = false,
         const Variable* only = nullptr)
      : contents_(contents),
        general_(general),
        numbered_(numbered),
        only_(only),
        leaves_(contents.leaves.size()) {
    for (size_t i = 0; i < contents.leaves.size(); ++i) {
      leaf_of_[contents.leaves[i].get()] = i;
      first_dim_.push_back(next_number_);
      next_number_ += contents.leaves[i]->type->shape.size();
    }
    if (general) add_symbols();
    find_needed();
  }

  Builder& builder() override { return builder_; }

  std::vector<Value> gradients(std::span<const Value> ys, std::span<const Value> cotangents,
                               std::span<const Value> xs, std::span<const Value> stops) override;

  // The Graph, its results in order of `wanted`; `inputs`: the leaf of each input, or -1 - s for
  // that of symbol s.
  Graph write(std::vector<std::array<int32_t, 3>>& wanted, std::vector<int32_t>& inputs);

 private:
  using Results = std::vector<Value>;

  bool is_result(const Variable* result) const {
    return only_ ? result == only_ : is_wanted(result);
  }
  void find_needed();
  void add_symbols();
  void write_call(const Call& call, Results& results);
  Value value_of(const Variable& variable);
  Value leaf(size_t slot);
  Value cut(Value original, bool flows, int32_t leaf);
  Graph without_cuts(const std::vector<std::pair<std::string, Value>>& results,
                     std::vector<int32_t>& inputs);

  const TapeContents& contents_;
  const General* general_;
  const bool numbered_;
  const Variable* const only_;
  size_t next_number_ = 0;          // of general_->numbers
  std::vector<size_t> first_dim_;   // of each leaf, in the same
  std::vector<Value> size_inputs_;  // by symbol
  Graph graph_{"segment"};
  Builder builder_{graph_};
  std::map<const Variable*, size_t> leaf_of_;
  std::set<const Call*> needed_;
  std::map<const Call*, Results> results_;
  std::map<const Variable*, bool> differentiated_;
  std::vector<Value> leaves_;
  std::vector<Cut> cuts_;
};

// Calls that a wanted result depends on.
void Writer::find_needed() {
  std::vector<const Call*> from;
  std::set<const Call*> on_tape;
  for (const auto* calls : {&contents_.history, &contents_.calls}) {
    for (const Ref<Call>& call : *calls) {
      on_tape.insert(call.get());
      const auto wanted = [&](const Variable* result) { return is_result(result); };
      if (std::ranges::any_of(call->results, wanted)) from.push_back(call.get());
    }
  }
  while (!from.empty()) {
    const Call* call = from.back();
    from.pop_back();
    if (!needed_.insert(call).second) continue;
    for (const Ref<Variable>& operand : call->operands) {
      const Call* producer = operand->producer.get();
      if (producer && on_tape.contains(producer)) from.push_back(producer);
    }
  }
  // Values with respect to which a gradient is asked for stay apart from their equals.
  for (const Ref<Call>& call : contents_.calls) {
    if (!needed_.contains(call.get()) || call->signature->op->flow != Flow::differentiates)
      continue;
    for (const Ref<Variable>& operand : call->operands) differentiated_[operand.get()] = true;
  }
}

void Writer::add_symbols() {
  for (size_t s = 0; s < general_->hints.size(); ++s) {
    graph_.add_symbol({symbol_name(s), 2, general_->most[s], 1, general_->hints[s]});
    size_inputs_.push_back(
        builder_.input("size" + std::to_string(s), DType::u8, {Index::var(symbol_name(s))}));
  }
}

Value Writer::leaf(size_t slot) {
  if (leaves_[slot]) return leaves_[slot];
  const ValueType& type = *contents_.leaves[slot]->type;
  Shape shape = symbolic(type);
  if (general_) {
    for (size_t d = 0; d < shape.size(); ++d) shape[d] = general_->numbers[first_dim_[slot] + d];
  }
  leaves_[slot] = builder_.input("x" + std::to_string(slot), type.dtype, std::move(shape));
  return leaves_[slot];
}

Value Writer::value_of(const Variable& variable) {
  const auto produced = results_.find(variable.producer.get());
  if (produced != results_.end()) return produced->second[static_cast<size_t>(variable.result)];
  return leaf(leaf_of_.at(&variable));
}

Value Writer::cut(Value original, bool flows, int32_t leaf) {
  const std::string name = "cut" + std::to_string(cuts_.size());
  const Value input = builder_.input(name, original.dtype(), original.shape());
  cuts_.push_back({input, original, flows, leaf});
  return input;
}

void Writer::write_call(const Call& call, Results& results) {
  const Signature& signature = *call.signature;
  std::vector<Value> operands;
  for (const Ref<Variable>& operand : call.operands) operands.push_back(value_of(*operand));
  std::span<const Index> integers;
  if (general_) {
    integers = std::span(general_->numbers).subspan(next_number_, signature.integers.size());
  }
  AttributeReader reader(signature.op->name, signature.attributes, integers);
  results = signature.op->build(*this, operands, reader);
  const bool stops = signature.detached || signature.op->flow == Flow::stops ||
                     signature.op->flow == Flow::owned || signature.op->history == History::dropped;
  for (size_t r = 0; r < results.size(); ++r) {
    const Variable* result = call.results[r];
    const auto known = result && result->storage ? leaf_of_.find(result) : leaf_of_.end();
    const int32_t slot = known == leaf_of_.end() ? -1 : static_cast<int32_t>(known->second);
    if (stops || slot >= 0 || (result && differentiated_.contains(result))) {
      results[r] = cut(results[r], !stops, slot);
    }
  }
}

std::vector<Value> Writer::gradients(std::span<const Value> given_ys,
                                     std::span<const Value> cotangents, std::span<const Value> xs,
                                     std::span<const Value> stops) {
  std::vector<Value> ys(given_ys.begin(), given_ys.end());
  const auto is_stop = [&](Value value) { return std::ranges::find(stops, value) != stops.end(); };
  // Gradients reach a cut as they reach an input, and go on from it into what it stands for, the
  // last made first: its original depends on earlier ones alone.
  std::vector<Value> targets(xs.begin(), xs.end());
  std::vector<size_t> flowing;
  for (size_t i = 0; i < cuts_.size(); ++i) {
    if (!cuts_[i].flows) continue;
    if (is_stop(cuts_[i].input)) {
      std::ranges::replace(ys, cuts_[i].input, cuts_[i].original);
      continue;
    }
    flowing.push_back(i);
    targets.push_back(cuts_[i].input);
  }
  std::vector<Value> sums = mintor::gradients(builder_, ys, cotangents, targets);
  for (size_t f = flowing.size(); f-- > 0;) {
    const Value reached = sums[xs.size() + f];
    if (is_zeros(reached)) continue;
    const Cut& at = cuts_[flowing[f]];
    const std::vector<Value> more =
        mintor::gradients(builder_, std::array{at.original}, std::array{reached}, targets);
    for (size_t t = 0; t < targets.size(); ++t) {
      if (is_zeros(more[t])) continue;
      sums[t] = is_zeros(sums[t]) ? more[t] : builder_.apply(ScalarOp::add, {sums[t], more[t]});
    }
  }
  sums.resize(xs.size());
  return sums;
}

// A copy of the Graph in which each cut is what it stands for.
Graph Writer::without_cuts(const std::vector<std::pair<std::string, Value>>& results,
                           std::vector<int32_t>& inputs) {
  std::map<const Node*, const Cut*> cut_of;
  for (const Cut& cut : cuts_) cut_of[cut.input.node] = &cut;
  const auto stands_for = [&](Value value) {
    for (auto at = cut_of.find(value.node); at != cut_of.end(); at = cut_of.find(value.node)) {
      value = at->second->leaf >= 0 ? leaf(static_cast<size_t>(at->second->leaf))
                                    : at->second->original;
    }
    return value;
  };
  std::set<const Node*> live;
  std::vector<const Node*> from;
  for (const auto& [name, value] : results) from.push_back(stands_for(value).node);
  while (!from.empty()) {
    const Node* node = from.back();
    from.pop_back();
    if (!live.insert(node).second) continue;
    for (const Value& operand : node->operands) from.push_back(stands_for(operand).node);
    for (const std::string& symbol : symbols_of(*node)) {
      const Node* definer = definer_of(graph_, symbol);
      if (definer && definer->kind != Kind::input) from.push_back(definer);
    }
  }
  std::map<const Node*, size_t> slot_of;  // leaves that stand for cuts are made by now
  for (size_t i = 0; i < leaves_.size(); ++i) {
    if (leaves_[i]) slot_of[leaves_[i].node] = i;
  }

  Graph out("segment");
  out.copy_sizes(graph_);
  if (general_ && !graph_.conditions().empty()) throw NotGeneral{};
  std::map<const Node*, const Node*> copy_of;
  for (size_t s = 0; s < size_inputs_.size(); ++s) {
    const Node& node = *size_inputs_[s].node;
    copy_of[&node] = out.add(node.kind, node.attr, {}, node.results);
    inputs.push_back(-1 - static_cast<int32_t>(s));
  }
  const auto copied = [&](Value value) {
    value = stands_for(value);
    return Value{copy_of.at(value.node), value.result};
  };
  const auto copy = [&](const Node& node) {
    if (const auto slot = slot_of.find(&node); slot != slot_of.end()) {
      inputs.push_back(static_cast<int32_t>(slot->second));
    }
    std::vector<Value> operands;
    for (const Value& operand : node.operands) operands.push_back(copied(operand));
    const Node* made = out.add(node.kind, node.attr, std::move(operands), node.results);
    for (const std::string& scope : graph_.scopes(&node)) out.add_scope(made, scope);
    copy_of[&node] = made;
  };
  // Leaves that stand for cuts may have been made last.
  for (const auto& node : graph_.nodes()) {
    if (live.contains(node.get()) && node->kind == Kind::input) copy(*node);
  }
  for (const auto& node : graph_.nodes()) {
    if (live.contains(node.get()) && node->kind != Kind::input) copy(*node);
  }
  for (const auto& [name, value] : results) out.results.push_back({name, copied(value)});
  return out;
}

Graph Writer::write(std::vector<std::array<int32_t, 3>>& wanted, std::vector<int32_t>& inputs) {
  std::vector<std::pair<std::string, Value>> results;
  for (const bool history : {true, false}) {
    const auto& calls = history ? contents_.history : contents_.calls;
    for (size_t c = 0; c < calls.size(); ++c) {
      const Call* call = calls[c].get();
      if (needed_.contains(call)) {
        const std::string number = (history ? "past#" : "call#") + std::to_string(c);
        const Builder::Scope scope(builder_, numbered_ ? number : scope_name(call->scope));
        Results made;
        write_call(*call, made);
        results_[call] = std::move(made);
      }
      next_number_ += call->signature->integers.size();
      if (!needed_.contains(call)) continue;
      const Results& made = results_[call];
      for (size_t r = 0; r < made.size(); ++r) {
        if (!is_result(call->results[r])) continue;
        wanted.push_back({history ? 1 : 0, static_cast<int32_t>(c), static_cast<int32_t>(r)});
        results.emplace_back("y" + std::to_string(results.size()), made[r]);
      }
    }
  }
  return without_cuts(results, inputs);
}

Variable* result_of(const TapeContents& contents, bool in_history, int32_t call, int32_t result) {
  const auto& calls = in_history ? contents.history : contents.calls;
  return calls[static_cast<size_t>(call)]->results[static_cast<size_t>(result)];
}

mt_tensor tensor_of(const ValueType& type, const Layout* layout) {
  if (type.shape.size() > MT_MAX_RANK) {
    throw CompileError("array", "an array has " + std::to_string(type.shape.size()) +
                                    " dimensions, at most " + std::to_string(MT_MAX_RANK) +
                                    " are supported");
  }
  mt_tensor tensor{};
  tensor.dtype = static_cast<int32_t>(type.dtype);
  tensor.rank = static_cast<int32_t>(type.shape.size());
  tensor.bytes = static_cast<size_t>(type.bytes);
  std::ranges::copy(sizes_in(layout, type.shape), tensor.shape);
  return tensor;
}

}  // namespace

Graph Segment::graph(const TapeContents& contents, bool numbered, const Variable* only) {
  std::vector<std::array<int32_t, 3>> wanted;
  std::vector<int32_t> inputs;
  return Writer(contents, nullptr, numbered, only).write(wanted, inputs);
}

namespace {

// Whether waking a second thread costs more than it takes over. A launch of a few microseconds is
// slower on two: 1,000 steps of a model of two small layers take 39 ms on one thread, 83 ms on two
// (Intel Xeon, 2 cores, 2026-11-29). An operation of a contract costs a sixteenth of others.
bool is_small(const Graph& graph) {
  constexpr int64_t kFewOperations = int64_t{1} << 18;
  const GraphCost cost = cost_of(graph, typical_symbols(graph));
  return cost.flops - cost.contract_flops + cost.contract_flops / 16 < kFewOperations;
}

}  // namespace

std::unique_ptr<Segment> Segment::compile(const TapeContents& contents, int threads,
                                          const General* general) {
  auto segment = std::make_unique<Segment>();
  segment->is_general_ = general != nullptr;
  std::vector<std::array<int32_t, 3>> wanted;
  std::vector<int32_t> inputs;
  Graph graph = Writer(contents, general).write(wanted, inputs);
  if (wanted.empty()) return segment;
  for (const auto& [in_history, call, result] : wanted) {
    segment->outputs_.push_back({in_history != 0, call, result});
  }
  for (const int32_t input : inputs) {
    segment->inputs_.push_back(input >= 0 ? Input{input, -1} : Input{-1, -1 - input});
  }
  LaidOut laid_out = with_layouts(std::move(graph), segment->layouts_now(contents));
  graph = std::move(laid_out.graph);
  for (size_t i = 0; i < inputs.size(); ++i) segment->inputs_[i].layout = laid_out.inputs[i];
  for (size_t i = 0; i < wanted.size(); ++i) segment->outputs_[i].layout = laid_out.results[i];
  if (!general) segment->describe(contents, {});
  CompileContext context;
  context.options.threads = threads;
  LoadOptions load;
  segment->is_small_ = mintor::trace::is_small(graph);
  load.threads = segment->is_small_ ? 1 : threads_of(context.options);
  if (is_profiling()) load.profile = note_launch;
  segment->model_ = jit(context, graph, levels_of(context, DefaultLevels::native), load);
  return segment;
}

void Segment::describe(const TapeContents& contents, std::span<const int64_t> symbols) {
  given_.clear();
  made_.clear();
  for (const Input& input : inputs_) {
    if (input.leaf >= 0) {
      given_.push_back(
          tensor_of(*contents.leaves[static_cast<size_t>(input.leaf)]->type, input.layout));
      continue;
    }
    static std::byte nothing{};  // never read: its extent is the size
    mt_tensor size{};
    size.data = &nothing;
    size.dtype = static_cast<int32_t>(DType::u8);
    size.rank = 1;
    size.shape[0] = symbols[static_cast<size_t>(input.symbol)];
    size.bytes = static_cast<size_t>(size.shape[0]);
    given_.push_back(size);
  }
  for (const Output& output : outputs_) {
    made_.push_back(tensor_of(
        *result_of(contents, output.in_history, output.call, output.result)->type, output.layout));
  }
}

std::vector<const Layout*> Segment::layouts_now(const TapeContents& contents) const {
  std::vector<const Layout*> layouts;
  for (const Input& input : inputs_) {
    const Variable* leaf =
        input.leaf < 0 ? nullptr : contents.leaves[static_cast<size_t>(input.leaf)].get();
    layouts.push_back(leaf && leaf->storage ? leaf->storage->layout : nullptr);
  }
  return layouts;
}

void Segment::lay_out(const TapeContents& contents, const std::function<void(int64_t)>& wait) {
  bool counted = false;
  for (const Input& input : inputs_) {
    if (input.leaf < 0) continue;
    Variable& leaf = *contents.leaves[static_cast<size_t>(input.leaf)];
    if (!leaf.storage || leaf.storage->layout == input.layout) continue;
    wait(leaf.storage->ticket);
    if (!input.layout && !std::exchange(counted, true)) ++moved_;
    leaf.storage = moved(*leaf.type, *leaf.storage, input.layout);
  }
}

std::vector<Ref<Storage>> Segment::prepare(const TapeContents& contents,
                                           std::span<const int64_t> symbols) {
  if (is_general_) describe(contents, symbols);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].leaf < 0) continue;
    given_[i].data = contents.leaves[static_cast<size_t>(inputs_[i].leaf)]->storage->data;
  }
  std::vector<Ref<Storage>> storages;
  storages.reserve(outputs_.size());
  for (size_t i = 0; i < outputs_.size(); ++i) {
    storages.emplace_back(new Storage(static_cast<int64_t>(made_[i].bytes)));
    storages.back()->layout = outputs_[i].layout;
    made_[i].data = storages.back()->data;
  }
  return storages;
}

void Segment::give(const TapeContents& contents, std::vector<Ref<Storage>> storages) const {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    Variable* result =
        result_of(contents, outputs_[i].in_history, outputs_[i].call, outputs_[i].result);
    if (result) result->storage = std::move(storages[i]);  // it may have been let go meanwhile
  }
}

void Segment::run(const TapeContents& contents, std::span<const int64_t> symbols,
                  const Apart& apart) {
  if (!model_) return;
  std::vector<Ref<Storage>> storages = prepare(contents, symbols);
  apart([&] { model_->context().run(given_.data(), made_.data()); });
  give(contents, std::move(storages));
}

class SegmentJob final : public Job {
 public:
  std::shared_ptr<Segment> segment;
  std::vector<mt_tensor> given, made;
  std::vector<Ref<Storage>> storages;  // of both: they stay alive
  void run() override { segment->model_->context().run(given.data(), made.data()); }
};

int64_t Segment::submit(const std::shared_ptr<Segment>& segment, const TapeContents& contents,
                        std::span<const int64_t> symbols) {
  if (!segment->model_) return 0;
  auto job = std::make_unique<SegmentJob>();
  job->segment = segment;
  std::vector<Ref<Storage>> storages = segment->prepare(contents, symbols);
  job->given = segment->given_;
  job->made = segment->made_;
  job->storages = storages;
  for (const Input& input : segment->inputs_) {
    if (input.leaf < 0) continue;
    const Ref<Storage>& taken = contents.leaves[static_cast<size_t>(input.leaf)]->storage;
    job->storages.push_back(taken);
    if (taken->ticket) job->after.push_back(taken->ticket);
  }
  const Ticket ticket = worker().submit(std::move(job));
  for (const Ref<Storage>& storage : storages) storage->ticket = ticket;
  segment->give(contents, std::move(storages));
  return ticket;
}

}  // namespace mintor::trace
