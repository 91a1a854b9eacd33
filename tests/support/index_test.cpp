// SPDX-License-Identifier: Apache-2.0
// Index: canonical forms, text, bounds and the simplifier, the last two against evaluation at
// random points. A failing fuzz case prints its seed, the expression and the ranges.
#include "compiler/support/index.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "compiler/support/error.h"
#include "compiler/support/index_samples.h"

namespace mintor {
namespace {

Index v(const char* name) { return Index::var(name); }

Ranges tile_ranges() {
  Ranges r;
  r.set("batch", 1, 32);
  r.set("i0", 0, floordiv(v("batch"), 14) - 1);
  r.set("i", 0, 13);
  r.set("t", 0, mod(v("batch"), 14) - 1);
  r.set("j", 0, 15);
  r.set("l", 0, 7);
  r.set("H", 1, 64);
  r.set("W", 1, 64);
  r.set("y", 0, v("H") - 1);
  r.set("x", 0, v("W") - 1);
  r.set("n", Range{Index(16), Index(4096), 16});
  return r;
}

TEST(Index, ArithmeticIsCanonical) {
  EXPECT_EQ(v("a") + v("b") - v("a"), v("b"));
  EXPECT_EQ((v("a") + 1) * (v("a") - 1), v("a") * v("a") - 1);
  EXPECT_EQ(floordiv(16 * v("i") + 5, 16), v("i"));
  EXPECT_EQ(mod(16 * v("i") + 5, 16), Index(5));
  EXPECT_EQ(floordiv(floordiv(v("x"), 4), 3), floordiv(v("x"), 12));
  EXPECT_EQ(mod(mod(v("x"), 48), 16), mod(v("x"), 16));
  EXPECT_EQ(floordiv(4 * v("x") + 3, 8), floordiv(v("x"), 2));
  EXPECT_EQ(floordiv(v("N") * v("i") + v("j"), v("N")), v("i") + floordiv(v("j"), v("N")));
  EXPECT_EQ(floordiv(Index(-7), 2).value(), -4);
  EXPECT_EQ(mod(Index(-7), 2).value(), 1);
  EXPECT_EQ(min(v("a") + 2, v("a")), v("a"));
}

TEST(Index, TextReadsWell) {
  EXPECT_EQ((16 * v("i") + v("j")).str(), "16*i + j");
  EXPECT_EQ(floordiv(v("i") + 3, 4).str(), "(i + 3) // 4");
  EXPECT_EQ((14 * floordiv(v("batch"), 14) + v("i")).str(), "14*(batch // 14) + i");
  EXPECT_EQ((3 - v("i")).str(), "-i + 3");
  EXPECT_EQ(min(v("a"), v("b")).str(), "min(a, b)");
  EXPECT_EQ((Index(0) - floordiv(v("i"), 4)).str(), "-(i // 4)");
}

TEST(Index, BadTextIsRefusedWithAPosition) {
  try {
    parse_index("16*i + (j");
    FAIL();
  } catch (const CompileError& e) {
    EXPECT_STREQ(e.what(),
                 "error: index: expected ')', found the end of the text\n  at line 1, column 10");
  }
  EXPECT_THROW(parse_index("a b"), CompileError);
  EXPECT_THROW(parse_index(""), CompileError);
  EXPECT_THROW(parse_index("i // 0"), CompileError);
  EXPECT_THROW(parse_index("99999999999999999999"), CompileError);
  EXPECT_THROW(parse_index(std::string(5000, '(')), CompileError);
}

TEST(Index, OverflowThrows) {
  Index big = int64_t{1} << 62;
  EXPECT_THROW(big * 4, CompileError);
  EXPECT_THROW(big + big, CompileError);
}

TEST(Index, AffineAndLinear) {
  auto a = (3 * v("i") + v("n") * v("j") + 1).affine_in("i");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->first, 3);
  EXPECT_FALSE((v("i") * v("n")).affine_in("i"));
  EXPECT_EQ((v("i") * v("n") + 2).linear_in("i")->first, v("n"));
  EXPECT_FALSE((v("i") + mod(v("i"), 4)).linear_in("i"));
}

TEST(Ranges, SimplifiesTiles) {
  Ranges r = tile_ranges();
  EXPECT_EQ(r.simplify(floordiv(16 * v("q") + v("j"), 16)), v("q"));
  EXPECT_EQ(r.simplify(mod(16 * v("q") + v("j"), 16)), v("j"));
  EXPECT_EQ(r.simplify(floordiv(8 * v("q") + v("l"), 32)), floordiv(v("q"), 4));
  EXPECT_EQ(r.simplify(mod(8 * v("q") + v("l"), 32)), 8 * mod(v("q"), 4) + v("l"));
  EXPECT_EQ(r.simplify(mod(v("n"), 16)), Index(0));
  EXPECT_EQ(r.simplify(floordiv(v("n") + v("j"), 16)), floordiv(v("n"), 16));
  EXPECT_EQ(r.simplify(16 * floordiv(v("n"), 16)), v("n"));
  EXPECT_EQ(r.simplify(floordiv(v("y") * v("W") + v("x"), v("W"))), v("y"));
  EXPECT_EQ(r.simplify(mod(v("y") * v("W") + v("x"), v("W"))), v("x"));
  EXPECT_EQ(
      r.simplify(floordiv(v("b") * v("H") * v("W") + v("y") * v("W") + v("x"), v("H") * v("W"))),
      v("b"));
  EXPECT_EQ(r.simplify(min(v("x"), v("W"))), v("x"));
  EXPECT_EQ(r.simplify(16 * floordiv(v("q"), 16) + mod(v("q"), 16)), v("q"));
  EXPECT_EQ(r.simplify(4 * mod(floordiv(v("q"), 4), 8) + mod(v("q"), 4)), mod(v("q"), 32));
}

// [r // (h * w), r // w % h, r % w] is place r again, wherever r begins and however it is cut.
TEST(Ranges, PlacesOfJoinedAxesAreOneAgain) {
  for (const auto& [h, w] : {std::pair(2, 2), std::pair(3, 5), std::pair(4, 6), std::pair(7, 7)})
    for (int64_t step = 2; step <= 8; ++step)
      for (const int64_t first : {0, 1, 35, 36}) {
        Ranges r;
        r.set("o", Index(0), Index(99));
        r.set("i", Index(0), Index(step - 1));
        const Index row = step * v("o") + v("i") + first;
        const auto along = [&](const Index& e) { return r.simplify(e); };
        EXPECT_EQ(r.simplify(h * w * along(floordiv(row, h * w)) +
                             w * along(mod(floordiv(row, w), h)) + along(mod(row, w))),
                  row)
            << h << " x " << w << ", " << row.str();
      }
}

// Of the last coordinate more multiples may be gone than of the others.
TEST(Ranges, PlacesAreOneAgainWhereMultiplesLeftOneCoordinate) {
  Ranges r;
  for (const auto& [name, extent] : {std::pair("o", 4), std::pair("i", 256), std::pair("l", 16)})
    r.set(name, Index(0), Index(extent - 1));
  const Index place = r.simplify(mod(4096 * v("o") + 16 * v("i") + v("l"), 3136));
  const Index row = r.simplify(floordiv(place, 56)), column = r.simplify(mod(place, 56));
  EXPECT_EQ(r.simplify(56 * row + column), 16 * mod(60 * v("o") + v("i"), 196) + v("l"));
}

// Sound padded to whole frames: its length is at least one of them.
TEST(Ranges, TermsThatCancelMoveIntoExtrema) {
  Ranges r;
  r.set("n", Range{Index(0), std::nullopt, 1});
  const Index n = v("n"), m = v("m");
  EXPECT_EQ(r.simplify(n + max(0, 256 - n)), max(n, 256));
  EXPECT_EQ(r.simplify(n - max(0, n - 256)), min(n, 256));
  EXPECT_EQ(r.simplify(max(n, m) - m), max(0, n - m));
  EXPECT_EQ(r.simplify(max(n + m, n + 7)), n + max(m, 7));
  EXPECT_EQ(r.simplify(3 * m + n + max(0, 256 - n)), 3 * m + max(n, 256));
  EXPECT_EQ(r.simplify(m + max(n, 256)), m + max(n, 256));
  const Index whole = 256 * floordiv(max(n, 256) + 255, 256);
  EXPECT_EQ(r.simplify(n + max(0, 256 - n) + (whole - max(n, 256))), whole);
}

TEST(Ranges, OneSideOfAnEquationStandsForBoth) {
  const Index h = v("h"), half = floordiv(h + 1, 2), quarter = floordiv(h + 3, 4);
  Ranges r;
  r.set("h", Range{Index(0), std::nullopt, 1});
  r.assume_equal(half, 2 * quarter);
  EXPECT_EQ(r.simplify(half), 2 * quarter);
  EXPECT_EQ(r.simplify(3 * half + 1), 6 * quarter + 1);
  EXPECT_TRUE(r.proves_nonnegative(half - 2 * quarter));
  r.set("n", Range{Index(0), std::nullopt, 1});
  r.assume_equal(v("n"), min(v("n"), 4));
  EXPECT_EQ(r.simplify(min(v("n"), 4) - v("n")), Index(0));
  EXPECT_EQ(r.simplify(min(v("n"), 4)), v("n"));
  EXPECT_EQ(r.upper(v("n")), 4);
  r.assume_equal(quarter, 2 * floordiv(h + 7, 8));
  EXPECT_EQ(r.simplify(half), 4 * floordiv(h + 7, 8));
}

TEST(Ranges, AnEquationMayMakeAMultiple) {
  const Index n = v("n"), b = v("b");
  Ranges r;
  r.set("n", Range{Index(0), std::nullopt, 1});
  r.assume_equal(n, 2 * floordiv(n + 1, 2));
  EXPECT_EQ(r.find("n")->divisor, 2);
  EXPECT_EQ(r.simplify(2 * floordiv(n, 2)), n);
  EXPECT_TRUE(r.rules().empty());
  r.assume_equal(b * n, 8 * floordiv(b * n, 8));  // of two unknowns: a rule for the product
  EXPECT_EQ(r.simplify(8 * floordiv(b * n, 8)), b * n);
}

TEST(Ranges, WhatIsComputedGoesFirst) {
  Ranges r;
  r.set("common", Range{Index(0), std::nullopt, 1, true});
  r.assume_equal(v("rows"), v("common"));
  EXPECT_EQ(r.simplify(v("common")), v("rows"));
  EXPECT_EQ(r.simplify(v("rows")), v("rows"));
  r.assume_equal(v("n"), 2 * v("m"));
  EXPECT_EQ(r.simplify(v("n") + v("common")), 2 * v("m") + v("rows"));
}

TEST(Ranges, ProvesGuards) {
  Ranges r = tile_ranges();
  EXPECT_TRUE(r.proves_less(14 * v("i0") + v("i"), v("batch")));
  EXPECT_TRUE(r.proves_less(14 * floordiv(v("batch"), 14) + v("t"), v("batch")));
  EXPECT_FALSE(r.proves_less(14 * v("i0") + v("i") + 1, v("batch")));
  EXPECT_TRUE(r.proves_less(v("y") * v("W") + v("x"), v("H") * v("W")));
  EXPECT_FALSE(r.proves_nonnegative(v("unknown")));
  EXPECT_EQ(r.upper(v("i0")), 1);
  EXPECT_EQ(r.lower(v("x") - v("W")), -64);
}

TEST(Ranges, BoundsOverInnerLoops) {
  Ranges r = tile_ranges();
  Index e = 14 * v("i0") + v("i");
  EXPECT_EQ(r.lower_over(e, {"i"}), 14 * v("i0"));
  EXPECT_EQ(r.upper_over(e, {"i"}), 14 * v("i0") + 13);
  EXPECT_EQ(r.upper_over(v("y") * v("W") + v("x"), {"x", "y"}), v("H") * v("W") - 1);
  EXPECT_EQ(r.upper_over(floordiv(v("q") + v("j"), 16), {"j"}), floordiv(v("q") + 15, 16));
  EXPECT_EQ(r.upper_over(min(v("q") + v("j"), v("s")), {"j"}), min(v("q") + 15, v("s")));
}

// ---- fuzz ----

struct Fuzz {
  std::mt19937_64 rng;
  std::vector<std::string> names;
  Ranges ranges;

  int64_t pick(int64_t lo, int64_t hi) {
    return std::uniform_int_distribution<int64_t>(lo, hi)(rng);
  }

  // Variables in order of nesting: bounds may mention earlier ones; some have divisors.
  void make_ranges() {
    int count = static_cast<int>(pick(2, 4));
    for (int k = 0; k < count; ++k) {
      std::string name(1, static_cast<char>('a' + k));
      Range r;
      r.lo = Index(pick(-3, 3));
      r.hi = *r.lo + Index(pick(0, 20));
      if (k > 0 && pick(0, 2) == 0)
        r.hi = Index::var(names[static_cast<size_t>(pick(0, k - 1))]) + Index(pick(-1, 2));
      if (k > 0 && pick(0, 3) == 0) r.hi = floordiv(Index::var(names[0]) + 6, Index(pick(2, 4)));
      if (pick(0, 4) == 0) {
        r.divisor = pick(2, 4);
        r.lo = Index(0);
      }
      ranges.set(name, r);
      names.push_back(name);
    }
  }
  Index var() {
    return Index::var(names[static_cast<size_t>(pick(0, static_cast<int64_t>(names.size()) - 1))]);
  }
  Index positive() {
    if (pick(0, 3) != 0) return Index(pick(1, 24));
    return max(var(), Index(0)) * Index(pick(0, 2)) + Index(pick(1, 5));
  }
  Index make(int depth) {
    if (depth == 0 || pick(0, 5) == 0)
      return pick(0, 4) == 0 ? Index(pick(-20, 20)) : Index(pick(1, 16)) * var();
    Index a = make(depth - 1);
    switch (pick(0, 7)) {
      case 0:
        return floordiv(a, positive());
      case 1:
        return mod(a, positive());
      case 2:
        return min(a, make(depth - 1));
      case 3:
        return max(a, make(depth - 1));
      case 4:
        return a * Index(pick(-4, 16));
      case 5:
        return a - make(depth - 1);
      default:
        return a + make(depth - 1);
    }
  }
  // A point inside the ranges, or nothing when a loop is empty there.
  std::optional<std::map<std::string, int64_t, std::less<>>> point() {
    std::map<std::string, int64_t, std::less<>> at;
    auto value_of = [&](std::string_view n) { return at.find(n)->second; };
    for (const auto& name : names) {
      const Range* r = ranges.find(name);
      int64_t lo = r->lo->evaluate(value_of), hi = r->hi->evaluate(value_of);
      if (lo > hi) return std::nullopt;
      int64_t x = pick(lo, hi);
      if (pick(0, 3) == 0) x = pick(0, 1) ? lo : hi;
      x -= ((x % r->divisor) + r->divisor) % r->divisor;
      if (x < lo) return std::nullopt;
      at[name] = x;
    }
    return at;
  }
  std::string describe() {
    std::string out;
    for (const auto& name : names) {
      const Range* r = ranges.find(name);
      out += name + " in [" + r->lo->str() + ", " + r->hi->str() + "] /" +
             std::to_string(r->divisor) + "  ";
    }
    return out;
  }
};

TEST(Ranges, FuzzSimplifyAndBounds) {
  for (uint64_t seed = 1; seed <= 6000; ++seed) {
    Fuzz fuzz{std::mt19937_64(seed), {}, {}};
    fuzz.make_ranges();
    Index e = fuzz.make(4);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + e.str() + " with " + fuzz.describe());
    ASSERT_EQ(parse_index(e.str()), e);
    Index s = fuzz.ranges.simplify(e);
    auto lo = fuzz.ranges.lower(e), hi = fuzz.ranges.upper(e);
    std::set<std::string> inner = {fuzz.names.back()};
    auto lo_over = fuzz.ranges.lower_over(e, inner), hi_over = fuzz.ranges.upper_over(e, inner);
    if (lo_over) {
      ASSERT_FALSE(lo_over->mentions(fuzz.names.back()));
    }
    for (int i = 0; i < 40; ++i) {
      auto at = fuzz.point();
      if (!at) continue;
      auto value_of = [&](std::string_view n) { return at->find(n)->second; };
      int64_t value = e.evaluate(value_of);
      ASSERT_EQ(s.evaluate(value_of), value) << "simplified to " << s.str();
      if (lo) {
        ASSERT_LE(*lo, value);
      }
      if (hi) {
        ASSERT_GE(*hi, value);
      }
      if (lo_over) {
        ASSERT_LE(lo_over->evaluate(value_of), value) << lo_over->str();
      }
      if (hi_over) {
        ASSERT_GE(hi_over->evaluate(value_of), value) << hi_over->str();
      }
    }
  }
}

// Each level asks for bounds of the one below, several times: they are found once. Found anew each
// time, 8 levels took 2 seconds.
TEST(Ranges, ADeepNestIsSimplified) {
  Ranges ranges;
  Index e = 0;
  for (int level = 0; level < 10; ++level) {
    const std::string name = "i" + std::to_string(level);
    ranges.set(name, 0, 4095);
    e = floordiv(Index(5) * Index::var(name) + e, 28);
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ranges.simplify(e), e);
  EXPECT_TRUE(ranges.proves_nonnegative(e));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Ranges, FuzzSamples) {
  using index_detail::Sample;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Fuzz fuzz{std::mt19937_64(seed), {}, {}};
    fuzz.make_ranges();
    SCOPED_TRACE("seed " + std::to_string(seed) + " with " + fuzz.describe());
    for (const auto at : {Sample::At::low, Sample::At::high, Sample::At::mixed}) {
      Sample sample(fuzz.ranges, at);
      for (const auto& name : fuzz.names) {
        const Range* range = fuzz.ranges.find(name);
        const auto value = sample.value(Index::var(name));
        if (!value) continue;
        EXPECT_LE(*sample.value(*range->lo), *value) << name;
        EXPECT_GE(*sample.value(*range->hi), *value) << name;
        EXPECT_EQ(*value % range->divisor, 0) << name;
      }
    }
  }
}

// What equations make known is true wherever they hold.
TEST(Ranges, FuzzEquations) {
  int points = 0;
  for (uint64_t seed = 1; seed <= 6000; ++seed) {
    Fuzz fuzz{std::mt19937_64(seed), {}, {}};
    fuzz.make_ranges();
    const Index x = fuzz.make(2), y = fuzz.make(2), z = fuzz.make(2), e = fuzz.make(3);
    Ranges known = fuzz.ranges;
    known.assume_equal(x, y);
    if (seed % 2 == 0) known.assume_equal(y, z);
    const Index s = known.simplify(e);
    const auto lo = known.lower(e), hi = known.upper(e);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + e.str() + " where " + x.str() +
                 " == " + y.str() + " with " + fuzz.describe());
    for (int i = 0; i < 200; ++i) {
      auto at = fuzz.point();
      if (!at) continue;
      auto value_of = [&](std::string_view n) { return at->find(n)->second; };
      if (x.evaluate(value_of) != y.evaluate(value_of)) continue;
      if (seed % 2 == 0 && y.evaluate(value_of) != z.evaluate(value_of)) continue;
      ++points;
      const int64_t value = e.evaluate(value_of);
      ASSERT_EQ(s.evaluate(value_of), value) << "simplified to " << s.str();
      if (lo) {
        ASSERT_LE(*lo, value);
      }
      if (hi) {
        ASSERT_GE(*hi, value);
      }
    }
  }
  EXPECT_GT(points, 10000);
}

// Squaring doubles the number of factors, a minimum of sums the number of atoms.
TEST(Index, GrowthIsBounded) {
  Index square = Index::var("n"), nested = Index::var("n");
  auto grow = [&] {
    for (int i = 0; i < 40; ++i) square = square * square;
  };
  auto nest = [&] {
    for (int i = 0; i < 40; ++i) nested = max(nested, min(nested + 3, nested * Index(2)));
  };
  EXPECT_THROW(grow(), CompileError);
  EXPECT_THROW(nest(), CompileError);
}

// Substitution after simplification equals simplification of the substituted form, in value.
TEST(Index, FuzzSubstitute) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Fuzz fuzz{std::mt19937_64(seed), {}, {}};
    fuzz.make_ranges();
    Index e = fuzz.make(3), value = fuzz.make(1);
    Index replaced = e.substitute({{"a", value}});
    auto at = fuzz.point();
    if (!at) continue;
    auto plain = [&](std::string_view n) { return at->find(n)->second; };
    int64_t a = value.evaluate(plain);
    // positive() divisors stay positive for every a, so evaluation is defined.
    int64_t expected = e.evaluate([&](std::string_view n) { return n == "a" ? a : plain(n); });
    ASSERT_EQ(replaced.evaluate(plain), expected)
        << "seed " << seed << ": " << e.str() << " a := " << value.str();
  }
}

}  // namespace
}  // namespace mintor
