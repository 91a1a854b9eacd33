// SPDX-License-Identifier: Apache-2.0
// Kernels as measured by the JIT. Takes candidates of one kernel, compiled together into one
// program; gives the time of one run of any of them. Keeps true: all run on the same memory, of
// random values where they are floats; the time is that of the launch, as the runtime's profile
// hook says, without what a run costs around it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/package/loaded_model.h"
#include "compiler/program/program.h"

namespace mintor {

class KernelTimes {
 public:
  KernelTimes(CompileContext& context, const std::vector<Kernel>& candidates,
              const TargetInfo& level, const std::map<std::string, int64_t>& symbols, int64_t work);
  // Seconds, the mean of as many runs as a clock can tell.
  double time(size_t candidate);

 private:
  double runs(size_t candidate, int64_t count);

  int64_t nanoseconds_ = 0;  // of launches, by the hook
  std::vector<Tensor> memory_;
  std::vector<mt_tensor> inputs_, outputs_;
  std::vector<int64_t> count_;  // runs in one measurement, by candidate; 0: not known yet
  std::unique_ptr<LoadedModel> model_;
};

}  // namespace mintor
