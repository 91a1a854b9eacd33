// SPDX-License-Identifier: Apache-2.0
// Graph -> text. The form of each kind's attributes stands in AttrPrinter, read back by
// text_parse.cpp:
//   y = reindex f32[2, 8] (x, idx)  [l0, i1] where l0 = 1[i0] if 0 <= i0 < n fill 0
//   y = contract f32[8, 4] (x, w)  m = 8, n = 4, k = 256 | x[m, k] y[k, n] order chain(8192)
//   y = reduce f32[8] (x)  add dims = [1] identity -0 order lanes(4096)
//   (16 lanes; of others `order lanes(4096, across 8)`)
//   y = if f32[] (c, x) {  regions as nested graphs  }
// Keeps true: the text depends on what is live (and on inputs), not on node ids; scopes stand after
// `@` only.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "compiler/ir/lanes.h"
#include "compiler/ir/sizes.h"
#include "compiler/ir/text.h"
#include "compiler/ir/text_scalar.h"
#include "compiler/support/sha256.h"

namespace mintor {

namespace {

constexpr int64_t kInlineElements = 16;  // constants above it print as SHA-256

template <class Range, class F>
std::string join(const Range& range, F text_of) {
  std::string text;
  bool first = true;
  for (const auto& item : range) {
    if (!first) text += ", ";
    first = false;
    text += text_of(item);
  }
  return text;
}

std::string indices(const std::vector<Index>& list) {
  return "[" + join(list, [](const Index& e) { return e.str(); }) + "]";
}

std::string dims_text(const std::vector<int32_t>& dims) {
  return "dims = [" + join(dims, [](int32_t d) { return std::to_string(d); }) + "]";
}

std::string conditions_text(const std::vector<IndexCondition>& conditions) {
  if (conditions.empty()) return "";
  return " if " + join(conditions, [](const IndexCondition& c) {
           return "0 <= " + c.value.str() + " < " + c.extent.str();
         });
}

std::string map_text(const IndexMap& map) {
  std::string text = indices(map.coords);
  int number = 0;
  if (!map.loads.empty()) {
    text += " where " + join(map.loads, [&](const IndexLoad& load) {
              return "l" + std::to_string(number++) + " = " + std::to_string(load.operand) +
                     indices(load.coords);
            });
  }
  return text + conditions_text(map.conditions);
}

std::string order_text(const Order& order) {
  switch (order.form) {
    case Order::Form::unset:
      return "";
    case Order::Form::serial:
      return " order serial";
    case Order::Form::lanes:
      return " order lanes(" + std::to_string(order.block) +
             (order.lanes == kLanes ? "" : ", across " + std::to_string(order.lanes)) + ")";
    case Order::Form::winograd:
      return " order winograd(" + std::to_string(order.tile) + ")";
    case Order::Form::chain:
      break;
  }
  const std::string inner = order.inner > 1 ? ", inner " + std::to_string(order.inner) : "";
  return " order chain(" + std::to_string(order.chunk) + inner + (order.pairs ? ", pairs" : "") +
         ")";
}

std::string tensor_text(const Tensor& tensor) {
  if (tensor.count() > kInlineElements) return quoted(tensor.sha256()).insert(0, "sha256 ");
  if (tensor.shape.empty()) return print_scalar(tensor.at(0));
  std::string text = "{";
  for (int64_t i = 0; i < tensor.count(); ++i)
    text += (i > 0 ? ", " : "") + print_scalar(tensor.at(i));
  return text + "}";
}

// A path of names stands as it is, anything else is quoted.
std::string scope_text(const std::string& scope) {
  for (size_t start = 0; start <= scope.size();) {
    const size_t end = std::min(scope.find('/', start), scope.size());
    if (!is_name(std::string_view(scope).substr(start, end - start))) return quoted(scope);
    start = end + 1;
  }
  return scope;
}

// Of parameters; the graph's own name goes with them.
enum class Values { shown, hidden };

// What follows the operands, without the leading blanks.
struct AttrPrinter {
  const Node& node;
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(const InputAttr&) const { return ""; }
  std::string operator()(const ParameterAttr& a) const { return tensor_text(a.value); }
  std::string operator()(const ConstantAttr& a) const {
    return a.value.count() > kInlineElements ? "sha256 " + quoted(a.sha256) : tensor_text(a.value);
  }
  std::string operator()(const IotaAttr& a) const { return "dim " + std::to_string(a.dim); }
  std::string operator()(const RandomAttr& a) const { return a.distribution; }
  std::string operator()(const ScalarAttr&) const { return ""; }
  std::string operator()(const CastAttr&) const { return ""; }
  std::string operator()(const PackAttr& a) const {
    return std::to_string(a.bits) + " bits" + (a.is_signed ? " signed" : "");
  }
  std::string operator()(const BroadcastAttr& a) const { return dims_text(a.dims); }
  std::string operator()(const ReindexAttr& a) const {
    return map_text(a.map) + " fill " + print_scalar(a.fill);
  }
  std::string operator()(const ConcatAttr& a) const { return "dim " + std::to_string(a.dim); }
  std::string operator()(const ReindexReduceAttr& a) const {
    return std::string(name_of(a.combiner)) + " " + map_text(a.map);
  }
  std::string operator()(const ReduceAttr& a) const { return reduce_text(a, ""); }
  std::string operator()(const ScanAttr& a) const {
    return reduce_text(
        a.reduce, std::string(a.reverse ? " reverse" : "") + (a.exclusive ? " exclusive" : ""));
  }
  std::string operator()(const Contract& c) const {
    std::string text = join(c.axes, [](const ContractAxis& axis) {
      const std::string role(name_of(axis.role));
      return (axis.name == role ? role : axis.name + ": " + role) + " = " + axis.extent.str();
    });
    text += std::string(c.axes.empty() ? "" : " ") + "| x" + indices(c.x_coords) + " y" +
            indices(c.y_coords);
    return text + conditions_text(c.conditions) + order_text(c.order);
  }
  std::string operator()(const SortAttr& a) const {
    return "dim " + std::to_string(a.dim) + (a.descending ? " descending" : "");
  }
  std::string operator()(const CompactAttr& a) const { return "symbol " + a.symbol; }
  std::string operator()(const SizeAttr& a) const { return a.expr.str(); }
  std::string operator()(const BindAttr& a) const {
    return "symbol " + a.symbol + " " + std::to_string(a.lo) + ".." +
           (a.hi >= 0 ? std::to_string(a.hi) : "");
  }
  std::string operator()(const RegionAttr& a) const {
    if (node.kind != Kind::loop) return "";
    if (a.conditional) {
      return (a.bounded() ? "while trip " + a.trip.str() : "while") + " carried " +
             std::to_string(a.carried);
    }
    return "trip " + a.trip.str() + " carried " + std::to_string(a.carried) + " scanned " +
           std::to_string(a.scanned);
  }
  std::string operator()(const CodeAttr& a) const {
    return "source " + quoted(a.source) +
           (a.gradient.empty() ? "" : " gradient " + quoted(a.gradient));
  }
  std::string operator()(const HostAttr& a) const { return quoted(a.function); }

  std::string reduce_text(const ReduceAttr& a, const std::string& flags) const {
    return std::string(name_of(a.combiner)) + " " + dims_text(a.dims) + flags + " identity " +
           join(a.identities, print_scalar) + order_text(a.order);
  }
};

std::vector<std::shared_ptr<const Graph>> regions_of(const Node& node) {
  if (const auto* attr = std::get_if<RegionAttr>(&node.attr)) return attr->regions;
  const auto* reduce = std::get_if<ReduceAttr>(&node.attr);
  if (const auto* scan = std::get_if<ScanAttr>(&node.attr)) reduce = &scan->reduce;
  if (reduce != nullptr && reduce->body) return {reduce->body};
  return {};
}

bool is_keyword(std::string_view name) {
  return name == "results" || name == "updates" || name == "states" || name == "graph" ||
         name == "needs";
}

class GraphPrinter {
 public:
  GraphPrinter(const Graph& graph, Scopes scopes, Values values = Values::shown)
      : graph_(graph), scopes_(scopes), values_(values) {
    std::vector<bool> live(graph.nodes().size(), false);
    for (const Node* node : live_nodes(graph)) live[static_cast<size_t>(node->id)] = true;
    for (const auto& node : graph.nodes()) {
      if (live[static_cast<size_t>(node->id)] || node->kind == Kind::input)
        nodes_.push_back(node.get());
    }
    name_values();
  }

  void print(std::string& out, const std::string& indent) const {
    const std::string title = values_ == Values::shown ? name_or_quoted(graph_.name()) : "";
    out += indent + "graph " + title + header() + " {\n";
    size_t name_width = 0, op_width = 0;
    for (const Node* node : nodes_) {
      name_width = std::max(name_width, std::min<size_t>(names_of(*node).size(), 12));
      op_width = std::max(op_width, std::min<size_t>(op_name(node->kind, node->attr).size(), 12));
    }
    for (const Condition& condition : graph_.conditions()) {
      out += indent + "  needs " + to_string(condition);
      if (scopes_ == Scopes::shown && !condition.because.empty())
        out += "  @ " + quoted(condition.because);
      out += "\n";
    }
    for (const Node* node : nodes_) print_node(out, indent + "  ", *node, name_width, op_width);
    if (!graph_.results.empty()) {
      out += indent + "  results " +
             join(graph_.results,
                  [&](const Result& r) {
                    const std::string& value = name(r.value);
                    return r.name == value ? value : name_or_quoted(r.name) + " = " + value;
                  }) +
             "\n";
    }
    if (!graph_.updates.empty()) {
      out += indent + "  updates " +
             join(graph_.updates,
                  [&](const Update& u) {
                    return name_or_quoted(u.parameter) + " := " + name(u.value);
                  }) +
             "\n";
    }
    if (!graph_.states.empty())
      out += indent + "  states " + join(graph_.states, name_or_quoted) + "\n";
    out += indent + "}\n";
  }

 private:
  static size_t key(const Value& v) {
    return (static_cast<size_t>(v.node->id) << 16) + static_cast<size_t>(v.result);
  }
  const std::string& name(const Value& v) const { return names_.at(key(v)); }

  // Leaves have their own names, results the names they leave under, all else a number.
  void name_values() {
    std::unordered_set<std::string> taken;
    auto give = [&](const Value& v, const std::string& wanted) {
      if (!is_name(wanted) || is_keyword(wanted) || names_.contains(key(v)) ||
          !taken.insert(wanted).second)
        return;
      names_[key(v)] = wanted;
    };
    for (const Node* node : nodes_) {
      if (node->kind == Kind::input) give({node, 0}, node->as<InputAttr>().name);
      if (node->kind == Kind::parameter) give({node, 0}, node->as<ParameterAttr>().name);
    }
    for (const Result& r : graph_.results) give(r.value, r.name);
    int number = 0;
    for (const Node* node : nodes_) {
      for (size_t i = 0; i < node->results.size(); ++i) {
        const Value v{node, static_cast<int32_t>(i)};
        while (!names_.contains(key(v))) give(v, "v" + std::to_string(number++));
      }
    }
  }

  std::string header() const {
    if (graph_.symbols().empty()) return "";
    return " (" +
           join(graph_.symbols(),
                [](const Symbol& s) {
                  std::string text = name_or_quoted(s.name) + ": " + std::to_string(s.lo) + "..";
                  if (s.hi >= 0) text += std::to_string(s.hi);
                  if (s.divisor != 1) text += " % " + std::to_string(s.divisor);
                  if (s.hint != 0) text += " ~ " + std::to_string(s.hint);
                  if (s.value) text += " = " + s.value->str();
                  return text;
                }) +
           ")";
  }

  std::string names_of(const Node& node) const {
    if (node.results.empty()) return "()";
    std::string text;
    for (size_t i = 0; i < node.results.size(); ++i) {
      text += (i > 0 ? ", " : "") + name({&node, static_cast<int32_t>(i)});
    }
    return text;
  }

  // The name of a leaf, when it is not the name of its value.
  std::string leaf_name(const Node& node) const {
    const std::string* own = nullptr;
    if (node.kind == Kind::input) own = &node.as<InputAttr>().name;
    if (node.kind == Kind::parameter) own = &node.as<ParameterAttr>().name;
    if (own == nullptr || *own == name({&node, 0})) return "";
    return quoted(*own) + " ";
  }

  // Of hidden values, constants count by their bytes: as a number, one NaN is every NaN.
  std::string attr_text(const Node& node) const {
    if (values_ == Values::hidden && node.kind == Kind::parameter) return "";
    if (values_ == Values::hidden && node.kind == Kind::constant)
      return node.as<ConstantAttr>().sha256;
    return std::visit(AttrPrinter{node}, node.attr);
  }

  void print_node(std::string& out, const std::string& indent, const Node& node, size_t name_width,
                  size_t op_width) const {
    auto padded = [](std::string text, size_t width) {
      if (text.size() < width) text.resize(width, ' ');
      return text;
    };
    std::string line = indent + padded(names_of(node), name_width) + " = ";
    line += padded(std::string(op_name(node.kind, node.attr)), op_width) + " " + leaf_name(node);
    line += node.results.empty()
                ? "()"
                : join(node.results, [](const Type& type) { return to_string(type); });
    if (!node.operands.empty())
      line += " (" + join(node.operands, [&](const Value& v) { return name(v); }) + ")";
    const std::string attr = attr_text(node);
    if (!attr.empty()) line += "  " + attr;
    const auto regions = regions_of(node);
    if (!regions.empty()) {
      out += line + " {\n";
      for (const auto& region : regions) GraphPrinter(*region, scopes_).print(out, indent + "  ");
      line = indent + "}";
    }
    if (scopes_ == Scopes::shown && !graph_.scopes(&node).empty())
      line += "  @ " + join(graph_.scopes(&node), scope_text);
    out += line + "\n";
  }

  const Graph& graph_;
  Scopes scopes_;
  Values values_;
  std::vector<const Node*> nodes_;
  std::unordered_map<size_t, std::string> names_;
};

void collect_blobs(const Graph& graph, Blobs& blobs) {
  for (const Node* node : live_nodes(graph)) {
    const Tensor* tensor = nullptr;
    if (node->kind == Kind::parameter) tensor = &node->as<ParameterAttr>().value;
    if (node->kind == Kind::constant) tensor = &node->as<ConstantAttr>().value;
    if (tensor != nullptr && tensor->count() > kInlineElements) {
      blobs.emplace(
          node->kind == Kind::constant ? node->as<ConstantAttr>().sha256 : tensor->sha256(),
          *tensor);
    }
    for (const auto& region : regions_of(*node)) collect_blobs(*region, blobs);
  }
}

}  // namespace

std::string print(const Graph& graph, Scopes scopes) {
  std::string text;
  GraphPrinter(graph, scopes).print(text, "");
  return text;
}

std::string attributes_text(const Node& node) {
  if (node.kind == Kind::parameter) return quoted(node.as<ParameterAttr>().name);
  if (node.kind == Kind::constant) return node.as<ConstantAttr>().sha256;
  std::string text = std::visit(AttrPrinter{node}, node.attr);
  for (const auto& region : regions_of(node)) text += "\n" + print(*region, Scopes::hidden);
  return text;
}

std::string structure_hash(const Graph& graph) {
  std::string text;
  GraphPrinter(graph, Scopes::shown, Values::hidden).print(text, "");
  return sha256_hex(text);
}

Blobs blobs_of(const Graph& graph) {
  Blobs blobs;
  collect_blobs(graph, blobs);
  return blobs;
}

}  // namespace mintor
