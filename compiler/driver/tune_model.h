// SPDX-License-Identifier: Apache-2.0
// Tuning of a model: which candidate of each of its kernels is the fastest on this machine. Takes
// optimised Graphs, a level that runs here, and a database; appends a record per kernel as soon as
// it is measured. Keeps true: distinct kernels are measured once, those of the most work first;
// kernels that the database knows for this CPU are skipped; nothing that is measured changes bits.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "compiler/ir/graph.h"
#include "compiler/support/context.h"
#include "compiler/tune/database.h"

namespace mintor {

struct TuneLimits {
  double seconds = 600;    // nothing is begun after that
  size_t candidates = 32;  // of a kernel that are measured, the default among them
};

struct TuneStep {
  size_t done = 0, total = 0;  // kernels, those that were known included
  double elapsed = 0;          // seconds
  double left = 0;             // about; by the work of what was measured so far
  std::string kernel;
  const TuningRecord* record = nullptr;
};

struct TuneSummary {
  size_t kernels = 0, known = 0, measured = 0, faster = 0;
  double seconds = 0;
};

// `context.options.threads` run each kernel, 0: every core.
TuneSummary tune(CompileContext& context, std::span<const Graph> entries, const std::string& level,
                 Database& database, const TuneLimits& limits,
                 const std::function<void(const TuneStep&)>& tell = {});

}  // namespace mintor
