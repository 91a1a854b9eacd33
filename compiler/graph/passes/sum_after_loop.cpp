// SPDX-License-Identifier: Apache-2.0
// A loop that adds up contracts is one contract over all iterations behind it: the gradient of a
// recurrent layer's weights.
//   loop { s = input; c = contract (x, y) k = k; t = add (s, c) }  carried s
//   ->  loop { } stacked x, y;  add (s, contract (x.., y..) k = step, k)
// Takes a graph before sums have their orders; changes them. Keeps true: the carried value is read
// by nothing but its own sum; transposes between the contract and the sum follow it outside.
#include <algorithm>

#include "compiler/graph/clone.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/open_sizes.h"

namespace mintor {

namespace {

// What a carried value adds up: a contract, and the index nodes from it to the sum, inner first.
struct Sum {
  size_t carried = 0;
  const Node* contract = nullptr;
  std::vector<const Node*> moves;
};

struct Loop {
  const Graph& around;
  const Node& node;
  const RegionAttr& attr = node.as<RegionAttr>();
  const Graph& body = *attr.regions[0];
  std::vector<const Node*> inputs = inputs_of(body);
  std::vector<std::vector<const Node*>> users = users_of(body);
  size_t carried = static_cast<size_t>(attr.carried);
  size_t scanned = static_cast<size_t>(attr.scanned);

  bool is_result(const Node& of) const {
    return std::ranges::any_of(body.results, [&](const Result& r) { return r.value.node == &of; });
  }
  const Node* only_user(const Node& of) const {
    const auto& all = users[static_cast<size_t>(of.id)];
    return all.size() == 1 && !is_result(of) ? all[0] : nullptr;
  }

  std::optional<Sum> sum_of(size_t c) const {
    const Node& before = *inputs[1 + c];
    const Node* add = only_user(before);
    if (add == nullptr || add->kind != Kind::binary || add->as<ScalarAttr>().op != ScalarOp::add ||
        body.results[c].value.node != add)
      return std::nullopt;
    if (!users[static_cast<size_t>(add->id)].empty() ||
        std::ranges::count(body.results, Value{add, 0}, &Result::value) != 1)
      return std::nullopt;
    const bool first = add->operands[0].node == &before;
    if (add->operands[first ? 1 : 0].node == &before) return std::nullopt;
    const Node* at = add->operands[first ? 1 : 0].node;
    Sum sum{c, nullptr, {}};
    const Node* reader = add;
    for (; at->kind == Kind::reindex && only_user(*at) == reader; at = at->operands[0].node) {
      if (!is_transpose(*at)) return std::nullopt;
      sum.moves.insert(sum.moves.begin(), at);
      reader = at;
    }
    if (at->kind != Kind::contract || only_user(*at) != reader) return std::nullopt;
    for (const Node* node : {at, at->operands[0].node, at->operands[1].node})
      if (!has_sizes_of_outside(*node)) return std::nullopt;
    sum.contract = at;
    return sum;
  }

  bool has_sizes_of_outside(const Node& of) const {
    return std::ranges::all_of(symbols_of(of), [&](const std::string& symbol) {
      return around.find_symbol(symbol) != nullptr;
    });
  }

  // Each element goes to one place.
  static bool is_transpose(const Node& reindex) {
    const IndexMap& map = reindex.as<ReindexAttr>().map;
    if (!map.loads.empty() || !map.conditions.empty()) return false;
    if (map.coords.size() != reindex.results[0].shape.size()) return false;
    std::vector<bool> seen(map.coords.size());
    for (const Index& coord : map.coords) {
      const auto name = coord.as_var();
      if (!name || name->empty() || (*name)[0] != 'i') return false;
      const size_t dim = std::stoul(name->substr(1));
      if (dim >= seen.size() || seen[dim]) return false;
      seen[dim] = true;
    }
    return true;
  }
};

// The loop without the sums, and what its new results are.
class WithoutSums {
 public:
  WithoutSums(Builder& b, const Loop& loop, std::span<const Value> operands,
              const std::vector<Sum>& sums)
      : b_(b),
        loop_(loop),
        operands_(operands),
        sums_(sums),
        graph_(std::make_shared<Graph>(loop.body.name())) {}

  std::vector<Value> run() {
    make_body();
    RegionAttr attr = loop_.attr;
    attr.carried -= static_cast<int32_t>(sums_.size());
    attr.regions[0] = graph_;
    std::vector<Value> given;
    for (size_t i = 0; i < operands_.size(); ++i)
      if (!is_sum(i)) given.push_back(operands_[i]);
    const std::vector<Value> made = b_.node(Kind::loop, std::move(attr), given, {});
    std::vector<Value> results;
    size_t next = 0;
    for (size_t r = 0; r < loop_.node.results.size(); ++r)
      results.push_back(is_sum(r) ? Value{} : made[next++]);
    for (const Sum& sum : sums_) results[sum.carried] = total(sum, made);
    return results;
  }

 private:
  bool is_sum(size_t i) const { return std::ranges::find(sums_, i, &Sum::carried) != sums_.end(); }

  void make_body() {
    graph_->copy_sizes(loop_.body);
    Builder in(*graph_);
    Clones clones;
    for (size_t i = 0; i < loop_.inputs.size(); ++i) {
      if (i > 0 && is_sum(i - 1)) continue;
      const Node& input = *loop_.inputs[i];
      const Type& type = input.results[0];
      clones[&input] = {in.input(input.as<InputAttr>().name, type.dtype, type.shape)};
    }
    for (size_t r = 0; r < loop_.body.results.size(); ++r) {
      if (is_sum(r)) continue;
      const Result& result = loop_.body.results[r];
      graph_->results.push_back({result.name, clone(in, loop_.body, result.value, clones)});
    }
    clone_conditions(in, loop_.body, clones);
    for (const Sum& sum : sums_)
      for (const Value& operand : sum.contract->operands) stack(in, operand, clones);
  }

  // Makes an operand of a contract a stacked result, unless the loop is given it or gives it.
  void stack(Builder& in, const Value& operand, Clones& clones) {
    if (operand.node->kind == Kind::input && position(*operand.node) >= first_scanned()) return;
    if (find_stacked(operand)) return;
    const std::string name = "all_" + std::to_string(stacked_.size());
    stacked_.push_back(operand);
    graph_->results.push_back({free_name(name), clone(in, loop_.body, operand, clones)});
  }

  std::string free_name(std::string name) const {
    while (std::ranges::find(graph_->results, name, &Result::name) != graph_->results.end())
      name += "_";
    return name;
  }

  size_t position(const Node& input) const {
    return static_cast<size_t>(std::ranges::find(loop_.inputs, &input) - loop_.inputs.begin());
  }
  size_t first_scanned() const { return 1 + loop_.carried; }
  size_t first_capture() const { return first_scanned() + loop_.scanned; }

  // Among the results of the new loop.
  std::optional<size_t> find_stacked(const Value& operand) const {
    const size_t kept = loop_.carried - sums_.size();
    size_t next = kept;
    for (size_t r = loop_.carried; r < loop_.body.results.size(); ++r, ++next)
      if (loop_.body.results[r].value == operand) return next;
    const auto found = std::ranges::find(stacked_, operand);
    if (found == stacked_.end()) return std::nullopt;
    return next + static_cast<size_t>(found - stacked_.begin());
  }

  // An operand for all iterations, and whether it has a dimension for them.
  std::pair<Value, bool> whole(const Value& operand, const std::vector<Value>& made) const {
    if (operand.node->kind == Kind::input) {
      const size_t at = position(*operand.node);
      if (at >= first_scanned()) return {operands_[at - 1], at < first_capture()};
    }
    return {made[*find_stacked(operand)], true};
  }

  Value total(const Sum& sum, const std::vector<Value>& made) {
    Contract contract = sum.contract->as<Contract>();
    std::string step = "step";
    while (std::ranges::find(contract.axes, step, &ContractAxis::name) != contract.axes.end())
      step += "_";
    const auto [x, x_moves] = whole(sum.contract->operands[0], made);
    const auto [y, y_moves] = whole(sum.contract->operands[1], made);
    if (x_moves) contract.x_coords.insert(contract.x_coords.begin(), Index::var(step));
    if (y_moves) contract.y_coords.insert(contract.y_coords.begin(), Index::var(step));
    const auto first_summed = std::ranges::find_if(contract.axes, [](const ContractAxis& axis) {
      return axis.role == AxisRole::k || axis.role == AxisRole::window;
    });
    contract.axes.insert(first_summed, {step, AxisRole::k, loop_.attr.trip});
    Value all = b_.contract(x, y, contract);
    for (const Node* move : sum.moves)
      all = b_.node(move->kind, move->attr, {{all}}, move->results)[0];
    return b_.apply(ScalarOp::add, {operands_[sum.carried], all});
  }

  Builder& b_;
  const Loop& loop_;
  std::span<const Value> operands_;
  const std::vector<Sum>& sums_;
  std::shared_ptr<Graph> graph_;
  std::vector<Value> stacked_;  // beside what the loop stacked before
};

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(
      graph,
      [&](Builder& b, const Node& old,
          std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (old.kind != Kind::loop || old.as<RegionAttr>().conditional || !bound_by(old).empty())
          return std::nullopt;
        const Loop loop{graph, old};
        std::vector<Sum> sums;
        for (size_t c = 0; c < loop.carried; ++c)
          if (auto sum = loop.sum_of(c)) sums.push_back(*std::move(sum));
        if (sums.empty()) return std::nullopt;
        return WithoutSums(b, loop, operands, sums).run();
      });
}

}  // namespace

extern const GraphPass pass_sum_after_loop;
const GraphPass pass_sum_after_loop = {
    "sum_after_loop", "sums of contracts over iterations become contracts behind the loop", run};

}  // namespace mintor
