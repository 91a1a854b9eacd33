// SPDX-License-Identifier: Apache-2.0
// Kernels that are the same up to names, so that a Program holds each once.
// Takes a Kernel; gives its text with every parameter, symbol, variable and buffer renamed in order
// of appearance, without name, schedule, comments and where loops come from.
// Keeps true: equal texts compute the same.
#pragma once

#include <string>

#include "compiler/loop/ir.h"

namespace mintor {

std::string canonical_text(const Kernel& kernel);

// The kernel under such names, called `kernel`, without what only readers need: schedule, reasons
// and meaning.
Kernel neutral(const Kernel& kernel);

// Renames parameters, symbols, variables and buffers; names not in the map stay.
Kernel rename(const Kernel& kernel, const std::map<std::string, std::string>& names);

}  // namespace mintor
