// SPDX-License-Identifier: Apache-2.0
// Takes a loop; looks at its body alone.
// Keeps true: nothing is simplified here: bounds are the same when they are written the same.
#include "compiler/loop/loop_inside.h"

#include "compiler/loop/analysis.h"

namespace mintor {

LoopInside loop_inside(const For& outer) {
  if (const auto* only = std::get_if<For>(&outer.body->node)) return {only, nullptr, nullptr};
  const auto* branch = std::get_if<If>(&outer.body->node);
  if (branch == nullptr || branch->else_body == nullptr || has_loads(branch->cond)) return {};
  const auto* yes = std::get_if<For>(&branch->then_body->node);
  const auto* no = std::get_if<For>(&branch->else_body->node);
  if (yes == nullptr || no == nullptr || yes->kind != no->kind) return {};
  if (!(yes->begin == no->begin) || !(yes->end == no->end)) return {};
  return {yes, no, branch->cond};
}

}  // namespace mintor
