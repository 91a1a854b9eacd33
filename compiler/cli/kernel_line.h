// SPDX-License-Identifier: Apache-2.0
// One operator as a line of text, for measurements of it alone:
//   conv n1 c64 28x28 k3 s1 p1 o64 f32          also d (dilation), g (groups); 77 or 8x28x28 for
//   conv_transpose n1 c64 14x14 k4 s2 p1 o32    other dimensions; k3x5 for other windows
//   matmul m128 k768 n3072 b12                  b: products; without it the right side is a weight
// Takes the line; gives a Graph with weights from a seed; CompileError says what is wrong with it.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace mintor {

Graph graph_of_line(const std::string& line);

}  // namespace mintor
