// SPDX-License-Identifier: Apache-2.0
// Kernels of several contracts: one whose rows are made from the rows of another, by sums over them
// or not at all, becomes a kernel with it, so that only a block of rows is there at a time.
//| s = contract (q, k) + mask; p = softmax (s); y = contract (p, v)
//|   ->  one group of three stages: s and p of a block of rows stay in the cache
// Takes groups without names; gives them with stages joined. Keeps true: what a stage gives is read
// by the next one alone; the rows of all stages are those of the last one.
#include <algorithm>

#include "compiler/graph/cost.h"
#include "compiler/graph/fusion/draft.h"

namespace mintor::fusion {
namespace {

// Of the operand that all rows of a contract read, for one of its batches: it passes through a
// core's L2 cache once a block of rows.
constexpr int64_t kMostSharedBytes = 512 * 1024;
// Of one row between two stages; a block of them stays in that cache, too.
constexpr int64_t kMostBytesOfRow = 32 * 1024;
// Fewer rows are no blocks.
constexpr int64_t kFewestRows = 8;

const Node* contract_of(const Group& group) {
  const auto found = std::ranges::find(group.nodes, Kind::contract, &Node::kind);
  return found == group.nodes.end() ? nullptr : *found;
}

bool is_out(const ContractAxis& axis) {
  return axis.role != AxisRole::k && axis.role != AxisRole::window;
}

const ContractAxis& axis_named(const Contract& c, const std::string& name) {
  return *std::ranges::find(c.axes, name, &ContractAxis::name);
}

class Stages {
 public:
  Stages(const Drafts& all, std::vector<Group>& groups)
      : all_(all), groups_(groups), typical_(typical_symbols(all.graph)) {
    for (size_t g = 0; g < groups.size(); ++g) {
      for (const Value& v : groups[g].outputs) maker_[v.node] = g;
      for (const Value& v : groups[g].inputs) readers_[v.node].push_back(g);
    }
  }

  void join(size_t last) {
    const Node* contract = contract_of(groups_[last]);
    if (contract == nullptr || groups_[last].prepare || !groups_[last].stages.empty()) return;
    for (size_t operand = 0; operand < 2; ++operand) {
      const Value rows = contract->operands[operand];
      const auto made = maker_.find(rows.node);
      if (made == maker_.end()) continue;
      size_t first = made->second;
      std::vector<size_t> stages{last};
      if (contract_of(groups_[first]) == nullptr) {
        const auto source = source_of_rows(first, rows);
        if (!source) continue;
        stages.insert(stages.begin(), first);
        first = *source;
      }
      stages.insert(stages.begin(), first);
      Refusal refusal = refuse(stages, operand);
      if (!refusal) return merge(stages);
      groups_[last].because.push_back(describe(all_.graph, *groups_[first].outputs.front().node) +
                                      " stays in a kernel of its own: " + refusal.reason);
    }
  }

 private:
  // The contract whose result a group of rows reads, each element where its own one is.
  std::optional<size_t> source_of_rows(size_t group, const Value& rows) const {
    const Group& g = groups_[group];
    for (const Value& input : g.inputs) {
      const auto made = maker_.find(input.node);
      if (made == maker_.end() || !(input.shape() == rows.shape())) continue;
      if (contract_of(groups_[made->second]) == nullptr) continue;
      const bool at_place = std::ranges::all_of(g.nodes, [&](const Node* node) {
        return std::ranges::find(node->operands, input.node, &Value::node) ==
                   node->operands.end() ||
               is_elementwise(*node) || node->kind == Kind::reduce;
      });
      if (at_place) return made->second;
    }
    return std::nullopt;
  }

  Refusal refuse(const std::vector<size_t>& stages, size_t operand) const {
    for (size_t n = 0; n + 1 < stages.size(); ++n)
      if (Refusal r = refuse_inner(stages[n], stages[n + 1])) return r;
    if (Refusal r = refuse_rows(stages.back(), operand)) return r;
    if (stages.size() == 3)
      if (Refusal r = refuse_sums(groups_[stages[1]])) return r;
    return refuse_contract(groups_[stages.front()]);
  }

  // A stage that is not the last.
  Refusal refuse_inner(size_t group, size_t next) const {
    const Group& g = groups_[group];
    if (g.outputs.size() != 1 || !g.placed.empty() || !g.stages.empty())
      return {"it is more than one value"};
    const Node& out = *g.outputs.front().node;
    if (g.prepare) return {"it is computed once, from parameters alone"};
    if (all_.is_wanted(out)) return {"it is a result"};
    if (all_.apart.contains(&out)) return {"what a row needs of it has no bound"};
    const auto& users = all_.users[static_cast<size_t>(out.id)];
    if (std::ranges::any_of(users, [&](const Node* u) { return all_.views.contains(u); }) ||
        readers_.at(&out) != std::vector<size_t>{next})
      return {"others read it, too"};
    const auto row = all_.graph.ranges().upper(out.results[0].shape.back() * 4);
    if (!row || *row > kMostBytesOfRow)
      return {"a row may have more than " + std::to_string(kMostBytesOfRow) + " bytes"};
    return {};
  }

  // The sums between are over whole rows.
  static Refusal refuse_sums(const Group& g) {
    const Shape& full = g.outputs.front().shape();
    for (const Node* node : g.nodes) {
      if (role_of(*node) == Role::anchor && node->kind != Kind::reduce)
        return {"a scan, a sort or a scatter"};
      if (changes_position(*node) && node->results[0].shape == full)
        return {"its rows read others"};
      if (node->kind != Kind::reduce) continue;
      const std::vector<int32_t>& dims = node->as<ReduceAttr>().dims;
      if (!(node->operands[0].shape() == full) ||
          dims != std::vector<int32_t>{static_cast<int32_t>(full.size()) - 1})
        return {"it sums other dimensions than its rows"};
    }
    return {};
  }

  Refusal refuse_contract(const Group& g) const {
    const Node& node = *contract_of(g);
    const Contract& c = node.as<Contract>();
    if (c.order.form != Order::Form::chain || !c.conditions.empty())
      return {"its contract is no plain product"};
    for (const ContractAxis& a : c.axes)
      if (a.role == AxisRole::window) return {"its contract has windows"};
    if (!is_float(node.results[0].dtype)) return {"its contract is one of integers"};
    if (c.order.pairs) return {"its contract sums pairs of bf16"};
    return {};
  }

  // The last contract reads the rows as they lie, each as a whole, once for all its columns.
  Refusal refuse_rows(size_t last, size_t operand) const {
    if (Refusal r = refuse_contract(groups_[last])) return r;
    const Node& node = *contract_of(groups_[last]);
    const Contract& c = node.as<Contract>();
    const auto& own = operand == 0 ? c.x_coords : c.y_coords;
    const auto& other = operand == 0 ? c.y_coords : c.x_coords;
    std::set<std::string> named;
    for (const Index& e : own) {
      const auto axis = e.as_var();
      if (!axis || !named.insert(*axis).second) return {"its rows are read as something else"};
    }
    const std::string summed = *own.back().as_var();
    std::string columns;
    for (const ContractAxis& a : c.axes) {
      if ((a.role == AxisRole::k) != (a.name == summed)) return {"not whole rows are summed"};
      if (is_out(a)) columns = a.name;
    }
    if (named.contains(columns)) return {"vectors of the product run along its rows"};
    const auto moves = [&](const std::string& axis) {
      return std::ranges::any_of(other, [&](const Index& e) { return e.mentions(axis); });
    };
    if (own.size() < 3) return {"there is one block of rows"};
    const std::string rows = *own[own.size() - 2].as_var();
    if (moves(rows)) return {"each row has a product of its own"};
    if (value_of(axis_named(c, rows).extent, typical_) < kFewestRows) return {"there are few rows"};
    int64_t shared = size_of(node.operands[1 - operand].dtype());
    for (const ContractAxis& a : c.axes)
      if (!named.contains(a.name) || a.name == summed) shared *= value_of(a.extent, typical_);
    if (shared > kMostSharedBytes)
      return {"what all rows read has " + std::to_string(shared) + " bytes, more than " +
              std::to_string(kMostSharedBytes)};
    return {};
  }

  void merge(const std::vector<size_t>& stages) {
    Group whole;
    std::set<const Node*> inner;
    for (const size_t g : stages)
      if (g != stages.back())
        for (const Value& v : groups_[g].outputs) inner.insert(v.node);
    for (const size_t g : stages) {
      Group& stage = groups_[g];
      whole.nodes.insert(whole.nodes.end(), stage.nodes.begin(), stage.nodes.end());
      for (const Value& v : stage.inputs)
        if (!inner.contains(v.node) && std::ranges::find(whole.inputs, v) == whole.inputs.end())
          whole.inputs.push_back(v);
      whole.materialised.insert(whole.materialised.end(), stage.materialised.begin(),
                                stage.materialised.end());
      whole.because.insert(whole.because.end(), stage.because.begin(), stage.because.end());
      whole.work = whole.work + stage.work;
      if (g != stages.back())
        whole.because.push_back(describe(all_.graph, *stage.outputs.front().node) +
                                " stays in the kernel of its reader, a block of rows at a time");
    }
    std::ranges::sort(whole.nodes, {}, &Node::id);
    whole.nodes.erase(std::unique(whole.nodes.begin(), whole.nodes.end()), whole.nodes.end());
    whole.outputs = groups_[stages.back()].outputs;
    for (const size_t g : stages) whole.stages.push_back(std::move(groups_[g]));
    for (const size_t g : stages) groups_[g] = {};
    groups_[stages.back()] = std::move(whole);
  }

  const Drafts& all_;
  std::vector<Group>& groups_;
  const SymbolValues typical_;
  std::unordered_map<const Node*, size_t> maker_;
  std::unordered_map<const Node*, std::vector<size_t>> readers_;
};

}  // namespace

std::vector<Group> join_stages(const Drafts& all, std::vector<Group> groups) {
  Stages stages(all, groups);
  for (size_t g = 0; g < groups.size(); ++g)
    if (!groups[g].nodes.empty()) stages.join(g);
  std::erase_if(groups, [](const Group& g) { return g.outputs.empty(); });
  return groups;
}

}  // namespace mintor::fusion
