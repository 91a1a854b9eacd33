// SPDX-License-Identifier: Apache-2.0
// What a package verifies itself with. Takes a Program and the user's cases; gives cases by
// position. Keeps true: without given cases there is one of seeded inputs for each entry, whose
// outputs come from the JIT and are to be met bit for bit.
#pragma once

#include <vector>

#include "compiler/driver/driver.h"
#include "compiler/package/package.h"

namespace mintor {

std::vector<VerifyCase> package_cases(CompileContext& context, const Program& program,
                                      const std::vector<Case>& given);

// Seeded inputs at typical sizes: the same everywhere.
std::vector<Tensor> seeded_inputs(const Program& program, const Entry& entry, uint64_t seed);

// The Program with the kernels of one level alone.
Program with_level(const Program& program, size_t level);

}  // namespace mintor
