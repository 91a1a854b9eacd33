// SPDX-License-Identifier: Apache-2.0
// The phases of an entry: its launches, the conditions that its branches and loops read, and the
// sizes that it binds, in the order of the text; and the function that says which comes next. Takes
// a Program's entry; gives phases and text. Keeps true: a phase has the same number in all
// functions of an entry; an entry of launches alone has no such function.
#pragma once

#include <vector>

#include "compiler/codegen/program_writer.h"

namespace mintor {

struct Phase {
  const Launch* launch = nullptr;
  const Bind* bind = nullptr;
  const Check* check = nullptr;
  int32_t condition = -1;  // a buffer, where it is none of these
  std::string name;
};

std::vector<Phase> phases_of(const Entry& entry);
std::vector<Phase> phases_of(const HostStep& step);
bool has_order(const Entry& entry);
std::vector<Index> trips_of(const Entry& entry);
// static int32_t next(int64_t* n, int64_t chosen, int32_t phase)
void write_order(ProgramWriter& out, const Program& program, const Entry& entry);

}  // namespace mintor
