// SPDX-License-Identifier: Apache-2.0
// What has to hold of sizes so that a model fits together, found while it is imported.
// Takes two sizes that an operator needs to be equal (SizesDiffer), or a size that must not be
// negative. An equation that says what one size of an input is binds that size; any other becomes a
// condition of the graph, which runs are checked against. The import starts again with it, so that
// all sizes are written with one side of it; a raised lower bound takes effect at once, silently:
// what lies below is refused, with the range, when the model runs.
//   x[t, 4] -> Reshape [2, 3, 4]                 t is 6
//   x[b, t, 4] -> Reshape [2, 3, 4]              needs 4*b*t == 24
//   concat of [b, 8, h] and [b, 8, 2*(h // 2)]   needs h == 2*(h // 2)
//   Conv of [b, 3, h], window 5                  h is at least 5
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace mintor {

struct OnnxState;  // import_state.h

// A size of an input that is a number, or another such size.
struct OnnxBinding {
  std::string symbol;
  int64_t value = 0;
  std::string other;    // not empty: the symbol that it is
  std::string because;  // the node and the sizes
  std::string text() const;  // "'t' is taken as 3: ..."
};

// A computed symbol: the size that two have in common in a broadcast.
struct OnnxCommon {
  std::string name;
  Index p, q;
};

// What attempts to import a model have found out. Names mean what the first attempt made of them.
struct OnnxSizes {
  std::vector<OnnxBinding> bound;
  std::vector<Condition> needed;
  std::vector<OnnxCommon> commons;
  size_t count() const { return bound.size() + needed.size(); }
};

// Adds to state.sizes what x == y needs; false: they can never be equal, or it is known already and
// did not help.
bool need_equal(OnnxState& state, const Index& x, const Index& y, const std::string& place);

// Puts what is known into the graph, once it has the symbols of its inputs.
void begin_sizes(OnnxState& state);
// Remembers the symbols that this attempt computes, so that conditions can be about them.
void note_sizes(OnnxState& state);
// Gives the graph's conditions their places; drops what follows from others, and unused symbols.
void finish_sizes(OnnxState& state);

// Adds the symbol to the graph, or gives its name another meaning, in state.symbols. Throws
// CompileError where what it is bound to contradicts lo..hi.
void declare_symbol(OnnxState& state, const std::string& name, int64_t lo, int64_t hi);

// Raises the lower bound of the symbol of `size` so that size >= least. Throws CompileError where
// the symbol's upper bound or a range that the user gave forbids it.
void need_size(OnnxState& state, const Index& size, int64_t least);
// The same for all sizes of the nodes from number `first` on, which must also be countable.
void need_sizes(OnnxState& state, size_t first);

}  // namespace mintor
