// SPDX-License-Identifier: Apache-2.0
// Builder: the one place where nodes are made, scopes, leaves and element-wise nodes. See
// builder.h, derive.h.
#include "compiler/ir/builder.h"

#include <algorithm>

#include "compiler/ir/derive.h"
#include "compiler/ir/open_sizes.h"

namespace mintor {

Builder::Scope::Scope(Builder& builder, std::string_view name)
    : builder_(builder), length_(builder.scope_.size()) {
  if (name.empty()) return;
  if (!builder.scope_.empty()) builder.scope_ += '/';
  builder.scope_ += name;
}

Builder::Scope::~Scope() { builder_.scope_.resize(length_); }

namespace {

// A leaf's name is its identity: the second of a name would silently be the first.
void check_name(const Graph& graph, const std::string& scope, Kind kind, const std::string& name,
                const Tensor* value) {
  if (name.empty()) throw CompileError(std::string(name_of(kind)), "has an empty name", scope);
  const Node* known = graph.find_leaf(kind, name);
  if (known == nullptr) return;
  if (kind == Kind::input)
    throw CompileError("input", "the graph has two inputs named '" + name + "'", scope);
  const Tensor& before = known->as<ParameterAttr>().value;
  const bool one =
      before.data == value->data && before.shape == value->shape && before.dtype == value->dtype;
  if (!one && !same_bits(before, *value))
    throw CompileError("parameter",
                       "the graph has two parameters named '" + name + "' with different values",
                       scope);
}

void declare(Graph& graph, const std::string& name, int64_t lo, int64_t hi) {
  if (graph.find_symbol(name) != nullptr) return;
  Symbol symbol;
  symbol.name = name;
  symbol.lo = std::max<int64_t>(lo, 0);
  symbol.hi = hi;
  graph.add_symbol(std::move(symbol));
}

}  // namespace

std::vector<Value> Builder::node(Kind kind, const Attr& attr, std::span<const Value> operands,
                                 std::span<const Type> types) {
  Attr complete = attr;
  switch (kind) {
    case Kind::input:
      check_name(graph_, scope_, kind, std::get<InputAttr>(attr).name, nullptr);
      for (const Type& type : types) {
        for (const Index& extent : type.shape) {
          if (auto symbol = extent.as_var()) declare(graph_, *symbol, 0, -1);
        }
      }
      break;
    case Kind::parameter:
      check_name(graph_, scope_, kind, std::get<ParameterAttr>(attr).name,
                 &std::get<ParameterAttr>(attr).value);
      break;
    case Kind::constant:
      if (auto& constant = std::get<ConstantAttr>(complete); constant.sha256.empty()) {
        constant.sha256 = constant.value.sha256();
      }
      break;
    case Kind::bind: {
      const auto& bind = std::get<BindAttr>(attr);
      declare(graph_, bind.symbol, bind.lo, bind.hi);
      break;
    }
    case Kind::compact: {
      const Index count =
          operands.empty() ? Index(0) : product_of(operands[operands.size() - 1].shape());
      declare(graph_, std::get<CompactAttr>(attr).symbol, 0, count.is_const() ? count.value() : -1);
      break;
    }
    case Kind::if_:
    case Kind::loop:
      for (const OpenSize& size : open_sizes(std::get<RegionAttr>(attr), kind, operands, types))
        if (const auto symbol = size.outside.as_var()) declare(graph_, *symbol, 0, -1);
      break;
    default:
      break;
  }
  std::vector<Type> results = derive({graph_, scope_, kind, complete, operands, types});
  const size_t count = results.size();
  const Node* made = graph_.add(kind, std::move(complete), {operands.begin(), operands.end()},
                                std::move(results), scope_);
  std::vector<Value> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = {made, static_cast<int32_t>(i)};
  return values;
}

Value Builder::input(std::string_view name, DType dtype, Shape shape) {
  const Type type{dtype, std::move(shape)};
  return node(Kind::input, InputAttr{std::string(name)}, {}, {&type, 1})[0];
}

Value Builder::parameter(std::string_view name, Tensor value) {
  return node(Kind::parameter, ParameterAttr{std::string(name), std::move(value)}, {}, {})[0];
}

Value Builder::constant(Tensor value) {
  return node(Kind::constant, ConstantAttr{std::move(value), ""}, {}, {})[0];
}

Value Builder::constant(DType dtype, double value) {
  return constant(Tensor::scalar(Scalar::of(dtype, value)));
}

Value Builder::constant_int(DType dtype, int64_t value) {
  return constant(Tensor::scalar(Scalar::of_int(dtype, value)));
}

Value Builder::constant_i64(std::vector<int64_t> values) {
  return constant(
      Tensor::copy_of(DType::i64, {static_cast<int64_t>(values.size())}, values.data()));
}

Value Builder::full(DType dtype, Shape shape, double value) {
  return broadcast(constant(dtype, value), std::move(shape), {});
}

// Its sizes are in the form that all that is made of it has: an equation may say what one is.
Value Builder::iota(DType dtype, Shape shape, int dim) {
  for (Index& extent : shape) extent = graph_.ranges().simplify(extent);
  const Type type{dtype, std::move(shape)};
  return node(Kind::iota, IotaAttr{dim}, {}, {&type, 1})[0];
}

Value Builder::random(std::string_view distribution, DType dtype, Shape shape, Value key,
                      Value counter) {
  const Type type{dtype, std::move(shape)};
  const Value operands[] = {key, counter};
  return node(Kind::random, RandomAttr{std::string(distribution)}, operands, {&type, 1})[0];
}

Value Builder::apply(ScalarOp op, std::initializer_list<Value> operands) {
  return apply(op, std::span<const Value>(operands.begin(), operands.size()));
}

Value Builder::apply(ScalarOp op, std::span<const Value> operands) {
  const int count = arity(op);
  const Kind kind = count == 1 ? Kind::unary : count == 2 ? Kind::binary : Kind::ternary;
  return node(kind, ScalarAttr{op}, operands, {})[0];
}

Value Builder::cast(Value x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const Type type{dtype, x.shape()};
  return node(Kind::cast, CastAttr{}, {&x, 1}, {&type, 1})[0];
}

Value Builder::bitcast(Value x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const Type type{dtype, x.shape()};
  return node(Kind::bitcast, CastAttr{}, {&x, 1}, {&type, 1})[0];
}

}  // namespace mintor
