// SPDX-License-Identifier: Apache-2.0
// Why a segment was compiled. Takes its calls and those of the flush before it; says which call is
// the first that differs, and where. Keeps true: of functions of control flow the call inside is
// named that differs.
#include <algorithm>

#include "frontends/python/trace/tape.h"

namespace mintor::trace {

std::vector<Seen> seen_in(std::span<const Ref<Call>> calls) {
  std::vector<Seen> seen;
  seen.reserve(calls.size());
  for (const Ref<Call>& call : calls) seen.push_back({call->signature, call->place});
  return seen;
}

namespace {

std::string text_of(const Seen& call) {
  std::string text(call.signature->op->name);
  text += "(";
  for (size_t i = 0; i < call.signature->operands.size(); ++i) {
    const ValueType& type = *call.signature->operands[i];
    text += (i ? ", " : "") + to_string(Type{type.dtype, {type.shape.begin(), type.shape.end()}});
  }
  for (const int64_t integer : call.signature->integers) text += ", " + std::to_string(integer);
  const Tape& tape = trace::tape();
  const bool known = tape.describe_place && call.place.code;
  return text + ")" + (known ? " at " + tape.describe_place(call.place) : "");
}

std::vector<Seen> seen_in(const Body& body) {
  std::vector<Seen> seen;
  for (const Body::Step& step : body.steps) seen.push_back({step.signature, step.place});
  return seen;
}

std::string difference(std::span<const Seen> now, std::span<const Seen> before);

// Of two calls of one operator of control flow; "" where their functions are the same.
std::string difference_inside(const Signature& now, const Signature& before) {
  if (now.op != before.op || now.operands != before.operands) return "";
  for (size_t i = 0; i < std::min(now.bodies.size(), before.bodies.size()); ++i) {
    if (now.bodies[i] == before.bodies[i]) continue;
    return "; in its function, " + difference(seen_in(*now.bodies[i]), seen_in(*before.bodies[i]));
  }
  return "";
}

std::string difference(std::span<const Seen> now, std::span<const Seen> before) {
  size_t first = 0;
  while (first < now.size() && first < before.size() &&
         now[first].signature == before[first].signature) {
    ++first;
  }
  const std::string number = "call " + std::to_string(first + 1) + ": ";
  if (first < now.size() && first < before.size()) {
    const std::string inside = difference_inside(*now[first].signature, *before[first].signature);
    if (!inside.empty()) return number + text_of(now[first]) + inside;
    return number + text_of(now[first]) + "; before, " + text_of(before[first]);
  }
  if (first < now.size()) {
    return number + text_of(now[first]) + "; before, there were " + std::to_string(before.size()) +
           " calls";
  }
  if (first < before.size()) {
    return "there are " + std::to_string(now.size()) + " calls; before, call " +
           std::to_string(first + 1) + " was " + text_of(before[first]);
  }
  return "the same calls, of other values, or with other results that are held";
}

}  // namespace

void Tape::note_miss() {
  last_miss_ = seen_.empty() ? "nothing ran before" : difference(seen_in(contents_.calls), seen_);
}

}  // namespace mintor::trace
