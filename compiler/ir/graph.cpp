// SPDX-License-Identifier: Apache-2.0
// Interning, scopes, liveness and users of graph nodes. See graph.h.
// Takes nodes whose types the Builder derived; gives the one node with those contents.
// Keeps true: `host` nodes are never merged (they may have effects); everything else is pure and
// is.
#include "compiler/ir/graph.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "compiler/ir/open_sizes.h"
#include "compiler/ir/sizes.h"
#include "compiler/ir/text.h"

namespace mintor {

namespace {

class Hash {
 public:
  void add(size_t value) {
    state_ ^= value + 0x9e3779b97f4a7c15ull + (state_ << 6) + (state_ >> 2);
  }
  void add(std::string_view text) { add(std::hash<std::string_view>{}(text)); }
  void add(const Index& index) { add(index.hash()); }
  void add(const Scalar& scalar) {
    unsigned char bytes[8] = {};
    scalar.write(bytes);
    uint64_t bits;
    std::memcpy(&bits, bytes, 8);
    add(static_cast<size_t>(scalar.dtype));
    add(static_cast<size_t>(bits));
  }
  void add(const Type& type) {
    add(static_cast<size_t>(type.dtype));
    for (const Index& extent : type.shape) add(extent);
  }
  void add(const std::vector<IndexCondition>& conditions) {
    for (const IndexCondition& c : conditions) {
      add(c.value);
      add(c.extent);
    }
  }
  void add(const IndexMap& map) {
    for (const IndexLoad& load : map.loads) {
      add(static_cast<size_t>(load.operand));
      for (const Index& c : load.coords) add(c);
    }
    for (const Index& c : map.coords) add(c);
    add(map.conditions);
  }
  void add(const Order& order) {
    add(static_cast<size_t>(order.form));
    add(static_cast<size_t>(order.block ^ (order.chunk << 20) ^ (order.inner << 40)));
    add(static_cast<size_t>(order.lanes) << 1 | static_cast<size_t>(order.pairs));
  }
  size_t value() const { return state_; }

 private:
  size_t state_ = 0x243f6a8885a308d3ull;
};

// Attributes are hashed by what is cheap and tells them apart; regions by their size only (equality
// compares text).
struct AttrHash {
  Hash& h;
  void operator()(std::monostate) {}
  void operator()(const InputAttr& a) { h.add(a.name); }
  void operator()(const ParameterAttr& a) { h.add(a.name); }
  void operator()(const ConstantAttr& a) { h.add(a.sha256); }
  void operator()(const IotaAttr& a) { h.add(static_cast<size_t>(a.dim)); }
  void operator()(const RandomAttr& a) { h.add(a.distribution); }
  void operator()(const ScalarAttr& a) { h.add(static_cast<size_t>(a.op)); }
  void operator()(const CastAttr&) {}
  void operator()(const PackAttr& a) { h.add(static_cast<size_t>(a.bits * 2 + a.is_signed)); }
  void operator()(const BroadcastAttr& a) {
    for (int32_t d : a.dims) h.add(static_cast<size_t>(d));
  }
  void operator()(const ReindexAttr& a) {
    h.add(a.map);
    h.add(a.fill);
  }
  void operator()(const ConcatAttr& a) { h.add(static_cast<size_t>(a.dim)); }
  void operator()(const ReindexReduceAttr& a) {
    h.add(static_cast<size_t>(a.combiner));
    h.add(a.map);
  }
  void operator()(const ReduceAttr& a) {
    h.add(static_cast<size_t>(a.combiner));
    for (int32_t d : a.dims) h.add(static_cast<size_t>(d));
    for (const Scalar& s : a.identities) h.add(s);
    h.add(a.order);
  }
  void operator()(const ScanAttr& a) {
    (*this)(a.reduce);
    h.add(static_cast<size_t>(a.reverse * 2 + a.exclusive));
  }
  void operator()(const Contract& a) {
    for (const ContractAxis& axis : a.axes) {
      h.add(axis.name);
      h.add(static_cast<size_t>(axis.role));
      h.add(axis.extent);
    }
    for (const Index& c : a.x_coords) h.add(c);
    for (const Index& c : a.y_coords) h.add(c);
    h.add(a.conditions);
    h.add(a.order);
  }
  void operator()(const SortAttr& a) { h.add(static_cast<size_t>(a.dim * 2 + a.descending)); }
  void operator()(const CompactAttr& a) { h.add(a.symbol); }
  void operator()(const SizeAttr& a) { h.add(a.expr); }
  void operator()(const BindAttr& a) { h.add(a.symbol); }
  void operator()(const RegionAttr& a) {
    h.add(a.trip);
    h.add(static_cast<size_t>(a.conditional));
    for (const auto& region : a.regions) h.add(region->nodes().size());
  }
  void operator()(const CodeAttr& a) { h.add(a.source); }
  void operator()(const HostAttr& a) { h.add(a.function); }
};

// Scope names apart, which are no part of identity.
bool same_graph(const std::shared_ptr<const Graph>& a, const std::shared_ptr<const Graph>& b) {
  if (a == b) return true;
  return a && b && print(*a, Scopes::hidden) == print(*b, Scopes::hidden);
}

void add_vars(std::set<std::string>& out, const Index& index) { out.merge(index.vars()); }

void add_vars(std::set<std::string>& out, const IndexMap& map) {
  for (const IndexLoad& load : map.loads) {
    for (const Index& c : load.coords) add_vars(out, c);
  }
  for (const Index& c : map.coords) add_vars(out, c);
  for (const IndexCondition& c : map.conditions) {
    add_vars(out, c.value);
    add_vars(out, c.extent);
  }
}

// i0, l3: a map's own variables.
bool is_map_variable(const std::string& name) {
  return name.size() > 1 && (name[0] == 'i' || name[0] == 'l') &&
         std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::set<std::string> without_map_variables(std::set<std::string> names) {
  std::erase_if(names, is_map_variable);
  return names;
}

std::set<std::string> free_symbols(const Graph& region) {
  std::set<std::string> out;
  for (const Node* node : live_nodes(region)) out.merge(symbols_of(*node));
  for (const Node* node : inputs_of(region)) out.merge(symbols_of(*node));
  for (const auto& node : region.nodes())  // what the region binds itself comes from nowhere else
    for (const std::string& symbol : bound_by(*node)) out.erase(symbol);
  return out;
}

struct AttrSymbols {
  std::set<std::string>& out;
  template <class T>
  void operator()(const T&) {}
  void operator()(const ReindexAttr& a) { map(a.map); }
  void operator()(const ReindexReduceAttr& a) { map(a.map); }
  void operator()(const Contract& a) {
    std::set<std::string> all;
    for (const ContractAxis& axis : a.axes) add_vars(all, axis.extent);
    for (const Index& c : a.x_coords) add_vars(all, c);
    for (const Index& c : a.y_coords) add_vars(all, c);
    for (const IndexCondition& c : a.conditions) {
      add_vars(all, c.value);
      add_vars(all, c.extent);
    }
    for (const ContractAxis& axis : a.axes) all.erase(axis.name);
    out.merge(all);
  }
  void operator()(const SizeAttr& a) { add_vars(out, a.expr); }
  void operator()(const BindAttr& a) { out.insert(a.symbol); }
  void operator()(const RegionAttr& a) {
    add_vars(out, a.trip);
    for (const auto& region : a.regions) out.merge(free_symbols(*region));
  }
  void map(const IndexMap& m) {
    std::set<std::string> all;
    add_vars(all, m);
    out.merge(without_map_variables(std::move(all)));
  }
};

}  // namespace

bool ReduceAttr::operator==(const ReduceAttr& o) const {
  return combiner == o.combiner && dims == o.dims && order == o.order &&
         std::ranges::equal(identities, o.identities,
                            [](auto& a, auto& b) { return a.same_bits(b); }) &&
         same_graph(body, o.body);
}

bool RegionAttr::operator==(const RegionAttr& o) const {
  return trip == o.trip && carried == o.carried && scanned == o.scanned &&
         conditional == o.conditional && std::ranges::equal(regions, o.regions, same_graph);
}

const Symbol* Graph::find_symbol(std::string_view name) const {
  for (const Symbol& symbol : symbols_) {
    if (symbol.name == name) return &symbol;
  }
  return nullptr;
}

namespace {

Range range_of(const Symbol& symbol) {
  Range range{Index(symbol.lo), std::nullopt, symbol.divisor, symbol.value.has_value()};
  if (symbol.hi >= 0) range.hi = Index(symbol.hi);
  return range;
}

}  // namespace

void Graph::add_symbol(Symbol symbol) {
  const auto known = std::ranges::find(symbols_, symbol.name, &Symbol::name);
  if (known == symbols_.end()) {
    ranges_.set(symbol.name, range_of(symbol));
    symbols_.push_back(std::move(symbol));
    return;
  }
  *known = std::move(symbol);
  ranges_ = Ranges();
  for (const Symbol& each : symbols_) ranges_.set(each.name, range_of(each));
  for (const Condition& c : conditions_)
    if (c.form == Condition::Form::equal) ranges_.assume_equal(c.left, c.right);
}

void Graph::add_condition(Condition condition) {
  for (const Condition& known : conditions_)
    if (says_the_same(known, condition)) return;
  if (condition.form == Condition::Form::equal)
    ranges_.assume_equal(condition.left, condition.right);
  conditions_.push_back(std::move(condition));
}

void Graph::copy_sizes(const Graph& from) {
  symbols_ = from.symbols_;
  conditions_ = from.conditions_;
  ranges_ = from.ranges_;
}

namespace {

size_t hash_of(Kind kind, const Attr& attr, std::span<const Value> operands,
               std::span<const Type> results) {
  Hash hash;
  hash.add(static_cast<size_t>(kind));
  std::visit(AttrHash{hash}, attr);
  for (const Value& v : operands) {
    hash.add(static_cast<size_t>(v.node->id));
    hash.add(static_cast<size_t>(v.result));
  }
  for (const Type& type : results) hash.add(type);
  return hash.value();
}

size_t leaf_hash(Kind kind, std::string_view name) {
  Hash hash;
  hash.add(static_cast<size_t>(kind));
  hash.add(name);
  return hash.value();
}

// "" of what is no leaf with a name.
std::string_view leaf_name(const Node& node) {
  if (node.kind == Kind::input) return node.as<InputAttr>().name;
  if (node.kind == Kind::parameter) return node.as<ParameterAttr>().name;
  return "";
}

bool may_bind(const Node& node) {
  return node.kind == Kind::bind || node.kind == Kind::compact || node.kind == Kind::if_ ||
         node.kind == Kind::loop;
}

}  // namespace

int32_t Graph::find_equal(size_t hash, Kind kind, const Attr& attr, std::span<const Value> operands,
                          std::span<const Type> results) const {
  return interned_.find(hash, [&](int32_t id) {
    const Node& node = *nodes_[static_cast<size_t>(id)];
    return node.kind == kind && std::ranges::equal(node.operands, operands) &&
           std::ranges::equal(node.results, results) && node.attr == attr;
  });
}

void Graph::define_symbols(const Node& node) {
  if (node.kind == Kind::input) {
    for (const Index& extent : node.results[0].shape)
      if (const auto symbol = extent.as_var()) definers_.try_emplace(*symbol, &node);
  } else if (may_bind(node)) {
    for (const std::string& symbol : bound_by(node)) {
      const Node*& definer = definers_[symbol];
      if (definer == nullptr || definer->kind == Kind::input) definer = &node;
    }
  }
}

const Node* Graph::append(size_t hash, std::shared_ptr<const Node> node,
                          std::shared_ptr<const Names> scopes) {
  const Node* added = node.get();
  nodes_.push_back(std::move(node));
  hashes_.push_back(hash);
  scopes_.push_back(std::move(scopes));
  if (added->kind != Kind::host) interned_.add(hash, added->id);
  if (const std::string_view name = leaf_name(*added); !name.empty())
    leaves_.add(leaf_hash(added->kind, name), added->id);
  define_symbols(*added);
  return added;
}

const Node* Graph::add(Kind kind, Attr attr, std::vector<Value> operands, std::vector<Type> results,
                       std::string_view scope) {
  const size_t hash = hash_of(kind, attr, operands, results);
  const Node* added = nullptr;
  if (const int32_t id = find_equal(hash, kind, attr, operands, results); id != IdTable::kNone) {
    added = nodes_[static_cast<size_t>(id)].get();
  } else {
    auto node = std::make_shared<Node>();
    node->id = static_cast<int32_t>(nodes_.size());
    node->kind = kind;
    node->attr = std::move(attr);
    node->operands = std::move(operands);
    node->results = std::move(results);
    added = append(hash, std::move(node), nullptr);
  }
  add_scope(added, scope);
  return added;
}

const Node* Graph::keep(const Graph& from, const Node& node, std::vector<Value> operands) {
  const auto id = static_cast<size_t>(node.id);
  const Node* kept = nullptr;
  if (id == nodes_.size() && operands == node.operands) {
    const size_t hash = from.hashes_[id];
    const int32_t known = find_equal(hash, node.kind, node.attr, operands, node.results);
    if (known == IdTable::kNone) return append(hash, from.nodes_[id], from.scopes_[id]);
    kept = nodes_[static_cast<size_t>(known)].get();
  } else {
    kept = add(node.kind, node.attr, std::move(operands), node.results);
  }
  for (const std::string& scope : from.scopes(&node)) add_scope(kept, scope);
  return kept;
}

bool Graph::is_same(const Graph& other) const {
  const auto same_result = [](const Result& a, const Result& b) {
    return a.name == b.name && a.value == b.value;
  };
  const auto same_update = [](const Update& a, const Update& b) {
    return a.parameter == b.parameter && a.value == b.value;
  };
  return name_ == other.name_ && nodes_ == other.nodes_ && scopes_ == other.scopes_ &&
         symbols_ == other.symbols_ && states == other.states &&
         numerics_hash == other.numerics_hash &&
         std::ranges::equal(conditions_, other.conditions_, says_the_same) &&
         std::ranges::equal(results, other.results, same_result) &&
         std::ranges::equal(updates, other.updates, same_update);
}

const Node* Graph::find_leaf(Kind kind, std::string_view name) const {
  const int32_t id = leaves_.find(leaf_hash(kind, name), [&](int32_t at) {
    const Node& node = *nodes_[static_cast<size_t>(at)];
    return node.kind == kind && leaf_name(node) == name;
  });
  return id == IdTable::kNone ? nullptr : nodes_[static_cast<size_t>(id)].get();
}

const Node* Graph::find_definer(std::string_view symbol) const {
  const auto it = definers_.find(symbol);
  return it == definers_.end() ? nullptr : it->second;
}

const std::vector<std::string>& Graph::scopes(const Node* node) const {
  static const Names none;
  const std::shared_ptr<const Names>& names = scopes_[static_cast<size_t>(node->id)];
  return names == nullptr ? none : *names;
}

void Graph::add_scope(const Node* node, std::string_view scope) {
  if (scope.empty()) return;
  const Names& known = scopes(node);
  const auto place = std::ranges::lower_bound(known, scope);
  if (place != known.end() && *place == scope) return;
  Names names = known;
  names.emplace(names.begin() + (place - known.begin()), scope);
  scopes_[static_cast<size_t>(node->id)] = std::make_shared<const Names>(std::move(names));
}

std::set<std::string> symbols_of(const Node& node) {
  std::set<std::string> out;
  for (const Type& type : node.results) {
    for (const Index& extent : type.shape) add_vars(out, extent);
  }
  std::visit(AttrSymbols{out}, node.attr);
  for (const std::string& symbol : bound_inside(node)) out.erase(symbol);
  return out;
}

const Node* definer_of(const Graph& graph, std::string_view symbol) {
  return graph.find_definer(symbol);
}

std::vector<const Node*> inputs_of(const Graph& graph) {
  std::vector<const Node*> inputs;
  for (const auto& node : graph.nodes()) {
    if (node->kind == Kind::input) inputs.push_back(node.get());
  }
  return inputs;
}

std::vector<const Node*> live_nodes(const Graph& graph) {
  std::vector<bool> live(graph.nodes().size(), false);
  std::vector<const Node*> work;
  auto need = [&](const Node* node) {
    if (node == nullptr || live[static_cast<size_t>(node->id)]) return;
    live[static_cast<size_t>(node->id)] = true;
    work.push_back(node);
  };
  std::unordered_set<std::string_view> declared;
  for (const Symbol& symbol : graph.symbols()) declared.insert(symbol.name);
  const auto need_definer = [&](const std::string& symbol) {
    if (declared.contains(symbol)) need(definer_of(graph, symbol));
  };
  for (const Condition& condition : graph.conditions()) {
    for (const Index* side : {&condition.left, &condition.right})
      for (const std::string& symbol : side->vars()) need_definer(symbol);
  }
  for (const Result& result : graph.results) need(result.value.node);
  for (const Update& update : graph.updates) {
    need(update.value.node);
    need(graph.find_leaf(Kind::parameter, update.parameter));  // though nothing may read it
  }
  while (!work.empty()) {
    const Node* node = work.back();
    work.pop_back();
    for (const Value& operand : node->operands) need(operand.node);
    if (declared.empty()) continue;
    for (const std::string& symbol : symbols_of(*node)) need_definer(symbol);
  }
  std::vector<const Node*> nodes;
  for (const auto& node : graph.nodes()) {
    if (live[static_cast<size_t>(node->id)]) nodes.push_back(node.get());
  }
  return nodes;
}

bool is_state(const Graph& graph, std::string_view parameter) {
  return std::ranges::find(graph.updates, parameter, &Update::parameter) != graph.updates.end() ||
         std::ranges::find(graph.states, parameter) != graph.states.end();
}

std::vector<std::vector<const Node*>> users_of(const Graph& graph) {
  std::vector<std::vector<const Node*>> users(graph.nodes().size());
  for (const Node* node : live_nodes(graph)) {
    for (const Value& operand : node->operands) {
      std::vector<const Node*>& list = users[static_cast<size_t>(operand.node->id)];
      if (list.empty() || list.back() != node) list.push_back(node);
    }
  }
  return users;
}

}  // namespace mintor
