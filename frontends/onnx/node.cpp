// SPDX-License-Identifier: Apache-2.0
// Checked access to one node (node.h).
// Takes the NodeProto and the values made so far; gives attributes and inputs of the asked type.
// Keeps true: a known value becomes nodes only when an operator asks for it as data.
#include "frontends/onnx/node.h"

#include <cctype>

#include "compiler/ops/strings.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/small_types.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

constexpr size_t kPrintableLength = 200;

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, kPrintableLength)) {
    unsigned char u = static_cast<unsigned char>(c);
    out += u < 0x20 || u > 0x7E ? '?' : c;
  }
  return text.size() > kPrintableLength ? out + "..." : out;
}

OnnxNode::OnnxNode(OnnxState& state, const onnx::NodeProto& proto, const OnnxOp& row, int opset)
    : state_(state),
      proto_(proto),
      row_(row),
      opset_(opset),
      results_(static_cast<size_t>(proto.output_size())) {
  for (const std::string& name : proto.input()) {
    if (name.empty()) {
      values_.push_back({});
      continue;
    }
    const OnnxValue* value = state.find(name);
    if (!value)
      fail("input '" + printable(name) + "' is made by no earlier node, input or initializer");
    values_.push_back(*value);
  }
}

std::function<Index(Value)> bind_of(OnnxNode& n) {
  return [&n](Value number) { return n.size_of(number); };
}

Builder& OnnxNode::builder() { return state_.builder; }

const std::string& OnnxNode::op() const { return proto_.op_type(); }

void OnnxNode::fail(std::string problem, std::string help) const {
  throw CompileError(printable(op()), std::move(problem), "", std::move(help));
}

void OnnxNode::need_inputs(size_t least, size_t most) const {
  size_t count = values_.size();
  if (count < least || count > most)
    fail("has " + std::to_string(count) + " inputs, needs " + std::to_string(least) +
         (most == least ? "" : " to " + std::to_string(most)));
  for (size_t i = 0; i < least; ++i) {
    if (!given(i)) fail("input " + std::to_string(i) + " is empty");
  }
}

const onnx::AttributeProto* OnnxNode::attribute(std::string_view name) const {
  for (const onnx::AttributeProto& a : proto_.attribute()) {
    if (a.name() == name) return &a;
  }
  return nullptr;
}

namespace {

const onnx::AttributeProto* typed(const OnnxNode& n, std::string_view name, int type,
                                  const char* type_name) {
  const onnx::AttributeProto* a = n.attribute(name);
  if (!a) return nullptr;
  if (!a->ref_attr_name().empty())
    n.fail("attribute '" + std::string(name) + "' refers to a function's attribute");
  if (a->type() != type)
    n.fail("attribute '" + std::string(name) + "' must be " + type_name + ", it is of type " +
           std::to_string(a->type()));
  return a;
}

}  // namespace

bool OnnxNode::has(std::string_view name) const { return attribute(name) != nullptr; }

int64_t OnnxNode::integer(std::string_view name, int64_t default_value) const {
  const onnx::AttributeProto* a = typed(*this, name, onnx::AttributeProto::INT, "an integer");
  return a ? a->i() : default_value;
}

int64_t OnnxNode::positive(std::string_view name) const {
  const int64_t value = integer(name, 0);
  if (value < 1) fail(std::string(name) + " is " + std::to_string(value));
  return value;
}

double OnnxNode::real(std::string_view name, double default_value) const {
  const onnx::AttributeProto* a = typed(*this, name, onnx::AttributeProto::FLOAT, "a float");
  return static_cast<double>(a ? a->f() : static_cast<float>(default_value));
}

std::string OnnxNode::text(std::string_view name, std::string_view default_value) const {
  const onnx::AttributeProto* a = typed(*this, name, onnx::AttributeProto::STRING, "a string");
  return a ? a->s() : std::string(default_value);
}

std::vector<int64_t> OnnxNode::integers(std::string_view name) const {
  const onnx::AttributeProto* a =
      typed(*this, name, onnx::AttributeProto::INTS, "a list of integers");
  return a ? std::vector<int64_t>(a->ints().begin(), a->ints().end()) : std::vector<int64_t>{};
}

std::vector<double> OnnxNode::reals(std::string_view name) const {
  const onnx::AttributeProto* a =
      typed(*this, name, onnx::AttributeProto::FLOATS, "a list of floats");
  return a ? std::vector<double>(a->floats().begin(), a->floats().end()) : std::vector<double>{};
}

std::vector<std::string> OnnxNode::texts(std::string_view name) const {
  const onnx::AttributeProto* a =
      typed(*this, name, onnx::AttributeProto::STRINGS, "a list of strings");
  return a ? std::vector<std::string>(a->strings().begin(), a->strings().end())
           : std::vector<std::string>{};
}

bool OnnxNode::given(size_t i) const {
  return i < values_.size() && (values_[i].value || values_[i].known || values_[i].items);
}

int32_t OnnxNode::element(size_t i) const { return given(i) ? values_[i].element : 0; }

Value OnnxNode::in(size_t i) {
  if (element(i) == 0) return stored(i);
  if (!row_.moves)
    fail("input " + std::to_string(i) + " is of the element type " + onnx_dtype_text(element(i)) +
             ", which it does not take",
         "Cast, QuantizeLinear, DequantizeLinear and operators that move elements do");
  return moved(i);
}

Value OnnxNode::moved(size_t i) {
  if (moved_ != 0 && moved_ != element(i))
    fail("inputs of the element types " + onnx_dtype_text(moved_) + " and " +
         onnx_dtype_text(element(i)));
  moved_ = element(i);
  return is_strings(i) ? numbers_of(strings(i)) : stored(i);
}

// Row 0 is the empty string: what an operator fills with.
Value OnnxNode::numbers_of(Value strings) {
  Builder& b = builder();
  if (rows_.empty()) rows_.push_back(b.constant(ops::string_rows(std::vector<std::string>(1))));
  Index before = 0;
  for (const Value& row : rows_) before = before + row.shape()[0];
  Shape shape = strings.shape();
  const Index width = shape.back();
  shape.pop_back();
  Index count = 1;
  for (const Index& size : shape) count = count * size;
  rows_.push_back(b.reshape(strings, {count, width}));
  const Value first = b.cast(b.size(before), DType::i64);
  return b.reshape(ops::add(b, b.iota(DType::i64, {count}, 0), first), shape);
}

bool OnnxNode::is_strings(size_t i) const { return element(i) == kStringElement; }

Value OnnxNode::strings(size_t i) {
  if (!given(i) || values_[i].items || !is_strings(i))
    fail("input " + std::to_string(i) + " must be a tensor of strings");
  return values_[i].value;
}

OnnxValue OnnxNode::input(size_t i) const { return given(i) ? values_[i] : OnnxValue{}; }

const std::vector<OnnxValue>& OnnxNode::sequence(size_t i) {
  if (!given(i) || !values_[i].items) fail("input " + std::to_string(i) + " is no sequence");
  return *values_[i].items;
}

Value OnnxNode::stored(size_t i) {
  if (!given(i)) fail("input " + std::to_string(i) + " is missing");
  if (is_strings(i))
    fail("input " + std::to_string(i) + " is a tensor of strings, which it does not take");
  if (values_[i].items) fail("input " + std::to_string(i) + " is a sequence");
  if (!values_[i].value) {
    values_[i].value = materialise(builder(), *values_[i].known);
    auto it = state_.values.find(proto_.input(static_cast<int>(i)));
    if (it != state_.values.end()) it->second.value = values_[i].value;
  }
  return values_[i].value;
}

Shape OnnxNode::shape(size_t i) {
  if (i < values_.size() && values_[i].items) fail("input " + std::to_string(i) + " is a sequence");
  if (!given(i)) fail("input " + std::to_string(i) + " is missing");
  if (values_[i].value) {
    Shape shape = values_[i].value.shape();
    if (is_strings(i)) shape.pop_back();
    return shape;
  }
  return Shape(values_[i].known->shape.begin(), values_[i].known->shape.end());
}

DType OnnxNode::dtype(size_t i) {
  if (i < values_.size() && values_[i].items) fail("input " + std::to_string(i) + " is a sequence");
  if (!given(i)) fail("input " + std::to_string(i) + " is missing");
  return values_[i].value ? values_[i].value.dtype() : values_[i].known->dtype;
}

const Known* OnnxNode::known(size_t i) {
  const Known* k = fraction(i);
  return k && k->denominator == 1 ? k : nullptr;
}

const Known* OnnxNode::fraction(size_t i) {
  if (!given(i) || values_[i].items || values_[i].element != 0) return nullptr;
  OnnxValue& v = values_[i];
  if (!v.known && v.value.node->kind == Kind::constant) {
    if (std::optional<Known> k = known_of(v.value.node->as<ConstantAttr>().value))
      v.known = std::make_shared<const Known>(std::move(*k));
  }
  return v.known.get();
}

std::optional<Known> OnnxNode::short_weight(size_t i) {
  if (!given(i) || !values_[i].value || values_[i].value.node->kind != Kind::parameter)
    return std::nullopt;
  std::optional<Tensor> tensor = state_.tensor_of(values_[i].value);
  return tensor ? known_of(*tensor) : std::nullopt;
}

Value OnnxNode::zero_point(size_t i) {
  const Value zero = optional_in(i);
  if (!zero || !is_int(zero.dtype())) return zero;
  std::optional<Tensor> tensor;
  if (zero.node->kind == Kind::parameter)
    tensor = zero.node->as<ParameterAttr>().value;
  else
    tensor = state_.tensor_of(zero);
  if (!tensor || tensor->data == nullptr) return zero;
  for (int64_t n = 0; n < tensor->count(); ++n)
    if (tensor->at(n).i != 0) return zero;
  return {};
}

std::vector<Index> OnnxNode::indices(size_t i, std::string_view what) {
  if (!given(i)) fail("input " + std::to_string(i) + " (" + std::string(what) + ") is missing");
  const Known* k = known(i);
  if (!k || is_float(k->dtype))
    fail(std::string(what) + " (input " + std::to_string(i) +
             ") is computed from data: shapes must be known when compiling",
         "fix the sizes with --shape, or export the model with constant shapes");
  if (k->shape.size() > 1)
    fail(std::string(what) + " must have at most 1 dimension, not " +
         std::to_string(k->shape.size()));
  return k->items;
}

bool OnnxNode::is_list(size_t i) {
  if (!given(i)) return false;
  const Shape s = shape(i);
  return known(i) || s.empty() || (s.size() == 1 && s[0].is_const());
}

Index OnnxNode::size_of(Value number) {
  if (number.node->kind == Kind::constant) return number.node->as<ConstantAttr>().value.at(0).i;
  const std::string name = state_.fresh_symbol("bound");
  builder().bind(number, name, 0, -1);
  return Index::var(name);
}

std::vector<Index> OnnxNode::sizes(size_t i, std::string_view what) {
  if (!given(i) || known(i) || !is_list(i) || !is_int(dtype(i))) return indices(i, what);
  Builder& b = builder();
  const Value all = b.cast(in(i), DType::i64);
  const Index count = all.shape().empty() ? Index(1) : all.shape()[0];
  const Value list = b.reshape(all, {count});
  if (count.value() > onnx_limits::kRank)
    fail(std::string(what) + " has " + count.str() + " entries");
  std::vector<Index> out;
  for (int64_t k = 0; k < count.value(); ++k)
    out.push_back(size_of(b.reshape(b.slice(list, {k}, {1}, {1}), {})));
  return out;
}

std::vector<int64_t> OnnxNode::constants(size_t i, std::string_view what) {
  std::vector<int64_t> out;
  for (const Index& item : indices(i, what)) {
    if (!item.is_const())
      fail(std::string(what) + " (input " + std::to_string(i) + ") is '" + item.str() +
               "', it must be a number",
           "fix the size with --shape");
    out.push_back(item.value());
  }
  return out;
}

double OnnxNode::number(size_t i, std::string_view what) {
  std::optional<Tensor> tensor = state_.tensor_of(in(i));
  if (!tensor || tensor->count() != 1)
    fail(std::string(what) + " (input " + std::to_string(i) + ") must be one constant number");
  Scalar s = tensor->at(0);
  return is_float(s.dtype) ? s.f : static_cast<double>(s.i);
}

std::vector<int64_t> OnnxNode::constants_since(int version, size_t i, std::string_view name) {
  if (opset_ < version) return integers(name);
  return given(i) ? constants(i, name) : std::vector<int64_t>{};
}

size_t OnnxNode::outputs() const { return results_.size(); }

bool OnnxNode::wants(size_t i) const {
  return i < results_.size() && !proto_.output(static_cast<int>(i)).empty();
}

void OnnxNode::out(size_t i, Value value) {
  if (moved_ == kStringElement) {
    Index width = 0;
    for (const Value& row : rows_) width = max(width, row.shape()[1]);
    width = state_.graph.ranges().simplify(width);
    std::vector<Value> rows;
    for (const Value& row : rows_) rows.push_back(ops::widened(builder(), row, width));
    value = builder().gather(builder().concat(rows, 0), value, 0);
  }
  if (i < results_.size()) results_[i] = {state_.folded(value), nullptr, moved_};
}

void OnnxNode::out(size_t i, Known known) {
  if (i < results_.size()) results_[i] = {Value{}, std::make_shared<const Known>(std::move(known))};
}

void OnnxNode::out_stored(size_t i, Value value, int32_t element) {
  if (i < results_.size()) results_[i] = {state_.folded(value), nullptr, element};
}

void OnnxNode::out_strings(size_t i, Value value) { out_stored(i, value, kStringElement); }

void OnnxNode::out(size_t i, std::vector<OnnxValue> items) {
  if (i >= results_.size()) return;
  results_[i] = {};
  results_[i].items = std::make_shared<const std::vector<OnnxValue>>(std::move(items));
}

void OnnxNode::out_alias(size_t i, size_t input) {
  if (!given(input)) fail("input " + std::to_string(input) + " is missing");
  if (i < results_.size()) results_[i] = values_[input];
}

}  // namespace mintor
