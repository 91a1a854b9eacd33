// SPDX-License-Identifier: Apache-2.0
// Blocks for reads across memory. Takes a kernel whose innermost loop becomes vectors; puts the
// loop along which such a read is contiguous, or a piece of it, directly around the vector. Keeps
// true: only by steps; a kernel without such a read stays as it was.
//| for h, w {                              for h_o, w_o {
//|   y[h, w] = x[w, h]          ->           for h_i in 0..16 { x16 y[h, w] = x[w, h] }
//| }                                       }
// Else each vector reads 16 lines for 16 elements, and the lines are gone from the cache before
// their next element is wanted: 512 x 784 was transposed in 2.1 ms, in blocks in 0.1 (AMD EPYC, v4,
// 2026-11-29).
#include <algorithm>
#include <numeric>

#include "compiler/ir/flat_index.h"
#include "compiler/ir/lanes.h"
#include "compiler/loop/analysis.h"
#include "compiler/loop/schedule.h"

namespace mintor {
namespace {

constexpr int64_t kBlock = kLanes;  // elements of a line: 64 bytes of f32
// A first cache as all CPUs have it at least, and what of each set a read surely keeps.
constexpr int64_t kLineBytes = 64, kSets = 64, kKeptOfSet = 4;

// How many lines, so many bytes apart, are kept. Those that lie a multiple of some lines apart
// share few sets: 128 rows of 1,536 bytes lie in 8 of 64, and were transposed in 64 us, in blocks
// in 18 (AMD EPYC, Zen 3, v3, 2026-11-30).
int64_t kept_lines(int64_t stride) {
  const int64_t shared = stride % kLineBytes == 0 ? std::gcd(stride / kLineBytes, kSets) : 1;
  return kKeptOfSet * kSets / shared;
}

// Whether the lines of one step of `nest[at]` are gone before the next: as many as there are steps
// inside.
bool far_apart(const std::vector<LoopInfo>& nest, size_t at, int64_t kept) {
  int64_t steps = 1;
  for (size_t n = at + 1; n < nest.size(); ++n) {
    const auto trip = nest[n].trip();
    if (!trip || *trip > kept) return true;
    steps *= *trip;
    if (steps > kept) return true;
  }
  return false;
}

// The loop of the nest, not the innermost, along which some read of a line is contiguous that the
// innermost one crosses.
std::optional<size_t> crossed(const Kernel& kernel, const std::vector<LoopInfo>& nest) {
  const std::string& innermost = nest.back().var;
  const auto buffers = buffers_of(kernel);
  Ranges ranges;
  std::set<std::string> inner;
  for (const BufferAccess& access : outer_accesses(kernel, kernel.body, ranges, inner)) {
    if (access.write || access.flat) continue;
    const auto& buffer = buffers.at(access.buffer);
    const Index address = ranges.simplify(flat_index(access.indices, buffer.shape));
    const auto across = address.linear_in(innermost);
    if (!across || across->first.is_const(0) || across->first.is_const(1)) continue;
    const int64_t stride = across->first.is_const() ? across->first.value() : 1;
    const int64_t kept = kept_lines(stride * size_of(buffer.dtype));
    for (size_t n = 0; n + 1 < nest.size(); ++n) {
      const auto along = address.linear_in(nest[n].var);
      if (along && along->first.is_const(1) && far_apart(nest, n, kept)) return n;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Crossing> read_across(const Kernel& kernel, const std::string& innermost) {
  const std::vector<LoopInfo> nest = outer_nest(kernel);
  if (nest.size() < 2 || nest.back().var != innermost) return std::nullopt;
  const std::optional<size_t> along = crossed(kernel, nest);
  if (!along) return std::nullopt;
  Crossing crossing{nest[*along], {}};
  for (size_t n = *along + 1; n + 1 < nest.size(); ++n) crossing.between.push_back(nest[n].var);
  return crossing;
}

void block_reads(Kernel& kernel, const Crossing& crossing, const std::string& vectors) {
  Kernel attempt = kernel;
  std::string block = crossing.along.var;
  const auto trip = crossing.along.trip();
  if (!trip || *trip > kBlock) {
    const std::optional<Halves> halves = try_split(attempt, block, kBlock);
    if (!halves) return;
    block = halves->inner;
  }
  std::vector<StepArg> order(crossing.between.begin(), crossing.between.end());
  if (!vectors.empty()) order.push_back(vectors);
  if (order.empty()) return;
  order.push_back(block);
  if (try_step(attempt, "reorder", order)) kernel = attempt;
}

}  // namespace mintor
