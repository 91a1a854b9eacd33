// SPDX-License-Identifier: Apache-2.0
// The machine's peak of fused multiply-adds, measured: a loop of independent accumulators in
// registers, built by the system's compiler for a level and run for a moment.
// Takes the facts of a level and a thread count; gives GFLOP/s, or nothing when no compiler is
// there or the level has no vectors. Keeps true: what is measured is what the level can do, so a
// share of it compares across machines.
#pragma once

#include <optional>

#include "compiler/support/target_info.h"

namespace mintor {

std::optional<double> measured_peak_gflops(const TargetInfo& level, int threads);

}  // namespace mintor
