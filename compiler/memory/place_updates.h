// SPDX-License-Identifier: Apache-2.0
// New values of states that are computed where the state lies. Takes an entry whose last steps copy
// new values into states; where nothing reads the old value after the launch that makes the
// new one, that launch writes it to its place and the copy is left out. Keeps true: what a run
// gives, and what it leaves in the states; a copy that stays says why (`--explain`).
#pragma once

#include "compiler/program/program.h"

namespace mintor {

void place_updates(CompileContext& context, Program& program, Entry& entry);

}  // namespace mintor
