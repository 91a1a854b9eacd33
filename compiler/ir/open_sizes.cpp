// SPDX-License-Identifier: Apache-2.0
// Takes types of operands, regions and results; compares them dimension by dimension.
// Keeps true: a result whose rank is not that of its region has no open sizes (derive_control.cpp
// says what is wrong with it).
#include "compiler/ir/open_sizes.h"

#include <algorithm>

namespace mintor {

namespace {

// Where `results[at]` is not `expected`, from its dimension `first` on.
void add_open(std::vector<OpenSize>& open, std::span<const Type> results, size_t at, size_t first,
              const Shape& expected) {
  const Shape& shape = results[at].shape;
  if (shape.size() != first + expected.size()) return;
  for (size_t d = first; d < shape.size(); ++d)
    if (!(shape[d] == expected[d - first])) open.push_back({at, d, shape[d]});
}

std::vector<OpenSize> open_of_if(const RegionAttr& attr, std::span<const Type> results) {
  std::vector<OpenSize> open;
  for (size_t r = 0; r < results.size(); ++r) {
    for (const auto& region : attr.regions)
      if (region && r < region->results.size())
        add_open(open, results, r, 0, region->results[r].value.shape());
  }
  std::ranges::stable_sort(open, {}, [](const OpenSize& o) { return std::pair(o.result, o.dim); });
  const auto repeated =
      std::ranges::unique(open, {}, [](const OpenSize& o) { return std::pair(o.result, o.dim); });
  open.erase(repeated.begin(), repeated.end());
  return open;
}

std::vector<OpenSize> open_of_loop(const RegionAttr& attr, std::span<const Value> operands,
                                   std::span<const Type> results) {
  std::vector<OpenSize> open;
  if (attr.regions.size() != 1 || !attr.regions[0]) return open;
  const Graph& body = *attr.regions[0];
  const auto carried = static_cast<size_t>(attr.carried);
  for (size_t r = 0; r < results.size() && r < body.results.size(); ++r) {
    if (r >= carried)
      add_open(open, results, r, 1, body.results[r].value.shape());
    else if (r < operands.size())
      add_open(open, results, r, 0, operands[r].shape());
  }
  if (open.empty()) return open;  // as nearly all are, and a body may be long
  const std::vector<const Node*> inputs = inputs_of(body);
  for (OpenSize& size : open) {
    if (size.result >= carried || size.result + 1 >= inputs.size()) continue;
    const Shape& shape = inputs[size.result + 1]->results[0].shape;
    if (size.dim < shape.size()) size.inside = shape[size.dim];
  }
  return open;
}

std::vector<std::string> names_of(const std::vector<OpenSize>& open, Index OpenSize::* which) {
  std::vector<std::string> names;
  for (const OpenSize& size : open)
    if (const auto name = (size.*which).as_var();
        name && std::ranges::find(names, *name) == names.end())
      names.push_back(*name);
  return names;
}

}  // namespace

std::vector<OpenSize> open_sizes(const RegionAttr& attr, Kind kind, std::span<const Value> operands,
                                 std::span<const Type> results) {
  if (kind == Kind::if_) return open_of_if(attr, results);
  if (kind == Kind::loop) return open_of_loop(attr, operands, results);
  return {};
}

std::vector<OpenSize> open_sizes(const Node& node) {
  const auto* attr = std::get_if<RegionAttr>(&node.attr);
  if (attr == nullptr) return {};
  return open_sizes(*attr, node.kind, node.operands, node.results);
}

std::vector<std::string> bound_by(const Node& node) {
  if (node.kind == Kind::bind) return {node.as<BindAttr>().symbol};
  if (node.kind == Kind::compact) return {node.as<CompactAttr>().symbol};
  return names_of(open_sizes(node), &OpenSize::outside);
}

std::vector<std::string> bound_inside(const Node& node) {
  return names_of(open_sizes(node), &OpenSize::inside);
}

}  // namespace mintor
