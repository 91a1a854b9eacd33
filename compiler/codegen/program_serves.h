// SPDX-License-Identifier: Apache-2.0
// What each phase of an entry serves: the values that states have after a run, or anything else. A
// run whose new values of some states are not kept leaves out the phases that serve these alone.
// Takes a Program's entry; gives sets by phase, and their table. Keeps true: what a phase reads was
// made by phases that serve all that it serves; what lies in branches and loops, and what decides
// sizes, serves anything.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "compiler/codegen/program_writer.h"

namespace mintor {

// Positions of states; the number of states stands for anything else.
std::vector<std::set<int32_t>> serves_of(const Program& program, const Entry& entry);
// (phase, state) for each state that a phase writes.
std::vector<std::pair<int32_t, int32_t>> writes_of(const Program& program, const Entry& entry);
// kServes and kWrites of the runtime's Entry; nothing where the program has no states.
void write_serves(ProgramWriter& out, const Program& program, const Entry& entry);

}  // namespace mintor
