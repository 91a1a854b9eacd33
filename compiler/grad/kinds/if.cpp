// SPDX-License-Identifier: Apache-2.0
// if: the same choice between the gradients of both regions.
//   y = if (c, x) { f } else { h }   ->   gx = if (c, x, g) { f' } else { h' }
// Each new region takes the captures and a gradient for each floating-point result, makes its
// body again and gives a gradient for each floating-point capture.
#include "compiler/grad/grad.h"
#include "compiler/grad/rule.h"
#include "compiler/ir/inline.h"

namespace mintor {

namespace {

std::shared_ptr<const Graph> backward_region(const Backward& at, const Graph& region,
                                             std::span<const Value> given_grads) {
  auto made = std::make_shared<Graph>(region.name() + "_grad");
  made->copy_sizes(at.b.graph());
  Builder in(*made);
  std::vector<Value> captures, floats, grads;
  for (size_t i = 1; i < at.node.operands.size(); ++i) {
    const Type& type = at.operand(i).type();
    captures.push_back(in.input("x" + std::to_string(i), type.dtype, type.shape));
    if (is_float(type.dtype)) floats.push_back(captures.back());
  }
  for (const Value& g : given_grads)
    grads.push_back(in.input("g" + std::to_string(grads.size()), g.dtype(), g.shape()));
  std::vector<Value> ys;
  for (const Value& y : inline_region(in, region, captures))
    if (is_float(y.dtype())) ys.push_back(y);
  const std::vector<Value> results = gradients(in, ys, grads, floats);
  for (size_t i = 0; i < results.size(); ++i)
    made->results.push_back({"gx" + std::to_string(i), results[i]});
  return made;
}

}  // namespace

Gradients backward_if(const Backward& at) {
  const auto& regions = at.node.as<RegionAttr>().regions;
  const std::vector<Value> grads = float_grads(at);
  std::vector<Value> captures(at.node.operands.begin() + 1, at.node.operands.end());
  captures.insert(captures.end(), grads.begin(), grads.end());
  const std::vector<Value> made =
      at.b.if_(at.operand(0), captures, backward_region(at, *regions[0], grads),
               backward_region(at, *regions[1], grads));
  Gradients out(at.node.operands.size());
  size_t next = 0;
  for (size_t i = 1; i < out.size(); ++i)
    if (is_float(at.operand(i).dtype())) out[i] = made[next++];
  return out;
}

}  // namespace mintor
