// SPDX-License-Identifier: Apache-2.0
// When each buffer of an entry holds a value. Takes a Program and one of its entries; gives, per
// root buffer in a place, the first moment at which it is touched and the last. Moments are
// numbered in the order of the text: a launch, the read of a condition, the begin and the end of a
// loop each take one. Keeps true: views count for their root; what is touched in a loop and outside
// of it lives throughout the loop, whose iterations come back to it.
#pragma once

#include <map>

#include "compiler/program/program.h"

namespace mintor {

struct Lifetime {
  int first = 0, last = 0;  // moments, inclusive
  bool meets(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

std::map<int32_t, Lifetime> lifetimes(const Program& program, const Entry& entry, Place place);

// Calls on_launch(launch, moment), on_read(condition, moment) and on_loop(begin, end) in the order
// of the text, loops after what they hold; gives the number of moments.
template <class List, class OnLaunch, class OnRead, class OnLoop>
int visit_moments(List& steps, const OnLaunch& on_launch, const OnRead& on_read,
                  const OnLoop& on_loop, int moment = 0) {
  const auto visit = [&](auto& list) {
    moment = visit_moments(list, on_launch, on_read, on_loop, moment);
  };
  for (auto& step : steps) {
    if (auto* launch = std::get_if<Launch>(&step.node)) {
      on_launch(*launch, moment++);
    } else if (auto* branch = std::get_if<Branch>(&step.node)) {
      on_read(branch->condition, moment++);
      visit(branch->yes);
      visit(branch->no);
    } else if (auto* bind = std::get_if<Bind>(&step.node)) {
      on_read(bind->value, moment++);
    } else if (auto* loop = std::get_if<Loop>(&step.node)) {
      const int begin = moment++;
      if (loop->condition >= 0) on_read(loop->condition, moment++);
      visit(loop->steps);
      on_loop(begin, moment++);
    }
  }
  return moment;
}

}  // namespace mintor
