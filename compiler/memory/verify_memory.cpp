// SPDX-License-Identifier: Apache-2.0
// The check of a memory plan, which knows nothing of how it was made. Takes a Program; throws
// InternalError with two buffers that overlap while both hold values, or one outside its block.
// Keeps true: the plan is tried at the hints, at both bounds, and at values between, each moved to
// where no size is negative: there `run` refuses.
#include "compiler/memory/plan_memory.h"

#include <algorithm>

#include "compiler/memory/liveness.h"
#include "compiler/memory/symbol_values.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

struct Placed {
  int32_t buffer;
  Lifetime lifetime;
  int64_t begin, end;
};

std::string describe(const Program& program, const Placed& placed, const SymbolValues& values) {
  std::string text = "'" + program.buffers[placed.buffer].name + "' [" +
                     std::to_string(placed.begin) + ", " + std::to_string(placed.end) + ")";
  for (const auto& [name, value] : values) text += " " + name + "=" + std::to_string(value);
  return text;
}

// The launch where one takes over from the other says so.
bool taken_over(const Program& program, const std::map<int, const Launch*>& launches,
                const Placed& old, const Placed& next) {
  if (old.lifetime.last != next.lifetime.first || old.begin != next.begin ||
      old.end != next.end) {
    return false;
  }
  const auto at = launches.find(next.lifetime.first);
  if (at == launches.end()) return false;
  const Launch& launch = *at->second;
  return std::ranges::any_of(launch.in_place, [&](const InPlace& pair) {
    return root_of(program, launch.args.at(pair.output)) == next.buffer &&
           root_of(program, launch.args.at(pair.input)) == old.buffer;
  });
}

// `slot`: of the dynamic place.
void verify_entry(const Program& program, const Entry& entry, Place place, int32_t slot,
                  int64_t limit, const SymbolValues& values) {
  std::map<int, const Launch*> launches;  // by moment
  visit_moments(
      entry.steps, [&](const Launch& launch, int moment) { launches[moment] = &launch; },
      [](int32_t, int) {}, [](int, int) {});
  auto live = lifetimes(program, entry, place);
  if (place == Place::dynamic)
    std::erase_if(live, [&](const auto& one) { return program.buffers[one.first].slot != slot; });
  std::vector<std::pair<int32_t, Lifetime>> by_start(live.begin(), live.end());
  std::ranges::stable_sort(by_start, {}, [](const auto& one) { return one.second.first; });
  std::vector<Placed> alive;  // at the start of the one that is looked at
  for (const auto& [id, lifetime] : by_start) {
    const Buffer& buffer = program.buffers[id];
    int64_t bytes = size_of(buffer.dtype);
    for (const Index& extent : buffer.shape) bytes *= value_at(extent, values);
    const int64_t begin = value_at(buffer.offset, values);
    const Placed placed{id, lifetime, begin, begin + bytes};
    if (begin < 0 || begin % 64 != 0 || placed.end > limit) {
      throw InternalError("verify memory", describe(program, placed, values) +
                                               " lies outside the block of " +
                                               std::to_string(limit) + " B, or off a line");
    }
    std::erase_if(alive, [&](const Placed& other) { return other.lifetime.last < lifetime.first; });
    for (const Placed& other : alive) {
      const bool overlap = placed.begin < other.end && other.begin < placed.end;
      if (!overlap || !placed.lifetime.meets(other.lifetime)) continue;
      if (taken_over(program, launches, other, placed) ||
          taken_over(program, launches, placed, other)) {
        continue;
      }
      throw InternalError("verify memory", describe(program, placed, values) + " overlaps " +
                                               describe(program, other, values));
    }
    alive.push_back(placed);
  }
}

// Rounded to a legal value of the symbol.
int64_t legal(const Symbol& symbol, int64_t value) {
  if (symbol.hi >= 0) value = std::min(value, symbol.hi);
  value = value / symbol.divisor * symbol.divisor;
  return std::max(value, symbol.lo);
}

std::vector<SymbolValues> samples(const Program& program) {
  std::vector<SymbolValues> all{hint_values(program)};
  constexpr int64_t kTries[] = {0, 1, 2, 3, 7, 17, 64, 129, 1000};
  for (size_t t = 0; t < std::size(kTries); ++t) {
    SymbolValues values;
    for (size_t s = 0; s < program.symbols.size(); ++s) {
      // Another value for each symbol, so that none hides behind another.
      const int64_t value = kTries[(t + 2 * s) % std::size(kTries)];
      values[program.symbols[s].name] = legal(program.symbols[s], value);
    }
    if (auto found = legal_values(program, values)) all.push_back(*std::move(found));
  }
  return program.symbols.empty() ? std::vector<SymbolValues>{{}} : all;
}

void verify_packed(const Program& program) {
  int64_t end = 0;
  for (const Buffer& buffer : program.buffers) {
    if (buffer.view_of >= 0 || buffer.place != Place::packed) continue;
    if (buffer.offset.value() < end || buffer.offset.value() % 64 != 0) {
      throw InternalError("verify memory", "packed '" + buffer.name + "' overlaps the one before");
    }
    end = buffer.offset.value() + buffer.bytes().value();
  }
  check(end <= program.packed_bytes.value(), "verify memory", "packed data exceed their block");
}

}  // namespace

void verify_memory(const Program& program) {
  verify_packed(program);
  verify_entry(program, program.prepare, Place::arena, 0, program.prepare.arena_bytes.value(), {});
  for (const SymbolValues& values : samples(program)) {
    for (const Entry& entry : program.entries) {
      verify_entry(program, entry, Place::arena, 0, value_at(entry.arena_bytes, values), values);
      for (size_t d = 0; d < program.dynamic.size(); ++d)
        verify_entry(program, entry, Place::dynamic, static_cast<int32_t>(d),
                     value_at(program.dynamic[d].bytes, values), values);
    }
  }
}

}  // namespace mintor
