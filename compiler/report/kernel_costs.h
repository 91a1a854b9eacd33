// SPDX-License-Identifier: Apache-2.0
// What the launches of a kernel do in one run: arithmetic and memory, for shares of a machine's
// peaks. Takes a Program; gives both by launch and by kernel, symbols at their hints.
// Keeps true: a fused multiply-add counts as two operations, taps on padding do not; bytes are
// those of the arrays that are read and written, each once, from whatever memory they come.
#pragma once

#include <map>
#include <string>

#include "compiler/memory/symbol_values.h"
#include "compiler/program/program.h"

namespace mintor {

struct KernelCost {
  int64_t flops = 0, bytes = 0;
  bool multiplies = false;  // and adds: it has a contraction
};

bool multiplies_and_adds(const Kernel& kernel);
// Of one launch that runs once.
KernelCost cost_of(const Program& program, const Launch& launch, const SymbolValues& symbols);
// Of the first entry, without branches and loops: how often their steps run is not known.
std::map<std::string, KernelCost> kernel_costs(const Program& program);

}  // namespace mintor
