// SPDX-License-Identifier: Apache-2.0
// Convolutions with the channel innermost, so that its 16-lane blocks are vectors.
//| y = contract (x[b, k, m0, m1], w) out b, n, m0, m1
//|   ->  xt = transpose (x)
//|       yt = contract (xt[b, m0, m1, k], w) out b, m0, m1, n
//|       y = transpose (yt)
// Only index nodes are added, and a contract's order is over logical axes: bits stay.
#include <algorithm>

#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {

static bool is_channel_axis(const ContractAxis& a) {
  return a.role == AxisRole::n || a.role == AxisRole::batch;
}

// The dimension of x that holds its channels: its coordinate has the k axis or, depthwise, the
// group. -1: none, there is one.
static int channel_dim(const Contract& c) {
  for (const ContractAxis& a : c.axes)
    for (size_t d = 0; d < c.x_coords.size(); ++d)
      if ((a.role == AxisRole::k || a.role == AxisRole::batch) && c.x_coords[d].mentions(a.name))
        return static_cast<int>(d);
  return -1;
}

static Graph run(CompileContext&, const Graph& graph) {
  return rewrite(
      graph,
      [](Builder& b, const Node& old,
         std::span<const Value> operands) -> std::optional<std::vector<Value>> {
        if (old.kind != Kind::contract) return std::nullopt;
        Contract c = old.as<Contract>();
        const bool windowed = std::any_of(c.axes.begin(), c.axes.end(),
                                          [](const auto& a) { return a.role == AxisRole::window; });
        const int channel = channel_dim(c);
        const int rank = static_cast<int>(c.x_coords.size());
        const bool has_n =
            std::ranges::find(c.axes, AxisRole::n, &ContractAxis::role) != c.axes.end();
        if (!windowed || (channel < 0 && !has_n)) return std::nullopt;

        Value x = operands[0];
        if (channel >= 0 && channel != rank - 1) {
          x = b.transpose(x, with_innermost(c.x_coords.size(), static_cast<size_t>(channel)));
          std::rotate(c.x_coords.begin() + channel, c.x_coords.begin() + channel + 1,
                      c.x_coords.end());
        }
        // Out axes: channels (group, then channel within it) last, the others in their
        // order.
        std::vector<ContractAxis> axes;
        std::vector<int32_t> order, dims;
        int32_t dim = 0;
        std::vector<int32_t> out_dim(c.axes.size(), -1);
        for (size_t n = 0; n < c.axes.size(); ++n)
          if (c.axes[n].role != AxisRole::k && c.axes[n].role != AxisRole::window)
            out_dim[n] = dim++;
        for (int pass = 0; pass < 3; ++pass)
          for (size_t n = 0; n < c.axes.size(); ++n) {
            const bool channel_axis = is_channel_axis(c.axes[n]), out = out_dim[n] >= 0;
            if ((pass == 0 && out && !channel_axis) || (pass == 1 && out && channel_axis) ||
                (pass == 2 && !out)) {
              axes.push_back(c.axes[n]);
              if (out) order.push_back(out_dim[n]);
            }
          }
        c.axes = axes;
        Value y = b.contract(x, operands[1], c);
        return std::vector<Value>{b.transpose(y, inverse(order))};
      });
}

extern const GraphPass pass_channels_last;
const GraphPass pass_channels_last = {"channels_last",
                                      "puts the channels of convolutions innermost", run};

}  // namespace mintor
