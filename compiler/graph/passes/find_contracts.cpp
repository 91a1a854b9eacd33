// SPDX-License-Identifier: Apache-2.0
// A sum of products of two values that are broadcast against each other is a contract.
//   p = mul (x[m, k], y[k, n] both broadcast to [m, n, k]); s = reduce add (p) dims [2]
//     ->  s = contract (x, y) m, n, k
// Takes a graph of any stage before `order`. Only where each side has an axis of its own: else
// every product is needed once, and the sum stays a reduction.
#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

// A value read at coordinates over i0.. that are variables or constants.
struct Source {
  Value value;
  std::vector<Index> coords;
  bool has(size_t dim) const {
    const std::string name = "i" + std::to_string(dim);
    for (const Index& c : coords)
      if (c.mentions(name)) return true;
    return false;
  }
};

Source source_of(Value value, const Graph& graph) {
  Source source{value, {}};
  for (size_t d = 0; d < value.shape().size(); ++d)
    source.coords.push_back(Index::var("i" + std::to_string(d)));
  while (const auto inner = plain_coords(*source.value.node, graph)) {
    std::vector<Index> coords;
    for (const Index& c : *inner) {
      coords.push_back(c.substitute(index_values(source.coords)));
      if (!coords.back().as_var() && !coords.back().is_const()) return source;
    }
    source = {source.value.node->operands[0], std::move(coords)};
  }
  return source;
}

std::optional<Contract> contract_of(const Source& x, const Source& y, const Shape& full,
                                    const std::vector<int32_t>& summed) {
  Contract contract;
  std::vector<ContractAxis> inner;
  std::map<std::string, Index> names;
  bool m = false, n = false;
  for (size_t d = 0; d < full.size(); ++d) {
    const bool of_x = x.has(d), of_y = y.has(d);
    if (!of_x && !of_y) return std::nullopt;
    const bool is_k = std::find(summed.begin(), summed.end(), d) != summed.end();
    if (is_k && !(of_x && of_y)) return std::nullopt;
    const AxisRole role = is_k           ? AxisRole::k
                          : of_x && of_y ? AxisRole::batch
                          : of_x         ? AxisRole::m
                                         : AxisRole::n;
    m = m || (role == AxisRole::m && !full[d].is_const(1));
    n = n || (role == AxisRole::n && !full[d].is_const(1));
    const std::string name = (is_k ? "k" : role == AxisRole::batch ? "b" : of_x ? "m" : "n") +
                             std::to_string(d);
    names["i" + std::to_string(d)] = Index::var(name);
    (is_k ? inner : contract.axes).push_back({name, role, full[d]});
  }
  if (!m || !n) return std::nullopt;
  contract.axes.insert(contract.axes.end(), inner.begin(), inner.end());
  for (const Index& c : x.coords) contract.x_coords.push_back(c.substitute(names));
  for (const Index& c : y.coords) contract.y_coords.push_back(c.substitute(names));
  return contract;
}

bool is_sum_of_products(const Node& node, const std::vector<std::vector<const Node*>>& users) {
  if (node.kind != Kind::reduce || node.as<ReduceAttr>().combiner != Combiner::add) return false;
  const Value& product = node.operands[0];
  return (product.dtype() == DType::f32 || product.dtype() == DType::f64) &&
         product.node->kind == Kind::binary &&
         product.node->as<ScalarAttr>().op == ScalarOp::mul && users[product.node->id].size() == 1;
}

Graph run(CompileContext&, const Graph& graph) {
  const auto users = users_of(graph);
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (!is_sum_of_products(old, users)) return std::nullopt;
                   const Node& product = *operands[0].node;
                   const Source x = source_of(product.operands[0], b.graph()),
                                y = source_of(product.operands[1], b.graph());
                   const auto contract =
                       contract_of(x, y, operands[0].shape(), old.as<ReduceAttr>().dims);
                   if (!contract) return std::nullopt;
                   return std::vector<Value>{b.contract(x.value, y.value, *contract)};
                 });
}

}  // namespace

extern const GraphPass pass_find_contracts;
const GraphPass pass_find_contracts = {"find_contracts", "sums of products become contracts", run};

}  // namespace mintor
