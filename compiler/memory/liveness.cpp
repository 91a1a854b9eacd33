// SPDX-License-Identifier: Apache-2.0
// Takes a Program's entry; gives lifetimes by one walk over its steps.
// Keeps true: a buffer that no step of the entry touches has no lifetime; inner loops stretch
// lifetimes before outer ones do.
#include "compiler/memory/liveness.h"

#include <algorithm>

namespace mintor {

std::map<int32_t, Lifetime> lifetimes(const Program& program, const Entry& entry, Place place) {
  std::map<int32_t, Lifetime> result;
  const auto touch = [&](int32_t buffer, int moment) {
    const int32_t root = root_of(program, buffer);
    if (program.buffers[root].place != place) return;
    result.try_emplace(root, Lifetime{moment, moment}).first->second.last = moment;
  };
  std::vector<Lifetime> loops;  // inner ones first
  visit_moments(
      entry.steps,
      [&](const Launch& launch, int moment) {
        for (const int32_t arg : launch.args) touch(arg, moment);
      },
      touch, [&](int begin, int end) { loops.push_back({begin, end}); });
  for (const Lifetime& loop : loops) {
    for (auto& [root, life] : result) {
      const bool within = loop.first <= life.first && life.last <= loop.last;
      if (within || !life.meets(loop)) continue;
      life = {std::min(life.first, loop.first), std::max(life.last, loop.last)};
    }
  }
  return result;
}

}  // namespace mintor
