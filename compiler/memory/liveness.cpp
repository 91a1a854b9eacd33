// SPDX-License-Identifier: Apache-2.0
// Takes a Program's entry; gives lifetimes by one walk over its launches.
// Keeps true: a buffer that no launch of the entry touches has no lifetime.
#include "compiler/memory/liveness.h"

namespace mintor {

std::map<int32_t, Lifetime> lifetimes(const Program& program, const Entry& entry, Place place) {
  std::map<int32_t, Lifetime> result;
  int number = 0;
  for (const Region& region : entry.regions) {
    for (const Launch& launch : region.launches) {
      for (const int32_t arg : launch.args) {
        const int32_t root = root_of(program, arg);
        if (program.buffers[root].place != place) continue;
        const auto [at, is_new] = result.try_emplace(root, Lifetime{number, number});
        at->second.last = number;
      }
      ++number;
    }
  }
  return result;
}

}  // namespace mintor
