// SPDX-License-Identifier: Apache-2.0
// ONNX sequences and optional values, where how many items there are is known when compiling: they
// leave no nodes. Items may be of any shapes.
// Takes positions that are known; gives items, or sequences of them.
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/limits.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

Value node_of(OnnxNode& n, const OnnxValue& v) {
  if (v.items) n.fail("an item is a sequence itself");
  if (v.element != 0) n.fail("items are of the element type " + onnx_dtype_text(v.element));
  return v.value ? v.value : materialise(n.builder(), *v.known);
}

// A position in 0..count-1, or 0..count where something is put.
int64_t position(OnnxNode& n, size_t i, size_t count, bool puts) {
  const std::vector<int64_t> given = n.constants(i, "the position");
  if (given.size() != 1) n.fail("the position must be one number");
  const auto size = static_cast<int64_t>(count);
  const int64_t at = given[0] < 0 ? given[0] + size : given[0];
  if (at < 0 || at > size || (at == size && !puts))
    n.fail("position " + std::to_string(given[0]) + " of " + std::to_string(size) + " items");
  return at;
}

void sequence_empty(OnnxNode& n) { n.out(0, std::vector<OnnxValue>{}); }

void sequence_construct(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  std::vector<OnnxValue> items;
  for (size_t i = 0; i < n.inputs(); ++i) items.push_back(n.input(i));
  n.out(0, std::move(items));
}

void sequence_insert(OnnxNode& n) {
  n.need_inputs(2, 3);
  std::vector<OnnxValue> items = n.sequence(0);
  const int64_t at =
      n.given(2) ? position(n, 2, items.size(), true) : static_cast<int64_t>(items.size());
  if (items.size() >= static_cast<size_t>(onnx_limits::kKnown)) n.fail("the sequence is too long");
  items.insert(items.begin() + at, n.input(1));
  n.out(0, std::move(items));
}

void sequence_erase(OnnxNode& n) {
  n.need_inputs(1, 2);
  std::vector<OnnxValue> items = n.sequence(0);
  if (items.empty()) n.fail("the sequence is empty");
  const int64_t at =
      n.given(1) ? position(n, 1, items.size(), false) : static_cast<int64_t>(items.size()) - 1;
  items.erase(items.begin() + at);
  n.out(0, std::move(items));
}

void sequence_at(OnnxNode& n) {
  n.need_inputs(2, 2);
  const std::vector<OnnxValue>& items = n.sequence(0);
  n.results()[0] = items[static_cast<size_t>(position(n, 1, items.size(), false))];
}

void sequence_length(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out(0, Known{DType::i64, {}, {static_cast<int64_t>(n.sequence(0).size())}});
}

int64_t axis_in(OnnxNode& n, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    n.fail("axis " + std::to_string(axis) + " of a value with " + std::to_string(rank) +
           " dimensions");
  return axis < 0 ? axis + rank : axis;
}

void concat_from_sequence(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  std::vector<Value> parts;
  for (const OnnxValue& item : n.sequence(0)) parts.push_back(node_of(n, item));
  if (parts.empty()) n.fail("the sequence is empty");
  const bool stacks = n.integer("new_axis", 0) != 0;
  const auto rank = static_cast<int64_t>(parts[0].shape().size()) + (stacks ? 1 : 0);
  const int64_t axis[] = {axis_in(n, n.integer("axis", 0), rank)};
  for (Value& part : parts)
    if (stacks) part = ops::unsqueeze(b, part, axis);
  n.out(0, b.concat(parts, static_cast<int>(axis[0])));
}

void split_to_sequence(OnnxNode& n) {
  n.need_inputs(1, 2);
  Builder& b = n.builder();
  const Value x = n.in(0);
  const int64_t axis[] = {axis_in(n, n.integer("axis", 0), static_cast<int64_t>(x.shape().size()))};
  const Index total = x.shape()[static_cast<size_t>(axis[0])];
  std::vector<Index> sizes;
  bool single = false;
  if (n.given(1) && !n.shape(1).empty()) {
    sizes = n.sizes(1, "the sizes");
    Index sum = 0;
    for (const Index& size : sizes) sum = sum + size;
    if (!n.known(1)) n.state().graph.add_condition({sum, total, Condition::Form::equal, ""});
  } else if (n.given(1) && !n.known(1)) {
    n.fail("the size of its parts is data: how many items there are is not known when compiling");
  } else {
    if (!total.is_const()) n.fail("splits a size that is known in a run alone: " + total.str());
    const int64_t part = n.given(1) ? n.constants(1, "the size")[0] : 1;
    if (part < 1 || total.value() / part > onnx_limits::kKnown)
      n.fail("parts of " + std::to_string(part) + " of " + total.str());
    for (int64_t done = 0; done < total.value(); done += part)
      sizes.push_back(std::min(part, total.value() - done));
    single = !n.given(1);
  }
  std::vector<OnnxValue> items;
  for (const Value& part : ops::split(b, x, axis[0], sizes)) {
    const bool drops = single && n.integer("keepdims", 1) == 0;
    items.push_back({drops ? ops::squeeze(b, part, axis) : part, nullptr});
  }
  n.out(0, std::move(items));
}

// The items of sequences go through a graph together with values that stay.
void sequence_map(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  const onnx::GraphProto& body = graph_of(n, "body");
  const size_t count = n.sequence(0).size();
  std::vector<std::vector<OnnxValue>> made(n.outputs());
  for (size_t k = 0; k < count; ++k) {
    std::vector<OnnxValue> inputs;
    for (size_t i = 0; i < n.inputs(); ++i) {
      const OnnxValue v = n.input(i);
      if (v.items && v.items->size() != count)
        n.fail("sequences of " + std::to_string(count) + " and " + std::to_string(v.items->size()) +
               " items");
      inputs.push_back(v.items ? (*v.items)[k] : v);
    }
    const std::vector<OnnxValue> outputs = import_here(n, body, inputs);
    if (outputs.size() != made.size())
      n.fail("its graph has " + std::to_string(outputs.size()) + " outputs, needs " +
             std::to_string(made.size()));
    for (size_t i = 0; i < made.size(); ++i) made[i].push_back(outputs[i]);
  }
  for (size_t i = 0; i < made.size(); ++i) n.out(i, std::move(made[i]));
}

void optional(OnnxNode& n) {
  n.need_inputs(0, 1);
  if (n.given(0)) return n.out_alias(0, 0);
  n.results()[0].absent = true;
}

void optional_get_element(OnnxNode& n) {
  n.need_inputs(1, 1);
  n.out_alias(0, 0);
}

void has_element(OnnxNode& n) { n.out(0, Known{DType::boolean, {}, {n.given(0) ? 1 : 0}}); }

constexpr OnnxOp kOps[] = {
    {"SequenceEmpty", 11, 0, sequence_empty, "", "nothing (known when compiling)"},
    {"SequenceConstruct", 11, 0, sequence_construct, "any", "nothing (known when compiling)"},
    {"SequenceInsert", 11, 0, sequence_insert, "any, any, ints", "nothing (known when compiling)"},
    {"SequenceErase", 11, 0, sequence_erase, "any, ints", "nothing (known when compiling)"},
    {"SequenceAt", 11, 0, sequence_at, "any, ints", "nothing (known when compiling)"},
    {"SequenceLength", 11, 0, sequence_length, "any", "nothing (known when compiling)"},
    {"ConcatFromSequence", 11, 0, concat_from_sequence, "any", "concat"},
    {"SplitToSequence", 11, 0, split_to_sequence, "floats ints bool, ints",
     "reindex for each part"},
    {"SequenceMap", 17, 0, sequence_map, "any", "the graph's nodes for each item"},
    {"Optional", 15, 0, optional, "any", "nothing"},
    {"OptionalGetElement", 15, 0, optional_get_element, "any", "nothing"},
    {"OptionalHasElement", 15, 0, has_element, "any", "nothing (known when compiling)"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_sequence;
const OnnxOpGroup onnx_ops_sequence{kOps};

}  // namespace mintor
