// SPDX-License-Identifier: Apache-2.0
// full_match: all strings walk through the table of a pattern side by side, a byte an iteration.
//   state[..] = next[state[..], class of byte t]      matches = accepts[state behind the last]
// Takes u8[.., width] and a table (compiler/support/pattern.h). Keeps true: behind its end a string
// stays in its state.
#include "compiler/ops/library/strings.h"

namespace mintor::ops {

namespace {

Value integers(Builder& b, const std::vector<int32_t>& items) {
  return b.constant(
      Tensor::copy_of(DType::i32, {static_cast<int64_t>(items.size())}, items.data()));
}

}  // namespace

Value full_match(Builder& b, Value x, const PatternTable& pattern) {
  OpScope scope(b, "full_match");
  need_strings("full_match", x);
  const auto states = static_cast<int64_t>(pattern.accepts.size()), columns = pattern.classes + 1;
  std::vector<int32_t> next, accepts(pattern.accepts.begin(), pattern.accepts.end());
  for (int64_t s = 0; s < states; ++s) {
    const auto row = pattern.next.begin() + s * pattern.classes;
    next.insert(next.end(), row, row + pattern.classes);
    next.push_back(static_cast<int32_t>(s));  // behind the end
  }
  const int64_t last[] = {-1};
  const Value inside =
      apply(b, ScalarOp::lt, {byte_places(b, x.shape()), unsqueeze(b, string_lengths(b, x), last)});
  const Value classes =
      where(b, inside, take(b, integers(b, pattern.class_of), b.cast(x, DType::i32), 0),
            b.constant_int(DType::i32, pattern.classes));
  const Shape rows = without_bytes(x);
  auto graph = std::make_shared<Graph>("pattern_step");
  graph->copy_sizes(b.graph());
  Builder in(*graph);
  const Value t = in.input("t", DType::i64, {}), state = in.input("state", DType::i32, rows),
              all = in.input("classes", DType::i32, x.shape()),
              table = in.input("next", DType::i32, {states * columns});
  const Value row = mul(in, state, in.constant_int(DType::i32, columns));
  const Value at = add(in, row, in.gather(all, t, static_cast<int>(rows.size())));
  graph->results = {{"r0", take(in, table, at, 0)}};
  const Value first[] = {b.broadcast(b.constant_int(DType::i32, 0), rows, {})};
  const Value captured[] = {classes, integers(b, next)};
  const Value end = b.loop(x.shape().back(), first, {}, captured, graph)[0];
  return b.cast(take(b, integers(b, accepts), end, 0), DType::boolean);
}

}  // namespace mintor::ops
