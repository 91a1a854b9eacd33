// SPDX-License-Identifier: Apache-2.0
// Random schedules on template kernels: whatever steps apply, the bits stay. Refusals are part of
// the game; a failure prints the seed, the schedule that was applied and the kernel.
#include "tests/loop/kernel_helper.h"

namespace mintor::test {
namespace {

class Scheduler {
 public:
  explicit Scheduler(uint64_t seed) : rng_(seed) {}

  int64_t pick(int64_t lo, int64_t hi) {
    return std::uniform_int_distribution<int64_t>(lo, hi)(rng_);
  }

  std::string loop(const Kernel& kernel) {
    std::vector<std::string> names;
    visit(kernel.body, [&](const Stmt& s) {
      if (auto* f = std::get_if<For>(&s->node)) names.push_back(f->var);
    });
    return names.empty()
               ? "none"
               : names[static_cast<size_t>(pick(0, static_cast<int64_t>(names.size()) - 1))];
  }
  std::string buffer(const Kernel& kernel) {
    std::vector<std::string> names{"x"};
    visit(kernel.body, [&](const Stmt& s) {
      if (auto* a = std::get_if<Alloc>(&s->node)) names.push_back(a->name);
    });
    return names[static_cast<size_t>(pick(0, static_cast<int64_t>(names.size()) - 1))];
  }
  // A loop and one directly inside of it, where there is one.
  std::vector<std::string> neighbours(const Kernel& kernel) {
    std::string outer = loop(kernel);
    const For* f = find_loop(kernel.body, outer);
    if (f)
      if (auto* inner = std::get_if<For>(&f->body->node)) return {outer, inner->var};
    return {outer, loop(kernel)};
  }

  StepCall step(const Kernel& kernel) {
    static const char* const kFactors[] = {"2", "3", "4", "7", "8", "16"};
    auto factor = [&] { return std::string(kFactors[pick(0, 5)]); };
    switch (pick(0, 15)) {
      case 0:
      case 1:
      case 2:
        return {"split", {loop(kernel), factor()}};
      case 3:
      case 4: {
        auto pair = neighbours(kernel);
        return {"reorder", {pair[1], pair[0]}};
      }
      case 5: {
        auto pair = neighbours(kernel);
        return {"fuse", {pair[0], pair[1], fresh_name(kernel, "t")}};
      }
      case 6:
        return {"unroll", {loop(kernel)}};
      case 7:
      case 8:
        return {"vectorize", {loop(kernel)}};
      case 9:
        return {"peel_tail", {loop(kernel)}};
      case 10:
        return {"branch_tail", {loop(kernel)}};
      case 11:
        return {"peel", {loop(kernel), std::to_string(pick(0, 2)), std::to_string(pick(0, 1))}};
      case 12:
        return {"jam", {loop(kernel)}};
      case 13:
        return {"compute_at", {buffer(kernel), loop(kernel)}};
      case 14:
        return {"stage", {buffer(kernel), loop(kernel)}};
      default:
        return {"parallelize", {loop(kernel)}};
    }
  }

 private:
  std::mt19937_64 rng_;
};

size_t statements(const Kernel& kernel) {
  size_t count = 0;
  visit(kernel.body, [&](const Stmt&) { ++count; });
  return count;
}

void fuzz(const char* text, const std::vector<Symbols>& symbols, uint64_t seeds) {
  const Kernel before = parse_kernel(text);
  int applied = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Scheduler scheduler(seed);
    Kernel after = before;
    StepCall last;
    SCOPED_TRACE("seed " + std::to_string(seed));
    try {
      for (int64_t n = scheduler.pick(3, 14); n > 0 && statements(after) < 400; --n) {
        last = scheduler.step(after);
        applied += !apply_step(after, last.name, last.args);
        verify(after);
      }
      last = {"passes", {}};
      ASSERT_EQ(print(parse_kernel(print(after))), print(after));
      Kernel passed = after;
      for (const char* pass : {"expand_unrolled", "simplify", "hoist_guards"})
        if (statements(passed) < 3000) passed = run_loop_pass(pass, passed);
      for (const Symbols& s : symbols) {
        expect_same_bits(before, after, s);
        expect_same_bits(before, passed, s);
      }
    } catch (const std::exception& e) {
      FAIL() << e.what() << "\n in " << print(last) << " on\n" << print(after);
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(applied, static_cast<int>(seeds));  // the steps do apply
}

TEST(ScheduleFuzz, Elementwise) { fuzz(kElementwise, {{{"n", 0}}, {{"n", 1}}, {{"n", 11}}}, 300); }
TEST(ScheduleFuzz, Matmul) { fuzz(kMatmul, {{{"batch", 1}}, {{"batch", 9}}}, 150); }
TEST(ScheduleFuzz, Softmax) { fuzz(kSoftmax, {{{"n", 1}}, {{"n", 5}}}, 150); }
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
       {{}}, 150);
}

}  // namespace
}  // namespace mintor::test
