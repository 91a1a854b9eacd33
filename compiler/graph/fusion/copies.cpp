// SPDX-License-Identifier: Apache-2.0
// How much text a kernel is. Takes a node and the draft that holds its readers; gives how often
// lowering (compiler/loop/lower_expr.h) would write its expression, never fewer than it does.
// Keeps true: numbers saturate; forty times y = y + y is seen to be 2^40 before it is written.
#include <algorithm>

#include "compiler/graph/fusion/draft.h"
#include "compiler/ir/lanes.h"

namespace mintor::fusion {
namespace {

constexpr int64_t kSaturated = int64_t{1} << 40;

int64_t plus(int64_t a, int64_t b) { return std::min(kSaturated, a + b); }

int64_t times(int64_t a, int64_t b) {
  return b != 0 && a > kSaturated / b ? kSaturated : std::min(kSaturated, a * b);
}

// A reduction of few items is written out item by item.
int64_t written_items(const Node& user) {
  if (user.kind != Kind::reduce) return 1;
  int64_t items = 1;
  for (const int32_t d : user.as<ReduceAttr>().dims) {
    const Index& extent = user.operands[0].shape()[d];
    if (!extent.is_const() || extent.value() > kLanes) return 1;
    items = std::max<int64_t>(1, items * extent.value());
  }
  return items <= kLanes ? items : 1;
}

int64_t reads_of(const Reader& reader) {
  const int64_t operands = std::ranges::count(reader.user->operands, reader.operand, &Value::node);
  if (reader.user->kind != Kind::pack) return operands;
  return operands * 8 / reader.user->as<PackAttr>().bits;  // all elements of a byte
}

bool is_scalar_function(const Node& node) { return std::holds_alternative<ScalarAttr>(node.attr); }

uint64_t nest_of_part(const Node& concat, size_t part) {
  return (static_cast<uint64_t>(concat.id) << 32) + part + 1;
}

uint64_t place_of(uint64_t nest, const Reader& reader, const Node& node) {
  return reader.operand == &node ? nest : nest * 1000003 + reader.operand->id + 1;
}

}  // namespace

// Doublings of y = y + y before a gather, from model to run: 64 copies 0.04 s more than two, 256
// 0.25 s, 512 0.5 s, 1024 1.0 s, 4096 4.0 s, memory above that (Xeon, 2 cores shared, 2026-11-28).
const int64_t kMostWritten = 512;

int64_t Text::total() const { return plus(times(each_part, parts), once); }

int64_t Copies::total() const {
  int64_t sum = unnamed;
  for (const auto& [nest, copies] : named) sum = plus(sum, copies);
  return sum;
}

Copies copies_in(const Draft& draft, const Node& node, const std::vector<Reader>& readers) {
  Copies found;
  int64_t all_reads = 0;
  for (const Reader& reader : readers) all_reads += reads_of(reader);
  const bool gets_name = is_scalar_function(node) && all_reads > 1;
  for (const Reader& reader : readers) {
    const Copies& of_user = draft.copies.at(reader.user);
    const int64_t reads = reads_of(reader);
    if (draft.places(reader.user)) {
      for (size_t part = 0; part < reader.user->operands.size(); ++part)
        if (reader.user->operands[part].node == reader.operand)
          ++found.named[place_of(nest_of_part(*reader.user, part), reader, node)];
      continue;
    }
    if (changes_position(*reader.user)) {
      found.unnamed = plus(found.unnamed, times(reads, of_user.total()));
      continue;
    }
    found.unnamed = plus(found.unnamed, times(reads, of_user.unnamed));
    std::map<uint64_t, int64_t> nests = of_user.named;
    if (role_of(*reader.user) == Role::anchor) {
      nests.clear();
      nests[reader.user->id + 1] = written_items(*reader.user);
    }
    for (const auto& [nest, copies] : nests) {
      int64_t& at = found.named[place_of(nest, reader, node)];
      at = gets_name ? std::max(at, copies) : plus(at, times(reads, copies));
    }
  }
  return found;
}

bool is_in_parts(const Draft& draft, const std::vector<Reader>& readers) {
  return std::ranges::all_of(readers, [&](const Reader& reader) {
    return draft.places(reader.user) || draft.in_parts.contains(reader.user);
  });
}

Text text_with(const Draft& draft, const Node& node, const std::vector<Reader>& readers) {
  Text text = draft.text;
  if (node.kind == Kind::concat && may_place(draft, node, readers)) {
    text.parts += static_cast<int64_t>(node.operands.size()) - 1;
    return text;
  }
  int64_t& sum = is_in_parts(draft, readers) ? text.once : text.each_part;
  sum = plus(sum, copies_in(draft, node, readers).total());
  return text;
}

}  // namespace mintor::fusion
