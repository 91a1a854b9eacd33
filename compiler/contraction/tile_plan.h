// SPDX-License-Identifier: Apache-2.0
// What register tiles need to know of a contraction: which axes are columns, rows, window, which
// operand all rows share. Takes a contraction; gives a plan or why there is none. Keeps true: facts
// of axes and extents alone; no tile is chosen here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/contraction/strategy.h"

namespace mintor {

// Positions of the axis that are so many apart go through their operand in steps: a transposed
// convolution of this stride. Those between two of them are other phases, with other taps.
struct PhasedAxis {
  std::string axis;
  int64_t phases;
};

struct TilePlan {
  std::string columns, rows;        // the vector axis and that of the tile's rows ("" : one row)
  std::vector<std::string> out;     // all out axes, in order
  std::vector<std::string> joined;  // that become one loop, `rows` the last; fewer than two: none
  std::vector<std::string>
      window;  // window axes that move along `rows`, to be unrolled when guarded
  std::vector<PhasedAxis> phased;           // out axes that are several phases, in order
  bool guarded = false;                     // a coordinate along `rows` may leave its operand
  int64_t rows_before = 1, rows_after = 1;  // of which one does at the ends of `rows`, when known
  bool shared_vector = true;
  bool widened = false;                 // the vector operand is converted to what is summed
  const ContractAxis* words = nullptr;  // the summed axis that runs over the elements of words
  std::optional<int64_t> columns_extent, rows_extent;  // when constant; rows: of one phase
  int64_t positions = 1;      // of the axes that are neither, as far as they are known
  int64_t panel_bytes = 0;    // of the vector operand, when constant
  int64_t rows_together = 0;  // of the broadcast operand, when it is packed by tiles of rows
  int64_t column_bytes = 0;   // of it, for one column and one of the other axes, when constant
};

std::optional<int64_t> constant_extent(const Contract& contract, const std::string& axis);
Refusal plan_tiles(const Contraction& c, TilePlan& plan);
int64_t phases_of(const TilePlan& plan, const std::string& axis);
// The plan with its axes in line as one.
TilePlan with_joined(const Contract& contract, TilePlan plan);

}  // namespace mintor
