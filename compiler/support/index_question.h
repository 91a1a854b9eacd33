// SPDX-License-Identifier: Apache-2.0
// One question to Ranges, and the questions that answering it asks: simplifying asks for bounds,
// bounds are asked of what is simplified. Takes Ranges that do not change meanwhile; gives what
// Ranges gives. Keeps true: an expression is simplified once per question, so that the work grows
// with the distinct expressions in it and not with the ways to reach them.
#pragma once

#include <array>
#include <optional>
#include <unordered_map>

#include "compiler/support/index.h"
#include "compiler/support/index_samples.h"

namespace mintor::index_detail {

class Question {
  struct Hash {
    size_t operator()(const Index& e) const { return e.hash(); }
  };

 public:
  explicit Question(const Ranges& ranges);
  const Ranges& ranges() const { return ranges_; }

  Index simplify(const Index& e);  // as it is where a form on the way does not fit 64 bits
  std::optional<int64_t> lower(const Index& e);
  std::optional<int64_t> upper(const Index& e);
  bool nonnegative(const Index& e);
  // Of a part of what is simplified: CompileError where a form does not fit 64 bits.
  Index simplify_part(const Index& e);

  // Values at a few places; the least and the largest. None: nothing is known of e, or equations
  // between variables may leave the places out.
  struct Seen {
    int64_t least, most;
  };
  std::optional<Seen> seen(const Index& e);
  // Lower bounds that were found on the way, each the best that there is.
  std::unordered_map<Index, std::optional<int64_t>, Hash> bounds;

 private:
  const Ranges& ranges_;
  std::array<Sample, 4> samples_;
  std::unordered_map<Index, Index, Hash> simplified_;
  std::unordered_map<Index, bool, Hash> nonnegative_;
};

}  // namespace mintor::index_detail
