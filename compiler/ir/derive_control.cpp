// SPDX-License-Identifier: Apache-2.0
// Types of if, loop, call, code and host. A region is a Graph whose inputs, in order of creation,
// take operands:
//|  if    cond bool[], captures...; regions then, else take the captures and agree in type
//|  loop  carried..., scanned..., captures...; the body takes the iteration number i64[], the
//|        carried values, a slice along dimension 0 of each scanned operand, the captures; it gives
//|        the next carried values, then slices to stack, `trip` of them; a conditional one carries
//|        bool[] first, scans and stacks nothing
//|  call  operands...; region 0 takes them; region 1, if any, is its gradient
// Sizes in a region's types are symbols of the graph around it, of the same names. Where the types
// of an if or loop are given, they may have open sizes (open_sizes.h).
#include <algorithm>

#include "compiler/ir/derive.h"
#include "compiler/ir/open_sizes.h"

namespace mintor {

namespace {

void check_inputs(const NodeParts& parts, const Graph& region, const std::vector<Type>& given) {
  const std::vector<const Node*> inputs = inputs_of(region);
  if (inputs.size() != given.size()) {
    parts.fail("region '" + region.name() + "' has " + std::to_string(inputs.size()) + " inputs, " +
               std::to_string(given.size()) + " are passed");
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (inputs[i]->results[0] == given[i]) continue;
    parts.fail("input '" + inputs[i]->as<InputAttr>().name + "' of region '" + region.name() +
               "' is " + to_string(inputs[i]->results[0]) + ", " + to_string(given[i]) +
               " is passed");
  }
}

std::vector<Type> types_of(std::span<const Value> values) {
  std::vector<Type> types;
  for (const Value& v : values) types.push_back(v.type());
  return types;
}

std::vector<Type> result_types(const Graph& region) {
  std::vector<Type> types;
  for (const Result& r : region.results) types.push_back(r.value.type());
  return types;
}

std::string list(const std::vector<Type>& types) {
  std::string text;
  for (const Type& type : types) text += (text.empty() ? "" : ", ") + to_string(type);
  return text.empty() ? "nothing" : text;
}

// Open sizes of the given types, which are symbols that no other node defines.
std::vector<OpenSize> checked_open(const NodeParts& parts, const RegionAttr& attr) {
  const std::vector<OpenSize> open = open_sizes(attr, parts.kind, parts.operands, parts.types);
  for (const OpenSize& size : open) {
    const std::string what = "dimension " + std::to_string(size.dim) + " of result " +
                             std::to_string(size.result) + " is " + size.outside.str();
    const auto symbol = size.outside.as_var();
    if (!symbol) parts.fail(what + ": a size that its regions decide is a symbol of its own");
    const Node* other = definer_of(parts.graph, *symbol);
    const bool same = other == nullptr || (other->kind == parts.kind && other->attr == parts.attr &&
                                           std::ranges::equal(other->operands, parts.operands));
    if (!same) {
      parts.fail(what + ", which a node of kind " + std::string(name_of(other->kind)) +
                 " defines, and not the size that its regions give");
    }
  }
  return open;
}

// The types with their open sizes put in.
void set_open(std::vector<Type>& types, const std::vector<OpenSize>& open) {
  for (const OpenSize& size : open)
    if (Shape& shape = types[size.result].shape; size.dim < shape.size())
      shape[size.dim] = size.outside;
}

std::vector<Type> derive_if(const NodeParts& parts, const RegionAttr& attr) {
  if (attr.regions.size() != 2) parts.fail("needs two regions");
  if (parts.operands.empty() || !(parts.operand(0) == Type{DType::boolean, {}})) {
    parts.fail("the condition must be bool[], got " +
               (parts.operands.empty() ? "nothing" : to_string(parts.operand(0))));
  }
  const std::vector<Type> captured = types_of(parts.operands.subspan(1));
  for (const auto& region : attr.regions) check_inputs(parts, *region, captured);
  std::vector<Type> types = result_types(*attr.regions[0]), others = result_types(*attr.regions[1]);
  const std::vector<OpenSize> open = checked_open(parts, attr);
  if (types.size() == others.size()) set_open(types, open), set_open(others, open);
  if (types != others)
    parts.fail("the regions give different types: " + list(types) + " and " + list(others));
  return types;
}

// What a conditional loop is beyond other loops.
void check_conditional(const NodeParts& parts, const RegionAttr& attr, size_t given) {
  if (!attr.conditional) return;
  if (attr.carried < 1 || !(parts.operand(0) == Type{DType::boolean, {}})) {
    parts.fail("the first carried value of a conditional loop must be bool[], got " +
               (attr.carried < 1 ? "none" : to_string(parts.operand(0))));
  }
  const std::string help =
      "count the iterations with a loop that carries a number, bind the count to a symbol, and "
      "make a loop of that many iterations";
  if (attr.scanned > 0) {
    parts.fail("a conditional loop cannot scan: it has " + std::to_string(attr.scanned) +
                   " scanned values, and how many slices it takes is not known before it has run",
               help);
  }
  if (given > static_cast<size_t>(attr.carried)) {
    parts.fail("a conditional loop cannot stack: its body gives " + std::to_string(given) +
                   " values, " + std::to_string(attr.carried) +
                   " are carried, and how many slices there are is not known before it has run",
               help);
  }
}

// In the body a carried size is a symbol that nothing else has.
void check_inside(const NodeParts& parts, const Graph& body, const OpenSize& size) {
  const auto symbol = size.inside.as_var();
  const Node* definer = symbol ? definer_of(body, *symbol) : nullptr;
  if (definer != nullptr && definer->kind == Kind::input &&
      parts.graph.find_symbol(*symbol) == nullptr)
    return;
  parts.fail("dimension " + std::to_string(size.dim) + " of carried value " +
             std::to_string(size.result) + " changes: in the body it is " + size.inside.str() +
             ", which must be a symbol of the body's own");
}

std::vector<Type> derive_loop(const NodeParts& parts, const RegionAttr& attr) {
  if (attr.regions.size() != 1) parts.fail("needs one region");
  const auto carried = static_cast<size_t>(attr.carried),
             scanned = static_cast<size_t>(attr.scanned);
  if (attr.carried < 0 || attr.scanned < 0 || carried + scanned > parts.operands.size()) {
    parts.fail("has " + std::to_string(attr.carried) + " carried and " +
               std::to_string(attr.scanned) + " scanned values, but " +
               std::to_string(parts.operands.size()) + " operands");
  }
  check_conditional(parts, attr, attr.regions[0]->results.size());
  for (const std::string& name : attr.trip.vars()) {
    if (parts.graph.find_symbol(name) == nullptr)
      parts.fail("the trip count mentions the unknown symbol '" + name + "'");
  }
  std::vector<Type> given = types_of(parts.operands);
  for (size_t i = carried; i < carried + scanned; ++i) {
    if (given[i].shape.empty() || !(given[i].shape[0] == attr.trip)) {
      parts.fail("the scanned operand " + to_string(given[i]) + " is not " + attr.trip.str() +
                 " long");
    }
    given[i].shape.erase(given[i].shape.begin());
  }
  std::vector<Type> types = result_types(*attr.regions[0]), before = given;
  if (types.size() < carried)
    parts.fail("the body gives " + list(types) + ", fewer than the carried values");
  const std::vector<OpenSize> open = checked_open(parts, attr);
  for (const OpenSize& size : open) {
    if (size.result >= carried) continue;
    check_inside(parts, *attr.regions[0], size);
    given[size.result].shape[size.dim] = size.inside;
    before[size.result].shape[size.dim] = size.outside;
  }
  given.insert(given.begin(), Type{DType::i64, {}});
  check_inputs(parts, *attr.regions[0], given);
  for (size_t i = carried; i < types.size(); ++i)
    types[i].shape.insert(types[i].shape.begin(), attr.trip);
  set_open(types, open);
  for (size_t i = 0; i < carried; ++i) {
    if (!(types[i] == before[i])) {
      parts.fail("carried value " + std::to_string(i) + " is " + to_string(parts.operand(i)) +
                 ", the body makes it " + to_string(types[i]));
    }
  }
  return types;
}

std::vector<Type> derive_call(const NodeParts& parts, const RegionAttr& attr) {
  if (attr.regions.empty() || attr.regions.size() > 2)
    parts.fail("needs a region and at most one gradient");
  check_inputs(parts, *attr.regions[0], types_of(parts.operands));
  return result_types(*attr.regions[0]);
}

}  // namespace

std::vector<Type> derive_control(const NodeParts& parts) {
  if (parts.kind == Kind::code || parts.kind == Kind::host) {
    return {parts.types.begin(), parts.types.end()};
  }
  const RegionAttr& attr = parts.as<RegionAttr>();
  for (const auto& region : attr.regions) {
    if (!region) parts.fail("a region is missing");
    if (!region->updates.empty()) parts.fail("region '" + region->name() + "' updates a parameter");
  }
  if (parts.kind == Kind::if_) return derive_if(parts, attr);
  if (parts.kind == Kind::loop) return derive_loop(parts, attr);
  return derive_call(parts, attr);
}

}  // namespace mintor
