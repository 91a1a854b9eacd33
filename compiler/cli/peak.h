// SPDX-License-Identifier: Apache-2.0
// The machine's peaks, measured: fused multiply-adds by a loop of independent accumulators in
// registers, memory by sums over an array larger than the caches; built by the system's compiler
// for a level and run for a moment. Takes the facts of a level and a thread count; gives GFLOP/s
// and GB/s read, or nothing when no compiler is there or the level has no vectors. Keeps true: what
// is measured is what the level can do, so a share of it compares across machines.
#pragma once

#include <optional>

#include "compiler/support/target_info.h"

namespace mintor {

std::optional<double> measured_peak_gflops(const TargetInfo& level, int threads);
std::optional<double> measured_read_gbs(const TargetInfo& level, int threads);

}  // namespace mintor
