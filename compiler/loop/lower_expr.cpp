// SPDX-License-Identifier: Apache-2.0
// Takes a value and indices; gives its expression, and Lets for what is used twice.
// Keeps true: what lies under a Guard is not evaluated outside of it.
#include "compiler/loop/lower_expr.h"

#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/identifier.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

// Of a kernel, where fusion allows 512 (graph/fusion/copies.cpp) and a reduction writes its
// operands a few times. More is a bound that fusion misjudged, and minutes of compiling.
constexpr int64_t kMostWritten = 1 << 16;

}  // namespace

namespace {

std::string base_name(const Graph& graph, const Node& node) {
  if (node.kind == Kind::input) return node.as<InputAttr>().name;
  if (node.kind == Kind::parameter) return node.as<ParameterAttr>().name;
  std::string base(name_of(node.kind));
  if (auto* op = std::get_if<ScalarAttr>(&node.attr)) base = std::string(name_of(op->op));
  const auto& scopes = graph.scopes(&node);
  if (scopes.empty()) return base;
  const std::string& scope = scopes.front();
  return scope.substr(scope.find_last_of('/') + 1) + "_" + base;
}

}  // namespace

std::string value_name(const Graph& graph, const Value& value) {
  const Node& node = *value.node;
  // The leading letter and the trailing id keep these apart from keywords, loop variables and each
  // other.
  std::string name = joined_words(base_name(graph, node), "v");
  if (node.results.size() > 1) name += "_r" + std::to_string(value.result);
  name += "_" + std::to_string(node.id);
  // Symbols have the names that the model gives them: none may begin with this one, from which
  // those of loops and locals are made.
  const auto begins = [&](const Symbol& symbol) { return symbol.name.starts_with(name); };
  while (std::ranges::any_of(graph.symbols(), begins)) name += "_";
  return name;
}

// 0 <= min(i, n - 1) is 0 <= n - 1 where i is not negative: one test for all lanes and iterations.
static Index what_may_be_negative(const Ranges& ranges, const Index& value) {
  const auto atoms = index_detail::atoms_of(value);
  if (atoms.size() != 1 || atoms[0]->kind != Index::Atom::Kind::min ||
      !(value == index_detail::from_atom(atoms[0])))
    return value;
  if (ranges.proves_nonnegative(atoms[0]->a)) return atoms[0]->b;
  return ranges.proves_nonnegative(atoms[0]->b) ? atoms[0]->a : value;
}

void require(const Ranges& ranges, const Index& value, const Index& extent, Expr& cond) {
  const bool below = ranges.proves_less(value, extent);
  if (below && ranges.proves_nonnegative(value)) return;
  Index tested = below ? what_may_be_negative(ranges, value) : value;
  // Where it is below the extent for being a minimum, the rest of it may not be.
  if (!(tested == value) && !ranges.proves_less(tested, extent)) tested = value;
  Expr test = k::in_range(tested, extent);
  cond = cond ? k::op(ScalarOp::and_, {cond, test}) : test;
}

ExprLowering::ExprLowering(const Graph& graph, const Group& group, const ExprLowering* before)
    : graph_(graph), group_(group) {
  if (before != nullptr) names_ = before->names_;
  for (const Value& v : group.inputs) stored_[{v.node, v.result}] = value_name(graph, v);
  for (const Value& v : group.materialised) stored_[{v.node, v.result}] = value_name(graph, v);
  for (const Node* node : group.nodes)
    for (const Value& operand : node->operands) ++uses_[operand.node];
}

bool ExprLowering::is_stored(const Value& v) const {
  return stored_.count({v.node, v.result}) != 0;
}

bool ExprLowering::shared(const Node* node) const {
  auto it = uses_.find(node);
  return it != uses_.end() && it->second > 1;
}

void ExprLowering::begin(Ranges ranges) {
  ranges_ = std::move(ranges);
  memo_.clear();
  bound_.clear();
  chosen_.clear();
  lets_.clear();
  guarded_ = 0;
}

void ExprLowering::bind(const Value& v, std::vector<Index> indices, Expr expr) {
  bound_[{v.node, v.result}] = {std::move(indices), std::move(expr)};
}

const Expr* ExprLowering::bound(const Value& v, const std::vector<Index>& indices) const {
  const auto it = bound_.find({v.node, v.result});
  if (it == bound_.end()) return nullptr;
  if (it->second.indices != indices)
    throw InternalError("lower", "'" + value_name(graph_, v) + "' is read at another index than " +
                                     "the one at which it is in a register");
  return &it->second.expr;
}

std::vector<Stmt> ExprLowering::take_lets() {
  memo_.clear();
  return std::exchange(lets_, {});
}

std::string ExprLowering::fresh(std::string_view wish) {
  std::string name(wish);
  const int count = names_[name]++;
  return count == 0 ? name : name + "_v" + std::to_string(count);
}

Expr ExprLowering::at(const Value& v, const std::vector<Index>& indices) {
  if (const Expr* held = bound(v, indices)) return *held;
  if (auto it = stored_.find({v.node, v.result}); it != stored_.end())
    return k::load(it->second, v.dtype(), indices);
  const Key key{{v.node, v.result}, indices};
  // Under a guard a memo could hold a Let made outside of it (fine) but none may be added from
  // inside.
  if (auto it = memo_.find(key); it != memo_.end()) return it->second;
  Expr expr = computed(v, indices);
  if (guarded_ > 0) return expr;
  if (shared(v.node) && std::holds_alternative<OpExpr>(expr->node)) {
    const std::string name = fresh(value_name(graph_, v));
    const int32_t lanes = expr->lanes;
    lets_.push_back(k::let(name, expr));
    expr = k::variable(name, v.dtype(), lanes);
  }
  memo_[key] = expr;
  return expr;
}

Expr ExprLowering::held(const Value& v, const std::vector<Index>& indices) {
  const Expr value = computed(v, indices);
  const std::string name = fresh(value_name(graph_, v) + "_now");
  lets_.push_back(k::let(name, value));
  bind(v, indices, k::variable(name, value->dtype, value->lanes));
  return bound_.at({v.node, v.result}).expr;
}

Expr ExprLowering::computed(const Value& v, const std::vector<Index>& indices) {
  check(++written_ <= kMostWritten, "lower", "a kernel writes more expressions than it may");
  if (const Expr* held = bound(v, indices)) return *held;
  const Node& node = *v.node;
  switch (node.kind) {
    case Kind::constant: {
      const Tensor& value = node.as<ConstantAttr>().value;
      check(value.count() > 0, "lower", "an empty constant is read");
      return k::constant(value.at(0));  // fusion makes non-uniform constants inputs
    }
    case Kind::iota:
      return k::cast(k::index(indices[node.as<IotaAttr>().dim]), v.dtype());
    case Kind::size:
      return k::index(node.as<SizeAttr>().expr);
    case Kind::unary:
    case Kind::binary:
    case Kind::ternary: {
      std::vector<Expr> args;
      for (const Value& operand : node.operands) args.push_back(at(operand, indices));
      return k::op(node.as<ScalarAttr>().op, std::move(args));
    }
    case Kind::cast:
      return k::cast(at(node.operands[0], indices), v.dtype());
    case Kind::bitcast:
      return k::bitcast(at(node.operands[0], indices), v.dtype());
    case Kind::broadcast: {
      std::vector<Index> inner;
      for (int32_t dim : node.as<BroadcastAttr>().dims) inner.push_back(indices[dim]);
      return at(node.operands[0], inner);
    }
    case Kind::reindex:
      return reindexed(v, indices);
    case Kind::concat:
      return concatenated(v, indices);
    case Kind::pack:
      return packed(v, indices);
    case Kind::unpack:
      return unpacked(v, indices);
    case Kind::input:
    case Kind::parameter:
    case Kind::random:
    case Kind::reindex_reduce:
    case Kind::reduce:
    case Kind::scan:
    case Kind::contract:
    case Kind::sort:
    case Kind::compact:
    case Kind::bind:
    case Kind::if_:
    case Kind::loop:
    case Kind::call:
    case Kind::code:
    case Kind::host:
      break;
  }
  throw InternalError(
      "lower", std::string("a ") + std::string(name_of(node.kind)) + " node cannot be inlined");
}

Expr ExprLowering::under(const Expr& cond, const std::function<Expr()>& make) {
  if (!cond) return make();
  ++guarded_;
  Expr made = make();
  --guarded_;
  return made;
}

Index ExprLowering::loaded_index(const Value& v, std::vector<Index> coords) {
  // Under a guard the load runs where the guard does not hold, and an address may come from data:
  // what is not proven inside is clamped, and not read where nothing is inside.
  Expr some;
  for (size_t d = 0; d < coords.size(); ++d) {
    const Index extent = v.shape()[d];
    const bool low = ranges_.proves_nonnegative(coords[d]);
    const bool high = ranges_.proves_less(coords[d], extent);
    if (!low) coords[d] = max(coords[d], Index(0));
    if (!high) coords[d] = min(coords[d], extent - 1);
    if (!low || !high) require(ranges_, Index(0), extent, some);
  }
  const int outer = std::exchange(guarded_, 0);
  Expr value = under(some, [&] { return k::cast(at(v, coords), DType::i64); });
  guarded_ = outer;
  if (some) value = k::guard(some, value, k::index(0));
  const std::string name = fresh(value_name(graph_, v) + "_at");
  lets_.push_back(k::let(name, value));
  return Index::var(name);
}

std::map<std::string, Index> ExprLowering::variables(const IndexMap& map,
                                                     std::span<const Value> operands,
                                                     const std::vector<Index>& indices) {
  std::map<std::string, Index> values;
  for (size_t d = 0; d < indices.size(); ++d) values["i" + std::to_string(d)] = indices[d];
  for (size_t n = 0; n < map.loads.size(); ++n) {
    std::vector<Index> coords;
    for (const Index& c : map.loads[n].coords)
      coords.push_back(ranges_.simplify(c.substitute(values)));
    values["l" + std::to_string(n)] =
        loaded_index(operands[map.loads[n].operand], std::move(coords));
  }
  return values;
}

Expr ExprLowering::reindexed(const Value& v, const std::vector<Index>& indices) {
  const Node& node = *v.node;
  const auto& attr = node.as<ReindexAttr>();
  const std::map<std::string, Index> values = variables(attr.map, node.operands, indices);
  std::vector<Index> coords;
  for (const Index& c : attr.map.coords) coords.push_back(ranges_.simplify(c.substitute(values)));
  Expr cond;
  for (size_t d = 0; d < coords.size(); ++d)
    require(ranges_, coords[d], node.operands[0].shape()[d], cond);
  for (const IndexCondition& c : attr.map.conditions)
    require(ranges_, ranges_.simplify(c.value.substitute(values)), c.extent.substitute(values),
            cond);
  Expr value = under(cond, [&] { return at(node.operands[0], coords); });
  return cond ? k::guard(cond, value, k::constant(attr.fill)) : value;
}

Expr ExprLowering::concatenated(const Value& v, const std::vector<Index>& indices) {
  const Node& node = *v.node;
  const int32_t dim = node.as<ConcatAttr>().dim;
  if (const auto choice = chosen_.find(&node); choice != chosen_.end()) {
    const auto& [part, index, within] = choice->second;
    check(indices[dim] == index, "lower", "a part is read outside of its nest");
    std::vector<Index> inner = indices;
    inner[dim] = within;
    return at(node.operands[part], inner);
  }
  std::vector<Index> offsets{Index(0)};
  for (const Value& x : node.operands) offsets.push_back(offsets.back() + x.shape()[dim]);
  Expr result;
  for (size_t n = node.operands.size(); n-- > 0;) {
    std::vector<Index> inner = indices;
    inner[dim] = ranges_.simplify(indices[dim] - offsets[n]);
    Expr cond;
    require(ranges_, inner[dim], node.operands[n].shape()[dim], cond);
    // The last operand too: it is in range only when no earlier one was.
    Expr value = under(cond, [&] { return at(node.operands[n], inner); });
    result = (!cond || !result) ? value : k::guard(cond, value, result);
  }
  return result;
}

// A byte: the elements that it holds, each masked and shifted to its place.
Expr ExprLowering::packed(const Value& v, const std::vector<Index>& indices) {
  const Value& x = v.node->operands[0];
  const int bits = v.node->as<PackAttr>().bits;
  const Expr mask = k::constant(Scalar::of_int(DType::u8, (1 << bits) - 1));
  Expr byte;
  for (int element = 0; element < 8 / bits; ++element) {
    std::vector<Index> inner = indices;
    inner.back() = ranges_.simplify(indices.back() * (8 / bits) + element);
    Expr cond;  // the last byte may be short
    require(ranges_, inner.back(), x.shape().back(), cond);
    Expr value = under(cond, [&] {
      return k::op(ScalarOp::bit_and, {k::cast(at(x, inner), DType::u8), mask});
    });
    if (cond) value = k::guard(cond, value, k::constant(Scalar::of_int(DType::u8, 0)));
    const Expr place = k::constant(Scalar::of_int(DType::u8, element * bits));
    if (element > 0) value = k::op(ScalarOp::shl, {value, place});
    byte = byte ? k::op(ScalarOp::bit_or, {byte, value}) : value;
  }
  return byte;
}

// An element of a byte: shifted down, masked; for signed ones (value ^ sign) - sign.
Expr ExprLowering::unpacked(const Value& v, const std::vector<Index>& indices) {
  const auto& attr = v.node->as<PackAttr>();
  const int64_t per_byte = 8 / attr.bits;
  const auto number = [](int64_t value) {
    return k::constant(Scalar::of_int(DType::u8, value));
  };
  std::vector<Index> inner = indices;
  inner.back() = ranges_.simplify(floordiv(indices.back(), per_byte));
  const Index place = ranges_.simplify(mod(indices.back(), per_byte) * attr.bits);
  Expr value =
      k::op(ScalarOp::shr, {at(v.node->operands[0], inner), k::cast(k::index(place), DType::u8)});
  value = k::op(ScalarOp::bit_and, {value, number((1 << attr.bits) - 1)});
  if (!attr.is_signed) return value;
  const Expr sign = number(1 << (attr.bits - 1));
  value = k::op(ScalarOp::sub, {k::op(ScalarOp::bit_xor, {value, sign}), sign});
  return k::cast(value, DType::i8);
}

std::vector<Expr> inline_scalars(const Graph& body, const std::vector<Expr>& operands) {
  std::map<std::pair<const Node*, int32_t>, Expr> values;
  size_t next_input = 0;
  for (const auto& owned : body.nodes()) {
    const Node& node = *owned;
    std::vector<Expr> args;
    for (const Value& operand : node.operands)
      args.push_back(values.at({operand.node, operand.result}));
    Expr& out = values[{&node, 0}];
    switch (node.kind) {
      case Kind::input:
        out = operands.at(next_input++);
        break;
      case Kind::constant:
        out = k::constant(node.as<ConstantAttr>().value.at(0));
        break;
      case Kind::unary:
      case Kind::binary:
      case Kind::ternary:
        out = k::op(node.as<ScalarAttr>().op, args);
        break;
      case Kind::cast:
        out = k::cast(args[0], node.results[0].dtype);
        break;
      case Kind::bitcast:
        out = k::bitcast(args[0], node.results[0].dtype);
        break;
      default:
        throw InternalError("lower", "a combiner's body holds more than scalar functions");
    }
  }
  std::vector<Expr> results;
  for (const Result& r : body.results) results.push_back(values.at({r.value.node, r.value.result}));
  return results;
}

}  // namespace mintor
