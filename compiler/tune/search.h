// SPDX-License-Identifier: Apache-2.0
// Which of several candidates is the fastest, by measurements in turns. Takes how many there are,
// the first being the default, and what runs one; gives the fastest, with its time and the
// default's. Keeps true: the default stays unless another one is faster by more than measurements
// differ; that is judged by runs that the other was not picked by.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace mintor {

struct Fastest {
  size_t candidate = 0;
  double seconds = 0, default_seconds = 0;
  std::vector<double> least;  // seconds by candidate, of the rounds that it stayed in
};

// `time` runs a candidate once, and gives seconds.
Fastest fastest_of(size_t count, const std::function<double(size_t candidate)>& time);

}  // namespace mintor
