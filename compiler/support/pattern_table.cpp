// SPDX-License-Identifier: Apache-2.0
// A parsed regular expression as an automaton (pattern.h): first one that may be at several places
// at once, whose steps are ranges of bytes, then a deterministic one whose states are sets of them.
// Takes the tree; gives the table. Keeps true: an assertion is decided when the byte behind it is
// known, from that and the byte before, which is part of a state.
#include <algorithm>
#include <bitset>
#include <map>
#include <string>

#include "compiler/support/error.h"
#include "compiler/support/pattern.h"

namespace mintor {

namespace {

constexpr size_t kMostPlaces = 1 << 14, kMostStates = 1 << 12;
constexpr int64_t kMostWork = int64_t{1} << 26;

[[noreturn]] void too_large() {
  throw CompileError("pattern", "its table is too large", "",
                     "repeat less often: {0,1000} is a thousand copies");
}

struct Place {
  enum class Kind : uint8_t { bytes, fork, assertion, end } kind = Kind::end;
  uint8_t lo = 0, hi = 0;
  Pattern::Assertion assertion = Pattern::Assertion::text_begin;
  int next = -1, other = -1;  // other: fork
};

// Places are made from the end on: each is given the one behind it.
class Places {
 public:
  explicit Places(const Pattern& p) {
    const int end = add({});
    first = made(p, end);
  }
  std::vector<Place> all;
  int first = 0;

 private:
  int add(Place place) {
    if (all.size() == kMostPlaces) too_large();
    all.push_back(place);
    return static_cast<int>(all.size()) - 1;
  }
  int fork(int next, int other) {
    Place place{Place::Kind::fork};
    place.next = next;
    place.other = other;
    return add(place);
  }
  int bytes(int lo, int hi, int next) {
    Place place{Place::Kind::bytes, static_cast<uint8_t>(lo), static_cast<uint8_t>(hi)};
    place.next = next;
    return add(place);
  }

  int made(const Pattern& p, int next) {
    switch (p.kind) {
      case Pattern::Kind::characters:
        return characters(p.ranges, next);
      case Pattern::Kind::sequence:
        for (auto part = p.parts.rbegin(); part != p.parts.rend(); ++part) next = made(*part, next);
        return next;
      case Pattern::Kind::choice: {
        int out = made(p.parts.back(), next);
        for (size_t i = p.parts.size() - 1; i-- > 0;) out = fork(made(p.parts[i], next), out);
        return out;
      }
      case Pattern::Kind::repeat:
        return repeated(p, next);
      case Pattern::Kind::assertion: {
        Place place{Place::Kind::assertion};
        place.assertion = p.assertion;
        place.next = next;
        return add(place);
      }
    }
    return next;
  }

  int repeated(const Pattern& p, int next) {
    int out = next;
    if (p.most == Pattern::kNoEnd) {
      out = fork(-1, next);
      const int body = made(p.parts[0], out);
      all[static_cast<size_t>(out)].next = body;
    }
    for (int i = p.least; i < p.most; ++i) out = fork(made(p.parts[0], out), next);
    for (int i = 0; i < p.least; ++i) out = made(p.parts[0], out);
    return out;
  }

  int characters(const std::vector<Pattern::Range>& ranges, int next) {
    int out = -1;
    const auto or_else = [&](int one) { out = out < 0 ? one : fork(one, out); };
    for (auto range : ranges)
      // Of one length in UTF-8 each, without halves of pairs.
      for (const auto& [lo, hi] :
           {Pattern::Range{0, 0x7F}, Pattern::Range{0x80, 0x7FF}, Pattern::Range{0x800, 0xD7FF},
            Pattern::Range{0xE000, 0xFFFF}, Pattern::Range{0x10000, 0x10FFFF}}) {
        const Pattern::Range part{std::max(lo, range.lo), std::min(hi, range.hi)};
        if (part.lo > part.hi) continue;
        const int length = part.lo < 0x80 ? 1 : part.lo < 0x800 ? 2 : part.lo < 0x10000 ? 3 : 4;
        encoded(part, length, length, next, or_else);
      }
    return out < 0 ? bytes(1, 0, next) : out;  // no byte is in 1..0
  }

  // Ranges of bytes for code points lo..hi, whose last `left` of `length` bytes differ: cut until
  // all bytes but the first that differs run through all their values.
  template <class OrElse>
  void encoded(Pattern::Range r, int length, int left, int next, const OrElse& or_else) {
    for (int bits = 6; bits < 6 * left; bits += 6) {
      const int32_t mask = (1 << bits) - 1;
      if ((r.lo & ~mask) == (r.hi & ~mask)) continue;
      if (r.lo & mask) {
        encoded({r.lo, r.lo | mask}, length, left, next, or_else);
        return encoded({(r.lo | mask) + 1, r.hi}, length, left, next, or_else);
      }
      if ((r.hi & mask) != mask) {
        encoded({r.lo, (r.hi & ~mask) - 1}, length, left, next, or_else);
        return encoded({r.hi & ~mask, r.hi}, length, left, next, or_else);
      }
    }
    constexpr int kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int out = next;
    for (int k = length - 1; k >= 0; --k) {
      const int shift = 6 * (length - 1 - k), mark = k > 0 ? 0x80 : kLead[length];
      const auto byte = [&](int32_t p) {
        return mark | (k > 0 ? (p >> shift) & 0x3F : p >> shift);
      };
      out = bytes(byte(r.lo), byte(r.hi), out);
    }
    or_else(out);
  }
};

// What a byte is to assertions; before the first and behind the last there is an edge.
enum class Near : uint8_t { edge, word, line, other };

Near near_of(int byte) {
  const int low = byte | 0x20;
  if ((byte >= '0' && byte <= '9') || (low >= 'a' && low <= 'z') || byte == '_') return Near::word;
  return byte == '\n' ? Near::line : Near::other;
}

bool holds(Pattern::Assertion assertion, Near before, Near after) {
  using A = Pattern::Assertion;
  switch (assertion) {
    case A::text_begin:
      return before == Near::edge;
    case A::text_end:
      return after == Near::edge;
    case A::line_begin:
      return before == Near::edge || before == Near::line;
    case A::line_end:
      return after == Near::edge || after == Near::line;
    case A::word:
      return (before == Near::word) != (after == Near::word);
    case A::no_word:
      return (before == Near::word) == (after == Near::word);
  }
  return false;
}

class Table {
 public:
  explicit Table(const Pattern& p) : places_(p) {
    find_classes();
    state_of({Near::edge, {places_.first}});
    for (size_t s = 0; s < states_.size(); ++s) {
      const State state = states_[s];
      const std::vector<int> at_end = reached(state, Near::edge);
      out.accepts.push_back(std::find(at_end.begin(), at_end.end(), 0) != at_end.end());
      for (int byte : samples_) out.next.push_back(state_of(step(state, byte)));
    }
  }
  PatternTable out;

 private:
  struct State {
    Near before;
    std::vector<int> at;  // ascending
    auto operator<=>(const State&) const = default;
  };

  // Bytes that no place tells apart.
  void find_classes() {
    std::bitset<257> begins;
    for (const Place& place : places_.all) {
      if (place.kind != Place::Kind::bytes) continue;
      begins.set(place.lo);
      begins.set(place.hi + 1u);
    }
    for (int byte = 0; byte < 256; ++byte) {
      if (byte == 0 || begins.test(static_cast<size_t>(byte)) || near_of(byte) != near_of(byte - 1))
        samples_.push_back(byte);
      out.class_of.push_back(static_cast<int32_t>(samples_.size()) - 1);
    }
    out.classes = static_cast<int64_t>(samples_.size());
  }

  // Where it may be without another byte; the end is place 0.
  std::vector<int> reached(const State& state, Near after) {
    std::vector<int> found, open = state.at;
    std::vector<bool> seen(places_.all.size(), false);
    while (!open.empty()) {
      const int at = open.back();
      open.pop_back();
      if (seen[static_cast<size_t>(at)]) continue;
      seen[static_cast<size_t>(at)] = true;
      found.push_back(at);
      if (++work_ > kMostWork) too_large();
      const Place& place = places_.all[static_cast<size_t>(at)];
      if (place.kind == Place::Kind::fork) {
        open.push_back(place.other);
        open.push_back(place.next);
      } else if (place.kind == Place::Kind::assertion &&
                 holds(place.assertion, state.before, after)) {
        open.push_back(place.next);
      }
    }
    work_ += static_cast<int64_t>(seen.size() / 64);
    return found;
  }

  State step(const State& state, int byte) {
    State next{near_of(byte), {}};
    for (int at : reached(state, next.before)) {
      const Place& place = places_.all[static_cast<size_t>(at)];
      if (place.kind == Place::Kind::bytes && byte >= place.lo && byte <= place.hi)
        next.at.push_back(place.next);
    }
    std::sort(next.at.begin(), next.at.end());
    next.at.erase(std::unique(next.at.begin(), next.at.end()), next.at.end());
    if (next.at.empty()) next.before = Near::other;  // nothing matches any more
    return next;
  }

  int32_t state_of(State state) {
    const auto [it, added] = numbers_.emplace(state, static_cast<int32_t>(states_.size()));
    if (added) {
      if (states_.size() == kMostStates) too_large();
      states_.push_back(std::move(state));
    }
    return it->second;
  }

  Places places_;
  std::vector<int> samples_;  // a byte of each class
  std::vector<State> states_;
  std::map<State, int32_t> numbers_;
  int64_t work_ = 0;
};

}  // namespace

PatternTable compile_pattern(std::string_view pattern) { return Table(parse_pattern(pattern)).out; }

}  // namespace mintor
