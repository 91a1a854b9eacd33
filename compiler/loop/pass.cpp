// SPDX-License-Identifier: Apache-2.0
// The runner of loop passes. Takes a name and a Kernel; gives the rewritten Kernel.
// Keeps true: every pass leaves a kernel that verify() accepts; --verify-passes asks after each.
#include "compiler/loop/pass.h"

#include <algorithm>

#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {

static constexpr const char* kPipeline[] = {
    "expand_unrolled",  // needs: the schedule. gives: register buffers with constant indices
    "simplify",         // needs: expanded text. gives: guards and indices that became constants
    "hoist_guards",     // needs: simple conditions. gives: branches outside of loops, once each
};

Kernel run_loop_pass(std::string_view name, const Kernel& kernel) {
  std::vector<std::string_view> names;
  for (const LoopPass* pass : all_loop_passes()) {
    names.push_back(pass->name);
    if (name != pass->name) continue;
    return pass->run(kernel);
  }
  throw CompileError("loop pass", "there is no pass '" + std::string(name) + "'", "",
                     did_you_mean(name, names));
}

Kernel run_loop_pipeline(const CompileContext& context, Kernel kernel) {
  const std::vector<std::string>& disabled = context.options.disable_pass;
  for (const char* pass : kPipeline) {
    if (std::find(disabled.begin(), disabled.end(), pass) != disabled.end()) continue;
    kernel = run_loop_pass(pass, kernel);
    if (context.options.verify_passes) verify(kernel);
  }
  return kernel;
}

}  // namespace mintor
