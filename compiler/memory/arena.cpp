// SPDX-License-Identifier: Apache-2.0
// Greedy best-fit placement in sections. Takes slots; sets their offsets, gives the sections.
// Keeps true: offsets are multiples of 64; a slot's bytes are at most its unit times its lines.
#include "compiler/memory/arena.h"

#include <algorithm>
#include <numeric>

#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

constexpr int64_t kLine = 64;
// Up to this many bytes per unit the size is rounded as a whole, beyond it per unit: rounding then
// costs at most an eighth, and sizes stay multiples of a plain symbol.
constexpr int64_t kWholeUnits = 512;

struct Size {
  Index unit;
  int64_t lines;
};

int64_t round_up(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

Size decompose(const Index& bytes) {
  if (bytes.is_const()) return {1, round_up(bytes.value())};
  int64_t common = 0;
  for (const IndexTerm& term : bytes.poly().terms) {
    common = std::gcd(common, term.coefficient);
  }
  if (common >= kWholeUnits || common % kLine == 0) {
    if (const auto unit = index_detail::divide_exactly(bytes, Index(common))) {
      return {*unit, round_up(common)};
    }
  }
  return {ceildiv(bytes, kLine), kLine};
}

struct Placed {
  Lifetime lifetime;
  int64_t lines, begin;
};

// The start of the smallest gap that fits, else the end of what is there.
int64_t best_fit(const std::vector<Placed>& placed, const Lifetime& lifetime, int64_t lines) {
  std::vector<Placed> others;
  for (const Placed& other : placed) {
    if (other.lifetime.meets(lifetime)) others.push_back(other);
  }
  std::ranges::stable_sort(others, {}, &Placed::begin);
  int64_t end = 0, best = -1, best_gap = INT64_MAX;
  for (const Placed& other : others) {
    const int64_t gap = other.begin - end;
    if (gap >= lines && gap < best_gap) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, other.begin + other.lines);
  }
  return best >= 0 ? best : end;
}

int64_t most_live(const std::vector<Placed>& placed) {
  int64_t most = 0;
  for (const Placed& at : placed) {
    int64_t live = 0;
    for (const Placed& other : placed) {
      const Lifetime now{at.lifetime.first, at.lifetime.first};
      if (other.lifetime.meets(now)) live += other.lines;
    }
    most = std::max(most, live);
  }
  return most;
}

struct Member {
  size_t slot;
  int64_t lines;
};

Section place_section(const Index& unit, std::vector<Member> members, const Index& base,
                      std::vector<Slot>& slots) {
  std::ranges::stable_sort(members, [&](const Member& a, const Member& b) {
    if (a.lines != b.lines) return a.lines > b.lines;
    return slots[a.slot].lifetime.first < slots[b.slot].lifetime.first;
  });
  Section section{unit, 0, 0, members.size()};
  std::vector<Placed> placed;
  for (const Member& member : members) {
    Slot& slot = slots[member.slot];
    const int64_t begin = best_fit(placed, slot.lifetime, member.lines);
    placed.push_back({slot.lifetime, member.lines, begin});
    slot.offset = base + unit * begin;
    section.lines = std::max(section.lines, begin + member.lines);
  }
  section.least = most_live(placed);
  return section;
}

}  // namespace

ArenaPlan place(std::vector<Slot>& slots) {
  std::vector<std::pair<Index, std::vector<Member>>> groups{{Index(1), {}}};   // constants first
  for (size_t i = 0; i < slots.size(); ++i) {
    const Size size = decompose(slots[i].bytes);
    auto group = std::ranges::find_if(groups, [&](const auto& g) { return g.first == size.unit; });
    if (group == groups.end()) group = groups.insert(group, {size.unit, {}});
    group->second.push_back({i, size.lines});
  }
  ArenaPlan plan;
  for (auto& [unit, members] : groups) {
    if (members.empty()) continue;
    plan.sections.push_back(place_section(unit, std::move(members), plan.bytes, slots));
    plan.bytes = plan.bytes + unit * plan.sections.back().lines;
  }
  return plan;
}

}  // namespace mintor
