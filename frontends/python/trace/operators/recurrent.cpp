// SPDX-License-Identifier: Apache-2.0
// A layer of a recurrent network, PyTorch's. Takes x[time, batch, in], first states [directions,
// batch, hidden], and for each direction PyTorch's weights; gives y[time, batch, directions *
// hidden] and the last states. Keeps true: the library operators have ONNX's order of gates, so
// that rows of the weights change places here.
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

struct Cell {
  std::string_view mode;
  ops::Recurrent (*layer)(Builder&, const ops::RecurrentInputs&, const ops::RecurrentAttr&);
  std::vector<int64_t> gates;  // for each gate of ONNX which of PyTorch's it is
  size_t states;
};

const Cell& cell_of(const std::string& mode) {
  static const Cell cells[] = {{"RNN_TANH", ops::rnn, {0}, 1},
                               {"RNN_RELU", ops::rnn, {0}, 1},
                               {"LSTM", ops::lstm, {0, 3, 1, 2}, 2},
                               {"GRU", ops::gru, {1, 0, 2}, 1}};
  for (const Cell& cell : cells) {
    if (cell.mode == mode) return cell;
  }
  throw CompileError("recurrent", "there is no cell '" + mode + "'");
}

// The same parameter of all directions, [directions, gates * hidden, ...], in ONNX's order.
Value stacked(Builder& b, const Cell& cell, const Index& hidden, Operands directions) {
  Values parts;
  for (const Value& x : directions) {
    Shape size = x.shape();
    size[0] = hidden;
    Values gates;
    for (const int64_t gate : cell.gates) {
      std::vector<Index> start(size.size(), 0);
      start[0] = hidden * gate;
      gates.push_back(b.slice(x, start, size, std::vector<int64_t>(size.size(), 1)));
    }
    Shape whole = x.shape();
    whole.insert(whole.begin(), 1);
    parts.push_back(b.reshape(gates.size() == 1 ? x : b.concat(gates, 0), whole));
  }
  return parts.size() == 1 ? parts[0] : b.concat(parts, 0);
}

// Operands: x, first states, then w_ih, w_hh and maybe b_ih, b_hh of each direction, then maybe how
// many steps each row has. Attributes: the cell, how many directions, whether there are lengths.
Values recurrent(SegmentGraph& g, Operands given, AttributeReader& attributes) {
  Builder& b = g.builder();
  const std::string mode = attributes.text();
  const Cell& cell = cell_of(mode);
  const auto directions = static_cast<size_t>(attributes.integer());
  const size_t lengths = attributes.flag() ? 1 : 0;
  const Values operands = all_promoted(b, "recurrent", given.first(given.size() - lengths));
  const Operands weights = Operands(operands).subspan(1 + cell.states);
  const size_t each = weights.size() / directions;
  const auto parameter = [&](size_t which) {
    Values parts;
    for (size_t d = 0; d < directions; ++d) parts.push_back(weights[d * each + which]);
    return stacked(b, cell, operands[1].shape()[2], parts);
  };
  ops::RecurrentInputs in;
  in.x = operands[0];
  in.h = operands[1];
  if (cell.states == 2) in.c = operands[2];
  if (lengths) in.lengths = given.back();
  in.w = parameter(0);
  in.r = parameter(1);
  if (each == 4) {
    in.w_bias = parameter(2);
    in.r_bias = parameter(3);
  }
  ops::RecurrentAttr attr;
  if (directions == 2) attr.direction = ops::RecurrentDirection::bidirectional;
  if (mode == "RNN_RELU") attr.activations.assign(directions, {ops::CellFunction::relu});
  attr.linear_before_reset = true;
  const ops::Recurrent made = cell.layer(b, in, attr);
  // [time, directions, batch, hidden] -> [time, batch, directions * hidden]
  const Shape& y = made.y.shape();
  Values results = {b.reshape(b.transpose(made.y, {0, 2, 1, 3}), {y[0], y[2], y[1] * y[3]}),
                    made.h};
  if (cell.states == 2) results.push_back(made.c);
  return results;
}

constexpr TracedOperator kOperators[] = {
    {"recurrent", -1, recurrent},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_recurrent = {trace::kOperators};
}
