// SPDX-License-Identifier: Apache-2.0
// What steps ask about a loop before they change it: are its iterations independent, what in its
// body varies with it. Takes kernels and loops; gives refusals with the condition that would lift
// them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {

// One access to a buffer, with the lanes of a vector statement as the variable `lane` in its
// ranges.
struct BufferAccess {
  std::string buffer;
  std::vector<Index> indices;
  bool write = false;
  bool flat = false;  // indices is one address into the whole buffer: an operand may cross rows
};

// Accesses in `stmt` to buffers that are allocated outside of it; operands of instructions as
// ranges of elements. Adds the ranges of every loop, integer Let and lane in stmt to `ranges`, and
// their names to `inner`.
std::vector<BufferAccess> outer_accesses(const Kernel& kernel, const Stmt& stmt, Ranges& ranges,
                                         std::set<std::string>& inner);

// Empty when no two iterations of `loop` with different values touch one element of a buffer from
// outside the body, one of them writing; `also_inner` are outer loops that may differ between the
// two as well.
Refusal independent(const Kernel& kernel, const For& loop,
                    const std::set<std::string>& also_inner = {});

// The loop variable, and the Lets and private buffers inside whose values differ between its
// iterations.
std::set<std::string> varying_in(const For& loop);
bool varies(const Index& e, const std::set<std::string>& varying);
bool varies(const Expr& e, const std::set<std::string>& varying);

// Every divisor in it is positive whatever the values: it may be computed where the loop or the
// condition around it would have kept a divisor of 0 away.
bool defined_anywhere(const Index& e, const Ranges& ranges);
bool defined_anywhere(const Expr& e, const Ranges& ranges);

// A conjunction as its parts, and back (nullptr for none).
std::vector<Expr> conjuncts(const Expr& cond);
Expr conjunction(const std::vector<Expr>& parts);
bool has_loads(const Expr& e);
// Shapes and dtypes of every buffer of the kernel.
struct BufferType {
  DType dtype;
  std::vector<Index> shape;
};
std::map<std::string, BufferType> buffers_of(const Kernel& kernel);
std::set<std::string> bound_in(const Stmt& stmt);
// The variables, symbols and buffers that it reads, and the buffers that it writes.
std::set<std::string> mentioned_in(const Stmt& stmt);
// The parameters that it mentions, in order.
std::vector<Param> params_of(const Kernel& kernel, const Stmt& stmt);

}  // namespace mintor
