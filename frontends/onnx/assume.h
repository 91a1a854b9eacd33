// SPDX-License-Identifier: Apache-2.0
// What has to hold of symbols so that a model fits together, found while it is imported.
// Takes two sizes that an operator needs to be equal (SizesDiffer), or a size that must not be
// negative; gives assumptions about symbols of the inputs. The importer starts again with those
// that shapes follow from, and says each; a raised lower bound takes effect at once, silently: what
// lies below is refused, with the range, when the model runs.
//   x[t, 4] -> Reshape [2, 3, 4]           t is 6 (of x[b, t, 4] nothing is known: refused)
//   concat of [b, 8, h] and [b, 8, 2*(h // 2)]      h is a multiple of 2
//   Conv of [b, 3, h], window 5            h is at least 5
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct OnnxState;  // import_state.h

struct OnnxAssumption {
  enum class Kind : uint8_t { equal, same, at_most, at_least, multiple };
  Kind kind = Kind::equal;
  std::string symbol;
  int64_t value = 0;
  std::string other;    // of `same`: the symbol that it is
  std::string because;  // the node and the sizes
  std::string text() const;  // "'t' is taken as 3: ..."
  bool operator==(const OnnxAssumption&) const = default;
};

// What makes x == y, without `because`; empty: nothing that follows from them.
std::vector<OnnxAssumption> assume_equal(const Graph& graph, const Index& x, const Index& y);

// Adds the symbol to the graph as the assumptions have it, or gives its name another meaning, in
// state.symbols. Throws CompileError where an assumption contradicts lo..hi.
void declare_symbol(OnnxState& state, const std::string& name, int64_t lo, int64_t hi);

// Raises the lower bound of the symbol of `size` so that size >= least. Throws CompileError where
// the symbol's upper bound or a range that the user gave forbids it.
void need_size(OnnxState& state, const Index& size, int64_t least);
// The same for all sizes of the nodes from number `first` on, which must also be countable.
void need_sizes(OnnxState& state, size_t first);

}  // namespace mintor
