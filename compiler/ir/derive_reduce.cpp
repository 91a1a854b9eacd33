// SPDX-License-Identifier: Apache-2.0
// Types of reduce and scan. A named combiner takes one operand; `custom` takes any number, of one
// shape, and a body with 0-d inputs a0.. (what is accumulated) and b0.. (what comes next) of the
// operands' dtypes, one result each. argmin and argmax give i64: the position within the reduced
// index, counted in row-major order of `dims`.
#include <algorithm>

#include "compiler/ir/derive.h"

namespace mintor {

namespace {

void check_body(const NodeParts& parts, const ReduceAttr& attr) {
  if (!attr.body) parts.fail("a custom combiner needs a body");
  const size_t count = parts.operands.size();
  std::vector<bool> seen(2 * count, false);
  for (const Node* input : inputs_of(*attr.body)) {
    const std::string& name = input->as<InputAttr>().name;
    const bool known = name.size() >= 2 && (name[0] == 'a' || name[0] == 'b') && name.size() < 6 &&
                       name.find_first_not_of("0123456789", 1) == std::string::npos;
    const size_t number = known ? std::stoul(name.substr(1)) : count;
    if (number >= count)
      parts.fail("the body's inputs are a0.. and b0.. for each operand, not '" + name + "'");
    seen[number + (name[0] == 'b' ? count : 0)] = true;
    if (!(input->results[0] == Type{parts.operand(number).dtype, {}})) {
      parts.fail("the body's " + name + " is " + to_string(input->results[0]) + ", operand " +
                 std::to_string(number) + " is " + to_string(parts.operand(number)));
    }
  }
  if (std::ranges::find(seen, false) != seen.end())
    parts.fail("the body lacks one of its inputs a0.. b0..");
  if (attr.body->results.size() != count) {
    parts.fail("the body has " + std::to_string(attr.body->results.size()) + " results for " +
               std::to_string(count) + " operands");
  }
  for (size_t i = 0; i < count; ++i) {
    const Type& type = attr.body->results[i].value.type();
    if (!(type == Type{parts.operand(i).dtype, {}})) {
      parts.fail("result " + std::to_string(i) + " of the body is " + to_string(type) +
                 ", operand " + std::to_string(i) + " is " + to_string(parts.operand(i)));
    }
  }
}

void check_dtype(const NodeParts& parts, Combiner combiner, DType dtype) {
  const std::string what = std::string(name_of(combiner)) + " of " + std::string(name_of(dtype));
  if (is_storage_float(dtype))
    parts.fail(what + " is not defined: it is a storage type", "cast to f32 first");
  const bool bitwise =
      combiner == Combiner::and_ || combiner == Combiner::or_ || combiner == Combiner::xor_;
  if (bitwise && is_float(dtype))
    parts.fail(what + " is not defined", "integers and bool have bits");
  const bool arithmetic = combiner == Combiner::add || combiner == Combiner::mul;
  if (arithmetic && dtype == DType::boolean)
    parts.fail(what + " is not defined", "cast to an integer first");
}

}  // namespace

std::vector<Type> derive_reduce(const NodeParts& parts) {
  const bool is_scan = parts.kind == Kind::scan;
  const ReduceAttr& attr = is_scan ? parts.as<ScanAttr>().reduce : parts.as<ReduceAttr>();
  if (parts.operands.empty()) parts.fail("needs an operand");
  const Shape& shape = parts.operand(0).shape;
  if (attr.combiner == Combiner::last) parts.fail("cannot combine by last");
  const bool arg = attr.combiner == Combiner::argmin || attr.combiner == Combiner::argmax;
  if (is_scan && arg) parts.fail("cannot combine by " + std::string(name_of(attr.combiner)));
  if (attr.combiner != Combiner::custom) parts.need_operands(1);
  if (attr.identities.size() != parts.operands.size()) {
    parts.fail(std::to_string(attr.identities.size()) + " identities are given for " +
               std::to_string(parts.operands.size()) + " operands");
  }
  for (size_t i = 0; i < parts.operands.size(); ++i) {
    if (parts.operand(i).shape != shape)
      parts.fail("operands have different shapes: " + parts.operand_types());
    if (attr.identities[i].dtype != parts.operand(i).dtype) {
      parts.fail("identity " + std::to_string(i) + " is " +
                 std::string(name_of(attr.identities[i].dtype)) + ", its operand " +
                 to_string(parts.operand(i)));
    }
    check_dtype(parts, attr.combiner, parts.operand(i).dtype);
  }
  if (attr.combiner == Combiner::custom) check_body(parts, attr);
  if (is_scan && attr.dims.size() != 1)
    parts.fail("runs along one dimension, not " + std::to_string(attr.dims.size()));
  std::vector<bool> reduced(shape.size(), false);
  for (int32_t d : attr.dims) {
    check_dim(parts, d, shape.size());
    if (reduced[static_cast<size_t>(d)])
      parts.fail("dimension " + std::to_string(d) + " is named twice");
    reduced[static_cast<size_t>(d)] = true;
  }
  Shape result;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (is_scan || !reduced[d]) result.push_back(shape[d]);
  }
  std::vector<Type> types;
  for (const Value& operand : parts.operands)
    types.push_back({arg ? DType::i64 : operand.dtype(), result});
  return types;
}

}  // namespace mintor
