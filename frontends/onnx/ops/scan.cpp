// SPDX-License-Identifier: Apache-2.0
// ONNX Scan.
// Takes states, values that are read slice by slice along an axis, and a body; gives a loop, around
// it transposes and mirrors where axes are not 0 or directions are backwards. Opset 8 has a batch
// in front of everything: a loop over it holds the loop over time.
// Keeps true: in opset 8, beyond the length of its sequence a state stays and outputs are 0.
#include <algorithm>

#include "compiler/ir/broadcast.h"
#include "compiler/ir/inline.h"
#include "compiler/support/error.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"
#include "frontends/onnx/region.h"
#include "onnx-ml.pb.h"

namespace mintor {

namespace {

struct Scan {
  OnnxNode& n;
  size_t states, scans;  // how many inputs of each kind
  std::vector<Value> inputs;
  std::unique_ptr<OnnxDraft> body;
  std::vector<Value> captured;
  std::shared_ptr<const Graph> step;  // the body with the number of the iteration in front

  size_t outputs() const { return body->outputs.size() - states; }
};

Type slice_of(const Value& x, size_t dims) {
  Type type = x.type();
  type.shape.erase(type.shape.begin(), type.shape.begin() + static_cast<int64_t>(dims));
  return type;
}

Value moved(Builder& b, Value x, size_t from, size_t to) {
  if (from == to) return x;
  std::vector<int32_t> perm;
  for (size_t d = 0; d < x.shape().size(); ++d)
    if (d != from) perm.push_back(static_cast<int32_t>(d));
  perm.insert(perm.begin() + static_cast<int64_t>(to), static_cast<int32_t>(from));
  return b.transpose(x, std::move(perm));
}

size_t axis_of(OnnxNode& n, const std::vector<int64_t>& axes, size_t i, size_t rank) {
  const int64_t given = i < axes.size() ? axes[i] : 0, r = static_cast<int64_t>(rank);
  if (given < -r || given >= r)
    n.fail("axis " + std::to_string(given) + " of a value with " + std::to_string(rank) +
           " dimensions");
  return static_cast<size_t>(given < 0 ? given + r : given);
}

bool is_backwards(OnnxNode& n, const std::vector<int64_t>& directions, size_t i) {
  if (i >= directions.size()) return false;
  if (directions[i] != 0 && directions[i] != 1)
    n.fail("direction " + std::to_string(directions[i]) + " is neither 0 nor 1");
  return directions[i] == 1;
}

Value mirrored(Builder& b, Value x, int64_t axis) { return ops::flip(b, x, {&axis, 1}); }

// The body and its region: (iteration, states, slices, captures) to (states, outputs).
void import_body(Scan& scan, size_t batch_dims) {
  OnnxNode& n = scan.n;
  std::vector<OnnxRegionInput> inputs;
  std::vector<OnnxRegionPort> ports = {{{DType::i64, {}}, {}}};
  for (size_t i = 0; i < scan.inputs.size(); ++i)
    inputs.push_back({slice_of(scan.inputs[i], batch_dims + (i < scan.states ? 0 : 1)), nullptr});
  scan.body = import_region(n, "body", inputs);
  OnnxDraft& body = *scan.body;
  if (body.outputs.size() != n.outputs() || body.outputs.size() < scan.states)
    n.fail("its body has " + std::to_string(body.outputs.size()) + " outputs, the node " +
           std::to_string(n.outputs()) + ", and there are " + std::to_string(scan.states) +
           " states");
  const std::vector<const Node*> draft = inputs_of(body.state.graph);
  for (size_t i = 0; i < inputs.size(); ++i) ports.push_back({inputs[i].type, {draft[i], 0}});
  std::vector<Value> results;
  for (size_t i = 0; i < body.outputs.size(); ++i) {
    Value v = body.output(i);
    if (i < scan.states) v = kept_type(n, body, {i, inputs[i].type, v});
    results.push_back(v);
  }
  scan.captured = captured_by({{&body, results}});
  for (OnnxRegionPort& port : ports_of(body, scan.captured)) ports.push_back(std::move(port));
  scan.step = region_of(body, ports, results);
}

// How many slices the scanned inputs have along `axis`, all of them alike.
Index length_of(const Scan& scan, size_t axis) {
  const Index length = scan.inputs[scan.states].shape()[axis];
  const Ranges& ranges = scan.n.state().graph.ranges();
  for (size_t i = scan.states; i < scan.inputs.size(); ++i) {
    const Index other = scan.inputs[i].shape()[axis];
    if (!ranges.simplify(other - length).is_const(0))
      scan.n.fail("scanned inputs have " + length.str() + " and " + other.str() + " slices");
  }
  return length;
}

// The loop, which may find out sizes of what it stacks.
std::vector<Value> loop_of(const Scan& scan, const Index& length) {
  RegionAttr attr;
  attr.regions = {scan.step};
  attr.trip = length;
  attr.carried = static_cast<int32_t>(scan.states);
  attr.scanned = static_cast<int32_t>(scan.scans);
  std::vector<Value> operands = scan.inputs;
  operands.insert(operands.end(), scan.captured.begin(), scan.captured.end());
  std::vector<Type> types;
  for (size_t i = 0; i < scan.step->results.size(); ++i) {
    const Type& type = scan.step->results[i].value.type();
    types.push_back(i < scan.states ? scan.inputs[i].type()
                                    : stacked_type(scan.n, *scan.body, length, type));
  }
  return scan.n.builder().node(Kind::loop, attr, operands, types);
}

void scan_9(OnnxNode& n) {
  n.need_inputs(1, SIZE_MAX);
  const int64_t scans = n.integer("num_scan_inputs", 0);
  if (scans < 1 || scans > static_cast<int64_t>(n.inputs()))
    n.fail("num_scan_inputs is " + std::to_string(scans) + " of " + std::to_string(n.inputs()) +
           " inputs");
  Builder& b = n.builder();
  Scan scan{n, n.inputs() - static_cast<size_t>(scans), static_cast<size_t>(scans), {}, {}, {}, {}};
  const std::vector<int64_t> axes = n.integers("scan_input_axes"),
                             directions = n.integers("scan_input_directions"),
                             out_axes = n.integers("scan_output_axes"),
                             out_directions = n.integers("scan_output_directions");
  for (size_t i = 0; i < n.inputs(); ++i) {
    Value x = n.in(i);
    if (i >= scan.states) {
      const size_t k = i - scan.states;
      x = moved(b, x, axis_of(n, axes, k, x.shape().size()), 0);
      if (is_backwards(n, directions, k)) x = mirrored(b, x, 0);
    }
    scan.inputs.push_back(x);
  }
  import_body(scan, 0);
  const std::vector<Value> made = loop_of(scan, length_of(scan, 0));
  for (size_t i = 0; i < made.size(); ++i) {
    Value y = made[i];
    if (i >= scan.states) {
      const size_t k = i - scan.states;
      if (is_backwards(n, out_directions, k)) y = mirrored(b, y, 0);
      y = moved(b, y, 0, axis_of(n, out_axes, k, y.shape().size()));
    }
    n.out(i, y);
  }
}

// The step of a sequence with a length, which is the last input: beyond it nothing changes.
std::shared_ptr<const Graph> within_length(const Scan& scan, const Graph& around) {
  auto graph = std::make_shared<Graph>("step");
  graph->copy_sizes(around);
  Builder b(*graph);
  std::vector<Value> inputs;
  for (const Node* node : inputs_of(*scan.step))
    inputs.push_back(b.input("x" + std::to_string(inputs.size()), node->results[0].dtype,
                             node->results[0].shape));
  const Value length = b.input("length", DType::i64, {});
  const Value inside = b.apply(ScalarOp::lt, {inputs[0], length});
  std::vector<Value> results = inline_region(b, *scan.step, inputs);
  for (size_t i = 0; i < results.size(); ++i) {
    const Value y = results[i];
    const Value other = i < scan.states ? inputs[1 + i] : b.full(y.dtype(), y.shape(), 0);
    graph->results.push_back(
        {"r" + std::to_string(i),
         b.apply(ScalarOp::where, {b.broadcast(inside, y.shape(), {}), y, other})});
  }
  return graph;
}

// One sequence of the batch: (iteration, states..., scanned..., [length], captures...).
std::shared_ptr<const Graph> sequence_body(const Scan& scan, const Index& length, Value lengths) {
  const Graph& around = scan.n.state().graph;
  auto graph = std::make_shared<Graph>("sequence");
  graph->copy_sizes(around);
  Builder b(*graph);
  const auto input = [&](const Type& type) {
    return b.input("x" + std::to_string(inputs_of(*graph).size()), type.dtype, type.shape);
  };
  input({DType::i64, {}});
  std::vector<Value> slices, captured;
  for (const Value& x : scan.inputs) slices.push_back(input(slice_of(x, 1)));
  Value own;
  if (lengths) own = input({DType::i64, {}});
  for (const Value& c : scan.captured) captured.push_back(input(c.type()));
  if (own) captured.push_back(own);
  const std::span<const Value> all = slices;
  for (const Value& y : b.loop(length, all.first(scan.states), all.subspan(scan.states), captured,
                               own ? within_length(scan, around) : scan.step))
    graph->results.push_back({"r" + std::to_string(graph->results.size()), y});
  return graph;
}

void scan_8(OnnxNode& n) {
  if (n.inputs() < 2) n.fail("has " + std::to_string(n.inputs()) + " inputs, needs 2 at least");
  const int64_t scans = n.integer("num_scan_inputs", 0);
  if (scans < 1 || scans >= static_cast<int64_t>(n.inputs()))
    n.fail("num_scan_inputs is " + std::to_string(scans) + " of " + std::to_string(n.inputs() - 1) +
           " inputs");
  Builder& b = n.builder();
  Scan scan{n, n.inputs() - 1 - static_cast<size_t>(scans), static_cast<size_t>(scans), {}, {}, {},
            {}};
  Value lengths = n.optional_in(0);
  if (lengths) lengths = b.cast(lengths, DType::i64);
  const std::vector<int64_t> directions = n.integers("directions");
  for (size_t i = 1; i < n.inputs(); ++i) {
    Value x = n.in(i);
    const bool scanned = i > scan.states;
    if (x.shape().size() < (scanned ? 2u : 1u))
      n.fail("input " + std::to_string(i) + " is " + to_string(x.type()) +
             ", it begins with the batch" + (scanned ? " and the sequence" : ""));
    if (scanned && is_backwards(n, directions, i - 1 - scan.states))
      x = lengths ? ops::reverse_sequence(b, x, lengths, 0, 1) : mirrored(b, x, 1);
    scan.inputs.push_back(x);
  }
  import_body(scan, 1);
  for (const Result& result : scan.step->results)
    for (const Index& size : result.value.shape())
      if (!keeps_size(n, *scan.body, size))
        n.fail("gives a " + to_string(result.value.type()) + ", whose size " + size.str() +
               " is known inside of it alone");
  const Index batch = scan.inputs[0].shape()[0];
  std::vector<Value> scanned = scan.inputs;
  if (lengths) scanned.push_back(lengths);
  const std::vector<Value> made =
      b.loop(batch, {}, scanned, scan.captured, sequence_body(scan, length_of(scan, 1), lengths));
  for (size_t i = 0; i < made.size(); ++i) n.out(i, made[i]);
}

constexpr OnnxOp kOps[] = {
    {"Scan", 8, 8, scan_8, "any", "loop in a loop"},
    {"Scan", 9, 0, scan_9, "any", "loop"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_scan;
const OnnxOpGroup onnx_ops_scan{kOps};

}  // namespace mintor
