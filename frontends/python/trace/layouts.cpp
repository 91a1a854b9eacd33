// SPDX-License-Identifier: Apache-2.0
// Takes a Graph as it was recorded: what is combined element by element is a class, a weight of a
// convolution in it decides the order, and an input and a result in it make it worth one.
#include "frontends/python/trace/layouts.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "compiler/graph/fusion/draft.h"
#include "compiler/ir/builder.h"

namespace mintor::trace {
namespace {

const Layout* layout_of(std::vector<int32_t> order) {
  static std::map<std::vector<int32_t>, Layout> all;
  return &all.try_emplace(order, Layout{order}).first->second;
}

// Nodes stand for their values here, so those of several results are left out.
bool may_lie_otherwise(const Value& v) {
  return v.node->results.size() == 1 && v.shape().size() > 2 && is_float(v.dtype()) &&
         std::ranges::all_of(v.shape(), [](const Index& e) { return e.is_const(); });
}

// Windows, then the other dimensions, the last first: [out, in, h, w] lies as [h, w, in, out].
const Layout* of_weight(const Contract& contract) {
  std::vector<int32_t> windows, others;
  for (size_t d = 0; d < contract.y_coords.size(); ++d) {
    const auto axis = std::ranges::find_if(contract.axes, [&](const ContractAxis& a) {
      return contract.y_coords[d].as_var() == a.name;
    });
    if (axis == contract.axes.end()) return nullptr;
    (axis->role == AxisRole::window ? windows : others).push_back(static_cast<int32_t>(d));
  }
  if (windows.empty()) return nullptr;
  windows.insert(windows.end(), others.rbegin(), others.rend());
  return layout_of(std::move(windows));
}

// Values that are combined element by element, each with all others.
class Classes {
 public:
  const Node* of(const Node* node) {
    const auto at = parent_.find(node);
    if (at == parent_.end() || at->second == node) return node;
    return at->second = of(at->second);
  }
  void unite(const Node* a, const Node* b) { parent_[of(a)] = of(b); }

 private:
  std::map<const Node*, const Node*> parent_;
};

std::map<const Node*, const Layout*> find_layouts(const Graph& graph,
                                                  std::span<const Layout* const> now) {
  Classes classes;
  std::map<const Node*, const Layout*> of_class;
  for (const auto& node : graph.nodes()) {
    if (fusion::is_elementwise(*node) && may_lie_otherwise({node.get(), 0}))
      for (const Value& v : node->operands)
        if (may_lie_otherwise(v) && v.shape() == node->results[0].shape)
          classes.unite(node.get(), v.node);
  }
  for (const auto& node : graph.nodes()) {
    if (node->kind != Kind::contract || !may_lie_otherwise(node->operands[1])) continue;
    if (const Layout* layout = of_weight(node->as<Contract>()))
      of_class.try_emplace(classes.of(node->operands[1].node), layout);
  }
  std::set<const Node*> given, replaced;
  const std::vector<const Node*> inputs = inputs_of(graph);
  for (const Node* input : inputs) given.insert(classes.of(input));
  for (const Result& r : graph.results)
    if (r.value.node->kind != Kind::input) replaced.insert(classes.of(r.value.node));
  const auto own = [&](const Node* node) -> const Layout* {
    const Node* root = classes.of(node);
    const auto layout = of_class.find(root);
    const bool pays = given.contains(root) && replaced.contains(root);
    return layout != of_class.end() && pays ? layout->second : nullptr;
  };
  std::map<const Node*, const Layout*> found;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (const Layout* layout = own(inputs[i]) ? own(inputs[i]) : now[i]) found[inputs[i]] = layout;
  for (const Result& r : graph.results)
    if (const Layout* layout = own(r.value.node);
        layout && may_lie_otherwise(r.value) && r.value.node->kind != Kind::input)
      found[r.value.node] = layout;
  return found;
}

std::vector<int32_t> inverse(const std::vector<int32_t>& order) {
  std::vector<int32_t> back(order.size());
  for (size_t d = 0; d < order.size(); ++d)
    back[static_cast<size_t>(order[d])] = static_cast<int32_t>(d);
  return back;
}

}  // namespace

LaidOut with_layouts(Graph graph, std::span<const Layout* const> now) {
  const std::map<const Node*, const Layout*> layouts = find_layouts(graph, now);
  LaidOut made{Graph(graph.name()), {}, {}};
  const auto layout_at = [&](const Node* node) {
    const auto at = layouts.find(node);
    return at == layouts.end() ? nullptr : at->second;
  };
  for (const Node* input : inputs_of(graph)) made.inputs.push_back(layout_at(input));
  for (const Result& r : graph.results) made.results.push_back(layout_at(r.value.node));
  if (layouts.empty()) {
    made.graph = std::move(graph);
    return made;
  }
  Graph& out = made.graph;
  out.copy_sizes(graph);
  Builder b(out);
  std::map<const Node*, std::vector<Value>> copies;
  const auto copied = [&](const Value& v) {
    return copies.at(v.node)[static_cast<size_t>(v.result)];
  };
  for (const auto& node : graph.nodes()) {
    const Layout* layout = layout_at(node.get());
    if (node->kind == Kind::input && layout) {
      Shape shape;
      for (const int32_t d : layout->order)
        shape.push_back(node->results[0].shape[static_cast<size_t>(d)]);
      const Value lying = b.input(node->as<InputAttr>().name, node->results[0].dtype, shape);
      copies[node.get()] = {b.transpose(lying, inverse(layout->order))};
      continue;
    }
    std::vector<Value> operands;
    for (const Value& v : node->operands) operands.push_back(copied(v));
    const Node* copy = out.add(node->kind, node->attr, std::move(operands), node->results);
    for (const std::string& scope : graph.scopes(node.get())) out.add_scope(copy, scope);
    for (size_t r = 0; r < node->results.size(); ++r)
      copies[node.get()].push_back({copy, static_cast<int32_t>(r)});
  }
  for (const Result& r : graph.results) {
    const Layout* layout = layout_at(r.value.node);
    const Value v = copied(r.value);
    out.results.push_back({r.name, layout ? b.transpose(v, layout->order) : v});
  }
  return made;
}

std::vector<int64_t> sizes_in(const Layout* layout, const std::vector<int64_t>& shape) {
  if (!layout) return shape;
  std::vector<int64_t> sizes;
  for (const int32_t d : layout->order) sizes.push_back(shape[static_cast<size_t>(d)]);
  return sizes;
}

namespace {

// Elements from one to the next along each dimension of the array.
std::vector<int64_t> strides_in(const Layout* layout, const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t n = shape.size(); n-- > 0;) {
    const size_t d = layout ? static_cast<size_t>(layout->order[n]) : n;
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

}  // namespace

Ref<Storage> moved(const ValueType& type, const Storage& from, const Layout* layout) {
  constexpr int64_t kBlock = 16;  // elements that lie beside each other in `to`: a line of them
  Ref<Storage> to(new Storage(type.bytes));
  to->layout = layout;
  if (type.count == 0) return to;
  const std::vector<int64_t> source = strides_in(from.layout, type.shape);
  const std::vector<int64_t> target = strides_in(layout, type.shape);
  const auto size = static_cast<size_t>(size_of(type.dtype));
  // Dimensions as they lie in `from`, the outermost first, but for the innermost of `to`, a block
  // of which is copied at a time: reads walk along lines, and writes fill them.
  std::vector<size_t> dims(type.shape.size());
  std::iota(dims.begin(), dims.end(), size_t{0});
  std::ranges::stable_sort(dims, std::greater{}, [&](size_t d) { return source[d]; });
  const size_t inner = layout ? static_cast<size_t>(layout->order.back()) : type.shape.size() - 1;
  std::erase(dims, inner);
  std::vector<int64_t> at(dims.size());
  for (int64_t begin = 0; begin < type.shape[inner]; begin += kBlock) {
    const int64_t many = std::min(kBlock, type.shape[inner] - begin);
    int64_t read = begin * source[inner], write = begin;
    for (int64_t left = type.count / type.shape[inner]; left > 0; --left) {
      for (int64_t i = 0; i < many; ++i)
        std::memcpy(to->data + static_cast<size_t>(write + i) * size,
                    from.data + static_cast<size_t>(read + i * source[inner]) * size, size);
      for (size_t n = dims.size(); n-- > 0;) {
        const size_t d = dims[n];
        read += source[d];
        write += target[d];
        if (++at[n] < type.shape[d]) break;
        read -= source[d] * type.shape[d];
        write -= target[d] * type.shape[d];
        at[n] = 0;
      }
    }
  }
  return to;
}

}  // namespace mintor::trace
