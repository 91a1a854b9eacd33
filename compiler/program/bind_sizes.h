// SPDX-License-Identifier: Apache-2.0
// Steps for sizes that branches and loops decide (ir/open_sizes.h): a number is computed, and bound
// to a symbol; a value is copied to memory of that size.
// Takes a draft and open sizes; adds steps. Keeps true: where open sizes share a symbol, a run in
// which they differ ends.
#pragma once

#include <functional>

#include "compiler/ir/open_sizes.h"
#include "compiler/program/program_draft.h"

namespace mintor {

using OfSize = std::function<Index(const OpenSize&)>;

// Binds the symbols that `symbol` gives to what `size` gives.
void bind_sizes(ProgramDraft& draft, const std::vector<OpenSize>& open, const OfSize& symbol,
                const OfSize& size, HostSteps& steps);
// Between buffers of one size in a run, whose expressions differ.
void copy_resized(ProgramDraft& draft, int32_t from, int32_t to, HostSteps& steps);

// The results that have open sizes, each once.
std::vector<size_t> results_of(const std::vector<OpenSize>& open);

inline Index outside_of(const OpenSize& size) { return size.outside; }
inline Index inside_of(const OpenSize& size) { return size.inside; }

}  // namespace mintor
