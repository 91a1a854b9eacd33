// SPDX-License-Identifier: Apache-2.0
// Takes what the planner of a branch or loop asks for (plan.cpp); adds launches, checks and binds.
// Keeps true: all numbers are computed before the first of them is bound.
#include "compiler/program/bind_sizes.h"

#include "compiler/ir/sizes.h"

namespace mintor {

void bind_sizes(ProgramDraft& draft, const std::vector<OpenSize>& open, const OfSize& symbol,
                const OfSize& size, HostSteps& steps) {
  std::map<std::string, Index> sizes;
  std::vector<Bind> binds;
  for (const OpenSize& each : open) {
    const std::string name = *symbol(each).as_var();
    const auto [known, is_new] = sizes.try_emplace(name, size(each));
    if (is_new) {
      const int32_t number = draft.add_buffer(name + "_size", {DType::i64, {}}, Place::arena);
      draft.store_number(known->second, number, steps);
      binds.push_back({name, number});
    } else if (!(known->second == size(each))) {
      Condition same{known->second, size(each)};
      same.because = "two results share the size '" + name + "'";
      steps.push_back({Check{std::move(same)}});
    }
  }
  for (Bind& bind : binds) steps.push_back({std::move(bind)});
}

void copy_resized(ProgramDraft& draft, int32_t from, int32_t to, HostSteps& steps) {
  const Buffer target = draft.program.buffers[to];
  const Type flat{target.dtype, {count_of(target.shape)}};
  const int32_t source = draft.add_part(target.name + "_source", flat, from, 0);
  draft.copy(source, draft.add_view(target.name + "_flat", flat, to), steps);
}

std::vector<size_t> results_of(const std::vector<OpenSize>& open) {
  std::vector<size_t> results;
  for (const OpenSize& size : open)
    if (results.empty() || results.back() != size.result) results.push_back(size.result);
  return results;
}

}  // namespace mintor
