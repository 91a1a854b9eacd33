// SPDX-License-Identifier: Apache-2.0
// Names that kernels may have in emitted C++. Takes any identifier; gives it, or it with an
// underscore behind where C++, libm or the prelude know it already.
// Keeps true: different names stay different within one kernel.
#pragma once

#include <string>
#include <string_view>

#include "compiler/loop/ir.h"

namespace mintor {

std::string legal_name(std::string_view name);
// Parameters, symbols, variables and buffers renamed where they need it.
Kernel with_legal_names(const Kernel& kernel);

}  // namespace mintor
