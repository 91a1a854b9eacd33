// SPDX-License-Identifier: Apache-2.0
// Random steps and loop passes, on template kernels and on random ones: what applies keeps the bits
// that the interpreter stores, verifies, and is read back from its text. Refusals are part of the
// game. A failure prints the seed, the step that broke, and the kernel before it without the
// statements that are not needed. MINTOR_FUZZ_SEEDS=first..last runs others.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "tests/loop/kernel_helper.h"
#include "tests/loop/random_steps.h"

namespace mintor::test {
namespace {

constexpr size_t kMostStatements = 300;  // of a kernel before another step is taken

size_t statements(const Kernel& kernel) {
  size_t count = 0;
  visit(kernel.body, [&](const Stmt&) { ++count; });
  return count;
}

// Values whose sums depend on their order; written parameters hold some too, as for an update in
// place, or nothing.
Buffers inputs(const Kernel& kernel, const Symbols& symbols, bool updates) {
  Buffers out;
  Dice dice(11);
  for (const Param& p : kernel.params) {
    int64_t n = 1;
    for (const Index& e : p.shape)
      n *= e.evaluate([&](std::string_view name) { return symbols.at(std::string(name)); });
    Memory m{p.dtype, std::vector<std::byte>(static_cast<size_t>(n * size_of(p.dtype))), {}};
    const bool given = !p.written || updates;
    if (!given) m.defined.assign(static_cast<size_t>(n), false);
    for (int64_t i = 0; given && i < n; ++i) {
      const double number = p.dtype == DType::i64
                                ? static_cast<double>(dice.pick(0, 5))
                                : std::ldexp(static_cast<double>(dice.pick(-9999, 9999)),
                                             static_cast<int>(dice.pick(-16, -8)));
      Scalar::of(p.dtype, number).write(&m.bytes[static_cast<size_t>(i * size_of(p.dtype))]);
    }
    out[p.name] = std::move(m);
  }
  return out;
}

// What a kernel computes at each of the sizes; nullopt when it does what no kernel may.
struct Runs {
  std::vector<Symbols> symbols;
  bool updates = false;

  std::optional<std::vector<Buffers>> of(const Kernel& kernel, std::string& why) const {
    std::vector<Buffers> out;
    try {
      for (const Symbols& s : symbols) {
        Buffers buffers = inputs(kernel, s, updates);
        interpret(kernel, buffers, s);
        out.push_back(std::move(buffers));
      }
    } catch (const std::exception& e) {
      why = e.what();
      return std::nullopt;
    }
    return out;
  }
};

bool same(const Buffers& a, const Buffers& b) {
  for (const auto& [name, memory] : a)
    if (memory.bytes != b.at(name).bytes || memory.defined != b.at(name).defined) return false;
  return true;
}

struct Taken {
  bool applied = false;
  std::string wrong;  // what the step broke
};

// One step, or a loop pass: a call without arguments.
Taken take(Kernel& kernel, const StepCall& call) {
  try {
    const Kernel before = kernel;
    if (!call.args.empty()) {
      if (apply_step(kernel, call.name, call.args)) {
        const bool kept = print(before) == print(kernel);
        return {false, kept ? "" : "the step refused and changed the kernel"};
      }
    } else {
      kernel = run_loop_pass(call.name, kernel);
    }
    verify(kernel);
    if (print(parse_kernel(print(kernel))) != print(kernel))
      return {true, "its text reads differently"};
  } catch (const std::exception& e) {
    return {true, e.what()};
  }
  return {true, ""};
}

std::string broken_by(const Kernel& before, const StepCall& call, const Runs& runs,
                      const std::vector<Buffers>& expected) {
  Kernel after = before;
  Taken taken = take(after, call);
  if (!taken.applied || !taken.wrong.empty()) return taken.wrong;
  std::string wrong;
  const auto results = runs.of(after, wrong);
  if (!results) return wrong + "\nafter it\n" + print(after);
  for (size_t n = 0; n < expected.size(); ++n)
    if (!same(expected[n], (*results)[n]))
      return "other bits at size number " + std::to_string(n) + ", after it\n" + print(after);
  return "";
}

// The kernel without the statements that the failure does not need.
std::string shrunk(Kernel kernel, const StepCall& call, const Runs& runs) {
  kernel.schedule.clear();
  std::string wrong;
  for (int n = 0; auto less = without_statement(kernel, n);) {
    std::string why, broken;
    try {
      verify(*less);
      const auto expected = runs.of(*less, why);
      broken = expected ? broken_by(*less, call, runs, *expected) : "";
    } catch (const std::exception&) {
      broken = "";
    }
    if (broken.empty()) {
      ++n;
      continue;
    }
    kernel = *less;
    wrong = broken;
    n = 0;
  }
  return print(call) + " breaks\n" + print(kernel) + wrong;
}

StepCall random_rewrite(const Kernel& kernel, Dice& dice) {
  static const std::vector<std::string> kPasses{"expand_unrolled", "simplify", "hoist_guards"};
  return dice.one_in(12) ? StepCall{dice.of(kPasses), {}} : random_step(kernel, dice);
}

using Applied = std::map<std::string, int64_t>;  // how often each step was

int64_t total(const Applied& applied) {
  int64_t count = 0;
  for (const auto& [name, times] : applied) count += times;
  return count;
}

// Up to `steps` rewrites; what they did, or what the first wrong one broke.
std::string schedule(const Kernel& original, Dice& dice, int64_t steps, const Runs& runs,
                     const std::vector<Buffers>& expected, Applied& applied) {
  Kernel kernel = original;
  for (; steps > 0 && statements(kernel) < kMostStatements; --steps) {
    const StepCall call = random_rewrite(kernel, dice);
    if (std::string wrong = broken_by(kernel, call, runs, expected); !wrong.empty())
      return print(call) + ": " + wrong + "\nshrunk: " + shrunk(kernel, call, runs);
    applied[call.name] += take(kernel, call).applied;
  }
  return "";
}

std::pair<uint64_t, uint64_t> seeds(uint64_t usual) {
  const char* given = std::getenv("MINTOR_FUZZ_SEEDS");
  if (given == nullptr) return {1, usual};
  char* rest = nullptr;
  const uint64_t first = std::strtoull(given, &rest, 10);
  return {first, *rest == '.' ? std::strtoull(rest + 2, nullptr, 10) : first};
}

void fuzz(const char* text, const std::vector<Symbols>& symbols, uint64_t usual) {
  const Kernel kernel = parse_kernel(text);
  const Runs runs{symbols, false};
  std::string why;
  const auto expected = runs.of(kernel, why);
  ASSERT_TRUE(expected) << why;
  Applied applied;
  int64_t tried = 0;
  const auto [first, last] = seeds(usual);
  for (uint64_t seed = first; seed <= last; ++seed, ++tried) {
    Dice dice(seed);
    const std::string wrong = schedule(kernel, dice, dice.pick(3, 14), runs, *expected, applied);
    ASSERT_EQ(wrong, "") << "seed " << seed;
  }
  EXPECT_GT(total(applied), tried);  // the steps do apply
}

TEST(ScheduleFuzz, Elementwise) { fuzz(kElementwise, {{{"n", 0}}, {{"n", 1}}, {{"n", 11}}}, 60); }
TEST(ScheduleFuzz, Matmul) { fuzz(kMatmul, {{{"batch", 1}}, {{"batch", 9}}}, 15); }
TEST(ScheduleFuzz, Softmax) { fuzz(kSoftmax, {{{"n", 1}}, {{"n", 5}}}, 25); }
TEST(ScheduleFuzz, Convolution) {
  fuzz(R"(kernel conv (x: f32[5, 9, 4], w: f32[3, 3, 4, 6], r: out f32[5, 9, 6]) {
  for oy in 0..5 {
    for ox in 0..9 {
      for o in 0..6 {
        acc: f32[1] in reg
        acc[0] = f32(0)
        for ky in 0..3 {
          for kx in 0..3 {
            for c in 0..4 {
              if and(in_range(ky + oy - 1, 5), in_range(kx + ox - 1, 9)) {
                acc[0] = fma(x[ky + oy - 1, kx + ox - 1, c], w[ky, kx, c, o], acc[0])
              }
            }
          }
        }
        r[oy, ox, o] = acc[0]
      }
    }
  }
}
)",
       {{}}, 15);
}

TEST(ScheduleFuzz, RandomKernels) {
  const auto [first, last] = seeds(400);
  Applied applied;
  int64_t valid = 0, tried = 0, failures = 0;
  for (uint64_t seed = first; seed <= last && failures < 10; ++seed, ++tried) {
    const Kernel kernel = random_kernel(seed);
    ASSERT_NO_THROW(verify(kernel)) << "seed " << seed << "\n" << print(kernel);
    const Runs runs{{{{"n", 0}}, {{"n", 1}}, {{"n", 4}}, {{"n", 9}}}, seed % 4 != 0};
    std::string why;
    const auto expected = runs.of(kernel, why);
    if (!expected) continue;
    ++valid;
    Dice dice(seed);
    const std::string wrong = schedule(kernel, dice, dice.pick(6, 24), runs, *expected, applied);
    if (wrong.empty()) continue;
    ++failures;
    ADD_FAILURE() << "seed " << seed << ": " << wrong << "\nin\n" << print(kernel);
  }
  std::printf("%lld kernels, %lld of them valid, %lld steps applied\n",
              static_cast<long long>(tried), static_cast<long long>(valid),
              static_cast<long long>(total(applied)));
  EXPECT_GT(valid * 2, tried);
  EXPECT_GT(total(applied), valid);
  for (const Step* step : all_steps()) {
    std::printf("  %-12s %lld\n", step->name, static_cast<long long>(applied[step->name]));
    // Of words, and of panels of vectors, which are not among these kernels: lowering tests.
    if (std::ranges::count(std::array{"dot_words", "prefetch"}, std::string_view(step->name)))
      continue;
    if (tried >= 400) {
      EXPECT_GT(applied[step->name], 0) << step->name << " never applies";
    }
  }
}

}  // namespace
}  // namespace mintor::test
