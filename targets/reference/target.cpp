// SPDX-License-Identifier: Apache-2.0
// The reference target: plain scalar C++ that runs anywhere. The folder to copy for a new target:
// facts, a prelude, and the generic emitter. It has no vectors, so schedules leave loops scalar;
// libm serves exactly rounded operations only.
#include "compiler/codegen/target.h"

#include "compiler/codegen/emit_cpp.h"

namespace mintor {
namespace {

std::vector<TargetInfo> levels() {
  TargetInfo reference;
  reference.target = "reference";
  reference.level = "reference";
  return {reference};
}

std::vector<std::string> prelude(const TargetInfo&) {
  return {"targets/reference/prelude/scalar.h"};
}

std::string supported(const TargetInfo&) { return "supports_reference"; }

bool host_supports(const TargetInfo&) { return true; }

}  // namespace

extern const Target target_reference;
const Target target_reference = {"reference", "",        levels,       prelude,
                                 emit_cpp,    supported, host_supports};

}  // namespace mintor
