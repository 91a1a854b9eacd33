// SPDX-License-Identifier: Apache-2.0
// Walks the Graph from the results upwards. A node joins the group of its users when all of them
// are in one group and the group's shape of work allows it; else it starts a group of its own. "All
// users in one group" keeps groups acyclic.
//
//   y = contract; b = broadcast; z = add(y, b); r = relu(z)     ->  one group: contract with tails
//   m = max; e = exp(x - m); s = sum(e); p = e / s              ->  one group: a row block with
//   local buffers
#include "compiler/graph/fusion.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "compiler/graph/reshape.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// Rows of a row-block group are kept in a local buffer only up to this size: it is meant to stay in
// the L1 cache.
constexpr int64_t kMostRowElements = 16384;
// A chain of inlined nodes longer than this is cut, so that kernels stay readable and compile
// quickly.
constexpr size_t kMostNodes = 64;

enum class Role { leaf, inlined, anchor, opaque };

bool is_uniform(const Tensor& t) {
  for (int64_t i = 1; i < t.count(); ++i)
    if (!t.at(i).same_bits(t.at(0))) return false;
  return t.count() > 0;
}

bool is_uniform_constant(const Node& node) {
  return node.kind == Kind::constant && node.as<ConstantAttr>().value.count() <= 16 &&
         is_uniform(node.as<ConstantAttr>().value);
}

Role role_of(const Node& node) {
  switch (node.kind) {
    case Kind::input:
    case Kind::parameter:
    case Kind::constant:
      return Role::leaf;
    case Kind::iota:
    case Kind::size:
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary:
    case Kind::cast:
    case Kind::bitcast:
    case Kind::pack:
    case Kind::unpack:
    case Kind::broadcast:
    case Kind::reindex:
    case Kind::concat:
      return Role::inlined;
    case Kind::reduce:
    case Kind::scan:
    case Kind::reindex_reduce:
    case Kind::contract:
      return Role::anchor;
    case Kind::random:
    case Kind::sort:
    case Kind::compact:
    case Kind::bind:
    case Kind::if_:
    case Kind::loop:
    case Kind::call:
    case Kind::code:
    case Kind::host:
      return Role::opaque;
  }
  return Role::opaque;
}

// Costs nothing to compute again: addresses and constants only.
bool is_free(const Node& node) {
  return node.kind == Kind::iota || node.kind == Kind::size || node.kind == Kind::broadcast ||
         is_uniform_constant(node);
}

bool is_elementwise(const Node& node) {
  return node.kind == Kind::unary || node.kind == Kind::binary || node.kind == Kind::ternary ||
         node.kind == Kind::cast;
}

bool changes_position(const Node& node) {
  return node.kind == Kind::reindex || node.kind == Kind::concat || node.kind == Kind::pack ||
         node.kind == Kind::unpack;
}

struct Draft {
  std::set<const Node*> nodes;
  std::set<const Node*> shifted;  // reached through a reindex: not at the row of the output
  std::vector<Value> outputs;
  const Node* contract = nullptr;
  const Node* first_reduce = nullptr;  // gives `full` and the reduced dims of a row block
  bool closed = false;  // holds a scan or a scatter: takes nothing more than inlined nodes
  std::vector<std::string> because;
  const Shape& root_shape() const { return outputs.front().shape(); }
};

class Fusion {
 public:
  Fusion(const Graph& graph, const std::set<const Node*>& apart) : graph_(graph), apart_(apart) {}

  FusionPlan run() {
    live_ = live_nodes(graph_);
    users_ = users_of(graph_);
    for (const Result& r : graph_.results) wanted_.insert(r.value.node);
    for (const Update& u : graph_.updates) wanted_.insert(u.value.node);
    find_prepared();
    for (size_t n = live_.size(); n-- > 0;) place(*live_[n]);
    return finish();
  }

 private:
  // Depends on parameters and constants alone.
  void find_prepared() {
    for (const Node* node : live_) {
      if (node->kind == Kind::parameter || node->kind == Kind::constant) prepared_.insert(node);
      if (role_of(*node) == Role::leaf || role_of(*node) == Role::opaque || node->operands.empty())
        continue;
      const bool all =
          std::all_of(node->operands.begin(), node->operands.end(), [&](const Value& v) {
            return prepared_.count(v.node) != 0 || v.node->kind == Kind::iota;
          });
      // What `prepare` makes is kept for every call: its size may not depend on one.
      const bool fixed =
          std::all_of(node->results.begin(), node->results.end(), [](const Type& type) {
            return std::all_of(type.shape.begin(), type.shape.end(),
                               [](const Index& e) { return e.is_const(); });
          });
      if (all && fixed) prepared_.insert(node);
    }
  }
  bool is_prepared(const Node* node) const { return prepared_.count(node) != 0; }

  void place(const Node& node) {
    switch (role_of(node)) {
      case Role::leaf:
        return;
      case Role::opaque:
        throw CompileError(
            std::string(name_of(node.kind)), "this operator cannot be compiled yet, only evaluated",
            graph_.scopes(&node).empty() ? "" : graph_.scopes(&node).front(),
            "remove it from the model, or run the graph with the reference evaluator: mintor run "
            "MODEL --evaluate");
      case Role::inlined:
      case Role::anchor:
        break;
    }
    if (is_free(node) && wanted_.count(&node) == 0) {
      free_.insert(&node);  // recomputed in every group that uses it
      return;
    }
    if (wanted_.count(&node) == 0 && is_view(node)) {
      views_.push_back(&node);
      return;
    }
    const int group = common_group(node);
    std::string refusal;
    if (group >= 0) {
      refusal = joins(node, drafts_[group]);
      if (refusal.empty()) {
        add(node, group);
        return;
      }
    } else {
      refusal = wanted_.count(&node) != 0 ? "it is a result" : "its users are in several kernels";
    }
    start(node, refusal);
  }

  // The one group that holds all users, or -1. A user that is a view or free stands for its own
  // users.
  int common_group(const Node& node) {
    if (wanted_.count(&node) != 0) return -1;
    int group = -2;
    std::vector<const Node*> pending(users_[node.id].begin(), users_[node.id].end());
    while (!pending.empty()) {
      const Node* user = pending.back();
      pending.pop_back();
      if (std::find(views_.begin(), views_.end(), user) != views_.end())
        return -1;  // a view needs bytes
      if (free_.count(user) != 0) {
        pending.insert(pending.end(), users_[user->id].begin(), users_[user->id].end());
        continue;
      }
      const int g = group_of_.at(user);
      if (group != -2 && group != g) return -1;
      group = g;
    }
    return group < 0 ? -1 : group;
  }

  // A reshape of a whole value in memory order.
  bool is_view(const Node& node) const {
    return node.kind == Kind::reindex && is_reshape(node, graph_) &&
           role_of(*node.operands[0].node) != Role::opaque &&
           !is_uniform_constant(*node.operands[0].node);
  }

  bool shifted_in(const Node& node, const Draft& draft) const {
    for (const Node* user : users_[node.id])
      if (draft.nodes.count(user) && (draft.shifted.count(user) || changes_position(*user)))
        return true;
    return false;
  }

  bool feeds_contract(const Node& node, const Draft& draft) const {
    if (draft.contract == nullptr) return false;
    for (const Value& v : draft.contract->operands)
      if (v.node == &node) return true;
    return false;
  }

  // Why `node`, all of whose users are in `draft`, does not join it; empty: it joins.
  std::string joins(const Node& node, const Draft& draft) const {
    if (draft.nodes.size() >= kMostNodes) return "the kernel is long enough";
    if (apart_.count(&node) != 0) return "what a row needs of it has no bound";
    if (is_prepared(&node) != is_prepared(draft.outputs.front().node))
      return "it is computed once, from parameters alone";
    if (feeds_contract(node, draft)) return "it is read by every tile of a contract";
    if (role_of(node) == Role::inlined) return joins_inlined(node, draft);
    if (shifted_in(node, draft)) return "its user reads it at another position";
    if (draft.closed) return "the group is a scan or a scatter";
    switch (node.kind) {
      case Kind::contract:
        return joins_contract(node, draft);
      case Kind::reduce:
        return joins_reduce(node, draft);
      default:
        return "a scan or a scatter starts its own kernel";
    }
  }

  std::string joins_inlined(const Node& node, const Draft& draft) const {
    if (node.kind == Kind::concat && draft.first_reduce) return "a concat inside rows";
    if (!is_elementwise(node)) return "";
    for (const Node* user : users_[node.id])
      if (draft.nodes.count(user) && changes_position(*user) && repeats(*user))
        return "its user reads it several times";
    if (draft.first_reduce != nullptr && draft.contract == nullptr && ends_contract(node))
      return "it is the tail of a contract";
    return "";
  }

  // Reads an element of its operand more than once (windows); unknown sizes count as such.
  bool repeats(const Node& reindex) const {
    Index reads = 1, has = 1;
    for (const Index& e : reindex.results[0].shape) reads = reads * e;
    for (const Index& e : reindex.operands[0].shape()) has = has * e;
    return !graph_.ranges().proves_nonnegative(has - reads);
  }

  // Element-wise nodes of one shape and one user lead from a contract to this node.
  bool ends_contract(const Node& node) const {
    for (const Value& v : node.operands) {
      if (v.node->results.size() != 1 || !(v.shape() == node.results[0].shape)) continue;
      if (users_[v.node->id].size() != 1 || wanted_.count(v.node) != 0) continue;
      if (v.node->kind == Kind::contract) return true;
      if (is_elementwise(*v.node) && ends_contract(*v.node)) return true;
    }
    return false;
  }

  std::string joins_contract(const Node& node, const Draft& draft) const {
    if (draft.contract != nullptr) return "the group has a contract already";
    if (draft.first_reduce != nullptr) return "the group works on whole rows";
    for (const Value& out : draft.outputs)
      if (!(out.shape() == node.results[0].shape)) return "the tail has another shape";
    for (const Node* user : users_[node.id])
      if (user->kind == Kind::broadcast) return "its users broadcast it";
    return "";
  }

  static Shape without(const Shape& shape, const std::vector<int32_t>& dims) {
    Shape kept;
    for (size_t d = 0; d < shape.size(); ++d)
      if (std::find(dims.begin(), dims.end(), static_cast<int32_t>(d)) == dims.end())
        kept.push_back(shape[d]);
    return kept;
  }

  std::string joins_reduce(const Node& node, const Draft& draft) const {
    if (draft.contract != nullptr) return "the group holds a contract";
    const auto& attr = node.as<ReduceAttr>();
    const Shape& full = node.operands[0].shape();
    if (draft.first_reduce != nullptr) {
      const auto& first = draft.first_reduce->as<ReduceAttr>();
      if (!(draft.first_reduce->operands[0].shape() == full) || first.dims != attr.dims)
        return "it reduces other dimensions than the group";
      return "";
    }
    const Shape kept = without(full, attr.dims);
    const bool tail = draft.root_shape() == kept;
    if (!tail && !(draft.root_shape() == full)) return "the group's rows are not its own";
    if (!tail && !trailing(attr.dims, full.size()))
      return "the reduced dimensions are not the innermost";
    for (const Value& out : draft.outputs)
      if (!(out.shape() == draft.root_shape())) return "the outputs differ in shape";
    return "";
  }

  static bool trailing(const std::vector<int32_t>& dims, size_t rank) {
    for (size_t n = 0; n < dims.size(); ++n)
      if (dims[n] != static_cast<int32_t>(rank - dims.size() + n)) return false;
    return true;
  }

  void add(const Node& node, int group) {
    Draft& draft = drafts_[group];
    if (shifted_in(node, draft)) draft.shifted.insert(&node);
    draft.nodes.insert(&node);
    group_of_[&node] = group;
    if (node.kind == Kind::contract) draft.contract = &node;
    if (node.kind == Kind::reduce && draft.first_reduce == nullptr) draft.first_reduce = &node;
    draft.because.push_back(describe(node) + " joins");
  }

  void start(const Node& node, const std::string& refusal) {
    Draft draft;
    draft.nodes.insert(&node);
    for (int32_t r = 0; r < static_cast<int32_t>(node.results.size()); ++r)
      draft.outputs.push_back({&node, r});
    if (node.kind == Kind::contract) draft.contract = &node;
    if (node.kind == Kind::reduce) draft.first_reduce = &node;
    draft.closed = node.kind == Kind::scan || node.kind == Kind::reindex_reduce;
    draft.because.push_back(describe(node) + " starts a kernel: " + refusal);
    group_of_[&node] = static_cast<int>(drafts_.size());
    drafts_.push_back(std::move(draft));
  }

  std::string describe(const Node& node) const {
    std::string word(name_of(node.kind));
    if (auto* op = std::get_if<ScalarAttr>(&node.attr)) word = std::string(name_of(op->op));
    const auto& scopes = graph_.scopes(&node);
    return word + " #" + std::to_string(node.id) + (scopes.empty() ? "" : " @ " + scopes.front());
  }

  // ---- from drafts to groups ----

  FusionPlan finish() {
    FusionPlan plan;
    std::reverse(drafts_.begin(), drafts_.end());  // made from the results upwards
    std::vector<Group> groups;
    for (Draft& draft : drafts_) groups.push_back(group_from(draft));
    plan.groups = in_order(std::move(groups));
    name_groups(plan.groups);
    std::reverse(views_.begin(), views_.end());
    for (const Node* view : views_) plan.views.push_back({{view, 0}, view->operands[0]});
    return plan;
  }

  Group group_from(Draft& draft) {
    Group group;
    group.because = std::move(draft.because);
    group.outputs = draft.outputs;
    group.prepare = is_prepared(draft.outputs.front().node);
    std::set<const Node*> nodes = draft.nodes;
    std::vector<const Node*> pending(nodes.begin(), nodes.end());
    std::set<std::pair<const Node*, int32_t>> inputs;
    while (!pending.empty()) {
      const Node* node = pending.back();
      pending.pop_back();
      for (const Value& v : node->operands) {
        if (draft.nodes.count(v.node) || nodes.count(v.node)) continue;
        if (is_free(*v.node) && (free_.count(v.node) || is_uniform_constant(*v.node))) {
          nodes.insert(v.node);
          pending.push_back(v.node);
        } else {
          inputs.insert({v.node, v.result});
        }
      }
    }
    for (const Node* node : live_)
      if (nodes.count(node)) group.nodes.push_back(node);
    for (const auto& [node, result] : inputs) group.inputs.push_back({node, result});
    std::sort(group.inputs.begin(), group.inputs.end(), [](const Value& a, const Value& b) {
      return std::pair(a.node->id, a.result) < std::pair(b.node->id, b.result);
    });
    materialise(draft, group);
    return group;
  }

  // Values with a nest: outputs, anchors, and in a row block what several nests would compute
  // again.
  void materialise(const Draft& draft, Group& group) {
    for (const Node* node : group.nodes) {
      const bool output = std::any_of(group.outputs.begin(), group.outputs.end(),
                                      [&](const Value& v) { return v.node == node; });
      const bool anchor = role_of(*node) == Role::anchor;
      const bool row =
          !output && !anchor && draft.first_reduce != nullptr && worth_keeping(draft, *node);
      if (!output && !anchor && !row) continue;
      for (int32_t r = 0; r < static_cast<int32_t>(node->results.size()); ++r)
        group.materialised.push_back({node, r});
    }
  }

  // In a row block: an element-wise value of the full shape that more than one nest reads, or one
  // value a row that is then broadcast over it.
  bool worth_keeping(const Draft& draft, const Node& node) const {
    if (!is_elementwise(node)) return false;
    const Node& reduce = *draft.first_reduce;
    const Shape& full = reduce.operands[0].shape();
    if (draft.shifted.count(&node) || !trailing(reduce.as<ReduceAttr>().dims, full.size()))
      return false;
    if (node.results[0].shape == without(full, reduce.as<ReduceAttr>().dims))
      return std::any_of(users_[node.id].begin(), users_[node.id].end(), [&](const Node* user) {
        return user->kind == Kind::broadcast && draft.nodes.count(user) != 0;
      });
    if (!(node.results[0].shape == full)) return false;
    Index row = 1;
    for (int32_t d : reduce.as<ReduceAttr>().dims) row = row * full[d];
    const auto most = graph_.ranges().upper(row);
    if (!most || *most > kMostRowElements) return false;
    int inside = 0;
    for (const Node* user : users_[node.id]) inside += draft.nodes.count(user) != 0;
    return inside > 1;
  }

  // Topological order of groups; ties by the id of the first output.
  std::vector<Group> in_order(std::vector<Group> groups) {
    std::map<const Node*, size_t> maker;
    for (size_t g = 0; g < groups.size(); ++g)
      for (const Value& v : groups[g].outputs) maker[v.node] = g;
    std::vector<int> state(groups.size(), 0);
    std::vector<Group> ordered;
    const std::function<void(size_t)> visit_group = [&](size_t g) {
      if (state[g] != 0) {
        check(state[g] == 2, "fusion", "groups depend on each other in a circle");
        return;
      }
      state[g] = 1;
      for (const Value& v : groups[g].inputs) {
        const Node* node = v.node;
        while (maker.count(node) == 0 &&
               std::find(views_.begin(), views_.end(), node) != views_.end())
          node = node->operands[0].node;
        if (auto it = maker.find(node); it != maker.end()) visit_group(it->second);
      }
      state[g] = 2;
      ordered.push_back(std::move(groups[g]));
    };
    std::vector<size_t> order(groups.size());
    for (size_t g = 0; g < order.size(); ++g) order[g] = g;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return groups[a].outputs.front().node->id < groups[b].outputs.front().node->id;
    });
    for (size_t g : order) visit_group(g);
    return ordered;
  }

  // "layer1_conv1_add_relu": the place it comes from and what it ends with, made unique.
  void name_groups(std::vector<Group>& groups) {
    std::map<std::string, int> taken;
    for (Group& group : groups) {
      std::string place, words;
      for (const Node* node : group.nodes) {
        const auto& scopes = graph_.scopes(node);
        if (place.empty() && !scopes.empty() && role_of(*node) == Role::anchor)
          place = scopes.front();
      }
      if (place.empty())
        for (const Node* node : group.nodes)
          if (place.empty() && !graph_.scopes(node).empty()) place = graph_.scopes(node).front();
      const Node& last = *group.outputs.front().node;
      words = std::string(name_of(last.kind));
      if (auto* op = std::get_if<ScalarAttr>(&last.attr)) words = std::string(name_of(op->op));
      std::string name;
      for (char c : place + "_" + words) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain)
          name += c;
        else if (!name.empty() && name.back() != '_')
          name += '_';
      }
      if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name = "k_" + name;
      const int count = taken[name]++;
      group.name = count == 0 ? name : name + "_" + std::to_string(count + 1);
      while (count != 0 && taken.count(group.name)) group.name += "_";
    }
  }

  const Graph& graph_;
  const std::set<const Node*>& apart_;
  std::vector<const Node*> live_;
  std::vector<std::vector<const Node*>> users_;
  std::set<const Node*> wanted_, prepared_, free_;
  std::vector<const Node*> views_;
  std::map<const Node*, int> group_of_;
  std::vector<Draft> drafts_;
};

}  // namespace

FusionPlan fuse(CompileContext&, const Graph& graph, const std::set<const Node*>& apart) {
  return Fusion(graph, apart).run();
}

}  // namespace mintor
