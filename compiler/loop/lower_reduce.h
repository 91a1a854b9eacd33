// SPDX-License-Identifier: Apache-2.0
// What nests that combine items share: values beside each other, the positions that are combined.
// Takes reductions and scans, of one operand or several; gives expressions and statements. Keeps
// true: several values are read before one of them is written.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/loop/lower_nest.h"

namespace mintor {

using Combine =
    std::function<std::vector<Expr>(const std::vector<Expr>&, const std::vector<Expr>&)>;
Combine combine_of(const ReduceAttr& attr);

std::vector<Expr> constants_of(const std::vector<Scalar>& values);
// A buffer of `count` elements for each dtype.
std::vector<std::string> alloc_all(NestContext& ctx, const std::string& wish,
                                   const std::vector<DType>& dtypes, int64_t count, Space space,
                                   std::vector<Stmt>& out);
std::vector<Expr> load_all(const std::vector<std::string>& buffers,
                           const std::vector<DType>& dtypes, Index at);
void store_all(const std::vector<std::string>& buffers, Index at, const std::vector<Expr>& values,
               std::vector<Stmt>& out);
// Names values, so that a tree of combinations is text of linear size.
std::vector<Expr> name_all(NestContext& ctx, const std::string& wish,
                           const std::vector<Expr>& values, std::vector<Stmt>& out);

struct ReducedSpace {
  std::vector<LoopAxis> kept;
  Index count = 1;             // of reduced positions
  std::vector<Index> extents;  // in order of the dimensions
};
ReducedSpace space_of(NestContext& ctx, const Node& node, const std::vector<int32_t>& dims);
// Full coordinates of operand 0 for kept variables and the flat reduced position.
std::vector<Index> coordinates(NestContext& ctx, const Node& node, const std::vector<int32_t>& dims,
                               const ReducedSpace& space, const Index& flat);

std::vector<Expr> operands_at(NestContext& ctx, const Node& node, const std::vector<Index>& at,
                              std::vector<Stmt>& out);
std::vector<Stmt> store_results(NestContext& ctx, const Node& node, const std::vector<Index>& at,
                                std::vector<Expr> values);

}  // namespace mintor
