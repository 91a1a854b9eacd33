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

// What was placed, by the launches at which it lives: a tree of halves, each list holding what
// lives throughout its half. A million launches are placed one after the other.
struct ByLaunch {
  size_t launches;
  std::vector<std::vector<Placed>> lists = std::vector<std::vector<Placed>>(2 * launches);
  std::vector<std::vector<Placed>> starts = std::vector<std::vector<Placed>>(launches);

  void add(const Placed& placed) {
    size_t left = launches + static_cast<size_t>(placed.lifetime.first);
    size_t right = launches + static_cast<size_t>(placed.lifetime.last) + 1;
    for (; left < right; left /= 2, right /= 2) {
      if (left % 2 == 1) lists[left++].push_back(placed);
      if (right % 2 == 1) lists[--right].push_back(placed);
    }
    starts[static_cast<size_t>(placed.lifetime.first)].push_back(placed);
  }

  std::vector<Placed> meeting(const Lifetime& lifetime) const {
    std::vector<Placed> found;
    for (size_t at = launches + static_cast<size_t>(lifetime.first); at > 0; at /= 2) {
      found.insert(found.end(), lists[at].begin(), lists[at].end());
    }
    for (int launch = lifetime.first + 1; launch <= lifetime.last; ++launch) {
      const std::vector<Placed>& later = starts[static_cast<size_t>(launch)];
      found.insert(found.end(), later.begin(), later.end());
    }
    return found;
  }
};

// The start of the smallest gap that fits, else the end of what is there.
int64_t best_fit(std::vector<Placed> others, int64_t lines) {
  std::ranges::sort(others, {}, &Placed::begin);
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

struct Member {
  size_t slot;
  int64_t lines;
};

int64_t most_live(const std::vector<Member>& members, const std::vector<Slot>& slots,
                  size_t launches) {
  std::vector<int64_t> changes(launches + 1);
  for (const Member& member : members) {
    const Lifetime& lifetime = slots[member.slot].lifetime;
    changes[static_cast<size_t>(lifetime.first)] += member.lines;
    changes[static_cast<size_t>(lifetime.last) + 1] -= member.lines;
  }
  int64_t live = 0, most = 0;
  for (const int64_t change : changes) most = std::max(most, live += change);
  return most;
}

Section place_section(const Index& unit, std::vector<Member> members, const Index& base,
                      std::vector<Slot>& slots) {
  std::ranges::stable_sort(members, [&](const Member& a, const Member& b) {
    if (a.lines != b.lines) return a.lines > b.lines;
    return slots[a.slot].lifetime.first < slots[b.slot].lifetime.first;
  });
  Section section{unit, 0, 0, members.size()};
  size_t launches = 0;
  for (const Member& member : members) {
    launches = std::max(launches, static_cast<size_t>(slots[member.slot].lifetime.last) + 1);
  }
  ByLaunch placed{launches};
  for (const Member& member : members) {
    Slot& slot = slots[member.slot];
    const int64_t begin = best_fit(placed.meeting(slot.lifetime), member.lines);
    placed.add({slot.lifetime, member.lines, begin});
    slot.offset = base + unit * begin;
    section.lines = std::max(section.lines, begin + member.lines);
  }
  section.least = most_live(members, slots, launches);
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
