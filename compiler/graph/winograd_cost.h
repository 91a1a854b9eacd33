// SPDX-License-Identifier: Apache-2.0
// What a convolution costs as it is, and by Winograd's F(m, r).
// Takes the sizes of a convolution; gives the cheapest tile and the numbers behind it. Costs are
// told from extents alone, never from the target.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mintor::winograd {

struct Along {
  double results = 1, step = 1;
  double products = 1;  // taps of all results that are inside of x, before phases are columns
};
struct Sizes {
  double places = 1;  // results per channel but along tiled axes
  double columns = 1, channels = 1;
  int64_t taps = 1;          // along each tiled axis
  double weights = 1;        // that there are of each column and channel
  double phases = 1;         // columns of the products, of each one of the results
  std::vector<Along> along;  // each tiled axis
};

// A tile, or none (0), and the numbers or the condition behind it.
struct Verdict {
  int64_t tile = 0, points = 0;  // along a window
  std::string why;
};

// The cheapest tile, where it is worth it.
Verdict cheapest_tile(const Sizes& s);

}  // namespace mintor::winograd
