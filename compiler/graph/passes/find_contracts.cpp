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

bool mentions(const Traced& source, size_t dim) {
  const Index variable = dim_index(dim);
  return std::find(source.coords.begin(), source.coords.end(), variable) != source.coords.end();
}

std::optional<Contract> contract_of(const Traced& x, const Traced& y, const Shape& full,
                                    const std::vector<int32_t>& summed) {
  Contract contract;
  std::vector<ContractAxis> inner;
  std::map<std::string, Index> names;
  bool m = false, n = false;
  for (size_t d = 0; d < full.size(); ++d) {
    const bool of_x = mentions(x, d), of_y = mentions(y, d);
    if (!of_x && !of_y) return std::nullopt;
    const bool is_k = std::find(summed.begin(), summed.end(), d) != summed.end();
    if (is_k && !(of_x && of_y)) return std::nullopt;
    const AxisRole role = is_k           ? AxisRole::k
                          : of_x && of_y ? AxisRole::batch
                          : of_x         ? AxisRole::m
                                         : AxisRole::n;
    m = m || (role == AxisRole::m && !full[d].is_const(1));
    n = n || (role == AxisRole::n && !full[d].is_const(1));
    const std::string name = (is_k                      ? "k"
                              : role == AxisRole::batch ? "b"
                              : of_x                    ? "m"
                                                        : "n") +
                             std::to_string(d);
    names[dim_name(d)] = Index::var(name);
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
         product.node->kind == Kind::binary && product.node->as<ScalarAttr>().op == ScalarOp::mul &&
         users[product.node->id].size() == 1;
}

Graph run(CompileContext&, const Graph& graph) {
  const auto users = users_of(graph);
  return rewrite(graph,
                 [&](Builder& b, const Node& old,
                     std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (!is_sum_of_products(old, users)) return std::nullopt;
                   const Node& product = *operands[0].node;
                   const Traced x = trace(product.operands[0], b.graph()),
                                y = trace(product.operands[1], b.graph());
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
