// SPDX-License-Identifier: Apache-2.0
// How two sizes meet in a broadcast when neither is known to be 1: they may be equal, or one of
// them 1 in a run, and both cases have to come out right.
// Takes two sizes of a graph; gives the size of the result, and puts the condition under which they
// meet into the graph:
//   n with 4             4         needs n == 4 or n == 1
//   n with 2*m           2*m       needs n == 2*m or n == 1      (2*m is never 1)
//   n with m             common_n_m, a symbol that is computed   needs n == m or n == 1 or m == 1
// Keeps true: what cannot be 1 is not asked for it; sizes that have to be equal are SizesDiffer.
#pragma once

#include "compiler/ir/builder.h"

namespace mintor {

// Throws SizesDiffer with the operator and `problem` where neither can be 1.
Index common_extent(Builder& b, const std::string& op, const Index& p, const Index& q,
                    const std::string& problem, const std::string& help = "");
// The same when p alone may be 1: p is stretched to `to`.
void need_stretch(Builder& b, const Index& p, const Index& to, const std::string& problem);
// x with sizes that are equal to its own or, where a condition of the graph allows it, stretch it:
// y[i] = x[min(i, size - 1)]. The same rank.
Value stretched(Builder& b, Value x, Shape shape);

}  // namespace mintor
