// SPDX-License-Identifier: Apache-2.0
// code: the user's statements over the buffers of its operands and results.
// Takes a node; gives one statement, outside of loops.
#include "compiler/ir/user_code.h"
#include "compiler/loop/lower_nest.h"

namespace mintor {

Stmt nest_code(NestContext& ctx, const Node& node) {
  UserFunction function = user_function(node);
  const auto& scopes = ctx.graph.scopes(&node);
  check_views(function, types_of(node.operands), node.results,
              scopes.empty() ? "" : scopes.front());
  Code code;
  for (size_t i = 0; i < node.operands.size(); ++i)
    code.inputs.push_back({function.inputs[i], value_name(ctx.graph, node.operands[i])});
  for (size_t r = 0; r < node.results.size(); ++r)
    code.outputs.push_back(
        {function.outputs[r], value_name(ctx.graph, {&node, static_cast<int32_t>(r)})});
  code.text = std::move(function.body);
  return k::code(std::move(code));
}

}  // namespace mintor
