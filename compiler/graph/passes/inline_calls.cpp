// SPDX-License-Identifier: Apache-2.0
// A call is its body: what it was for, a gradient of its own, has been asked for by now.
//   y = call (x) { r = mul (v, v) }   ->   y = mul (x, x)
// Takes any graph; leaves no call in it.
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/inline.h"

namespace mintor {

static Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& old,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::call) return std::nullopt;
                   return inline_region(b, *old.as<RegionAttr>().regions[0], operands,
                                        InnerCalls::inlined);
                 });
}

extern const GraphPass pass_inline_calls;
const GraphPass pass_inline_calls = {"inline_calls", "calls become their bodies", run};

}  // namespace mintor
