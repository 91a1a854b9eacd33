// SPDX-License-Identifier: Apache-2.0
// Each schedule step: bits before and after in the interpreter, the shape it leaves, and its
// refusals. Takes kernels before and after steps; fails when a bit of their results differs.
#include "compiler/loop/schedule.h"
#include "tests/loop/kernel_helper.h"

namespace mintor::test {
namespace {

Kernel with_steps(const char* text, const std::vector<std::string>& calls,
                  const std::vector<Symbols>& symbols) {
  Kernel before = parse_kernel(text), after = before;
  verify(before);
  apply_all(after, calls);
  EXPECT_EQ(print(parse_kernel(print(after))), print(after));
  for (const Symbols& s : symbols) expect_same_bits(before, after, s);
  return after;
}

int loops_in(const Kernel& kernel) {
  int count = 0;
  visit(kernel.body, [&](const Stmt& s) { count += std::holds_alternative<For>(s->node); });
  return count;
}

bool has_conditions(const Kernel& kernel) {
  bool found = false;
  visit(kernel.body, [&](const Stmt& s) { found |= std::holds_alternative<If>(s->node); });
  return found;
}

const std::vector<Symbols> kRows = {{{"n", 0}}, {{"n", 1}}, {{"n", 8}}, {{"n", 13}}};
const std::vector<Symbols> kBatches = {{{"batch", 1}}, {{"batch", 14}}, {{"batch", 33}}};

TEST(Steps, SplitGuardsWhatDoesNotDivide) {
  EXPECT_TRUE(has_conditions(with_steps(kElementwise, {"split(j, 8)"}, kRows)));
  EXPECT_FALSE(has_conditions(with_steps(kElementwise, {"split(j, 7)"}, kRows)));
  with_steps(kElementwise, {"split(i, 5)", "split(i_i, 2)"}, kRows);
  Kernel kernel = parse_kernel(kElementwise);
  EXPECT_EQ(refusal_of(kernel, "split(j, 0)"), "the factor 0 is not positive");
  EXPECT_EQ(refusal_of(kernel, "split(z, 4)"), "there is no loop 'z'");
  EXPECT_EQ(refusal_of(kernel, "split(j, i)"), "the factor 'i' is no number");
  EXPECT_EQ(refusal_of(kernel, "split(3, 4)"), "the axis '3' is no name");
  EXPECT_EQ(refusal_of(kernel, "split(j)"), "it takes (axis, factor), not 1 arguments");
}

TEST(Steps, ReorderKeepsAccumulationsInOrder) {
  with_steps(kElementwise, {"reorder(j, i)"}, kRows);
  with_steps(kElementwise, {"split(i, 4)", "split(j, 8)", "reorder(j_o, i_o, j_i, i_i)"}, kRows);
  with_steps(kElementwise, {"split(j, 4)", "split(j_i, 2)", "reorder(j_i_i, j_o, j_i_o)"}, kRows);
  Kernel kernel = parse_kernel(R"(kernel sum (x: f32[4, 5], y: out f32[1]) {
  y[0] = f32(0)
  for a in 0..4 {
    for b in 0..5 {
      y[0] = add(y[0], x[a, b])
    }
  }
}
)");
  EXPECT_NE(refusal_of(kernel, "reorder(b, a)"), "");
  Kernel matmul = parse_kernel(kMatmul);
  EXPECT_NE(refusal_of(matmul, "reorder(k, n)"), "");
}

TEST(Steps, FuseAndParallelize) {
  Kernel kernel = with_steps(kElementwise, {"fuse(i, j, task)", "parallelize(task)"}, kRows);
  EXPECT_EQ(loops_in(kernel), 1);
  with_steps(kMatmul,
             {"split(m, 4)", "split(n, 16)", "reorder(m_o, n_o, m_i, n_i)", "fuse(m_o, n_o, task)",
              "parallelize(task)"},
             kBatches);
  Kernel racy = parse_kernel(R"(kernel sum (x: f32[4], y: out f32[1]) {
  for a in 0..4 {
    y[0] = x[a]
  }
}
)");
  EXPECT_EQ(refusal_of(racy, "parallelize(a)"),
            "iterations of a may touch one element of y; it could be if an index of every access "
            "to it moved with a");
}

TEST(Steps, TailsAreCutOff) {
  EXPECT_FALSE(has_conditions(with_steps(kElementwise, {"split(j, 8)", "peel_tail(j_o)"}, kRows)));
  EXPECT_FALSE(has_conditions(with_steps(kElementwise, {"split(i, 8)", "peel_tail(i_o)"}, kRows)));
  EXPECT_FALSE(has_conditions(with_steps(kElementwise, {"split(j, 64)", "peel_tail(j_o)"}, kRows)));
  Kernel kernel = with_steps(
      kMatmul, {"split(n, 32)", "reorder(n_o, m, n_i)", "branch_tail(n_o)", "parallelize(n_o)"},
      kBatches);
  EXPECT_NE(find_loop(kernel.body, "n_i_t"), nullptr);
}

TEST(Steps, PeelDecidesBorders) {
  Kernel kernel = with_steps(kConv, {"reorder(o, oy, ox)", "peel(ox, 1, 1)", "hoist_guards"}, {{}});
  const For* middle = find_loop(kernel.body, "kx");
  ASSERT_NE(middle, nullptr);
  visit(middle->body, [](const Stmt& s) { EXPECT_FALSE(std::holds_alternative<If>(s->node)); });
  Kernel scale = parse_kernel(kElementwise);
  EXPECT_EQ(refusal_of(scale, "peel(i, 1, 1)"),
            "the loop has n iterations, which may be fewer than 2");
}

TEST(Steps, VectorizeGivesLanes) {
  with_steps(kElementwise, {"split(j, 16)", "vectorize(j_i)"}, kRows);
  with_steps(kElementwise, {"split(j, 16)", "peel_tail(j_o)", "vectorize(j_i)", "vectorize(j_i_t)"},
             kRows);
  with_steps(kElementwise, {"split(i, 4)", "vectorize(i_i)"}, kRows);
  Kernel kernel = with_steps(kMatmul, {"split(n, 16)", "vectorize(n_i)"}, kBatches);
  EXPECT_NE(print(kernel).find("acc: f32[1, 16] in reg"), std::string::npos) << print(kernel);
  Kernel matmul = parse_kernel(kMatmul);
  EXPECT_NE(refusal_of(matmul, "vectorize(k)"), "");
  EXPECT_EQ(refusal_of(matmul, "vectorize(m)"),
            "the extent batch is not between 2 and 64; split it first");
}

// Stores once tiles are written out.
int64_t stores_in(const Stmt& stmt) {
  if (std::holds_alternative<Store>(stmt->node)) return 1;
  int64_t count = 0;
  if (auto* b = std::get_if<Block>(&stmt->node))
    for (const Stmt& one : b->body) count += stores_in(one);
  if (auto* i = std::get_if<If>(&stmt->node)) count = stores_in(i->then_body);
  if (auto* f = std::get_if<For>(&stmt->node))
    count = (f->kind == LoopKind::unrolled ? (f->end - f->begin).value() : 1) * stores_in(f->body);
  return count;
}

TEST(Steps, RegisterTileMatmul) {
  Kernel kernel = with_steps(
      kMatmul,
      {"split(n, 32)", "reorder(n_o, m, n_i)", "branch_tail(n_o)", "split(m, 14)", "peel_tail(m_o)",
       "split(n_i, 16)", "vectorize(n_i_i)", "jam(n_i_o)", "jam(m_i)", "split(n_i_t, 16)",
       "vectorize(n_i_t_i)", "parallelize(n_o)", "expand_unrolled", "simplify"},
      kBatches);
  // One accumulator row per tile row and vector: the same in every iteration of k.
  const For* k = find_loop(kernel.body, "k");
  ASSERT_NE(k, nullptr);
  visit(k->body, [&](const Stmt& s) {
    if (auto* loop = std::get_if<For>(&s->node)) {
      EXPECT_EQ(loop->kind, LoopKind::unrolled);
    }
    auto* store = std::get_if<Store>(&s->node);
    if (!store) return;
    EXPECT_EQ(store->lanes, 16);
    for (const Index& index : store->indices) EXPECT_FALSE(index.mentions("k"));
  });
  EXPECT_EQ(stores_in(k->body), 28);
}

TEST(Steps, ConvolutionTileHasNoGuardInside) {
  Kernel kernel = with_steps(
      kConv,
      {"split(o, 16)", "reorder(o_o, oy, ox, o_i)", "branch_tail(o_o)", "split(ox, 4)",
       "peel_tail(ox_o)", "peel(ox_o, 1, 1)", "vectorize(o_i)", "vectorize(o_i_first)",
       "vectorize(o_i_last)", "jam(ox_i)", "jam(ox_i_first)", "jam(ox_i_last)", "unroll(kx)",
       "unroll(kx_first)", "unroll(kx_last)", "expand_unrolled", "simplify", "hoist_guards"},
      {{}});
  const For* channels = find_loop(kernel.body, "c_0");
  ASSERT_NE(channels, nullptr) << print(kernel);
  visit(channels->body, [](const Stmt& s) { EXPECT_FALSE(std::holds_alternative<If>(s->node)); });
  // The first tile lacks the pixel left of the border for the first tap only.
  const For* border = find_loop(kernel.body, "c_first_0");
  ASSERT_NE(border, nullptr);
  EXPECT_EQ(stores_in(border->body), 3);
}

TEST(Steps, TasksDoNotReadBesideTheLoopWhatTheyWrite) {
  Kernel kernel = parse_kernel(R"(kernel f (x: f32[8], y: out f32[8]) {
  let a = y[0]
  for i in 0..8 {
    y[i] = add(a, x[i])
  }
}
)");
  EXPECT_EQ(refusal_of(kernel, "parallelize(i)"),
            "what stands beside the loop i reads y, which it writes");
}

TEST(Steps, JamKeepsCountsAndShapesThatDiffer) {
  const char* text = R"(kernel count (x: f32[8], y: out f32[2, 8]) {
  for i in 0..2 {
    for j in 0..1 {
      x8 y[i, lane; below 3*i + 2] = x[lane]
    }
  }
}
)";
  with_steps(text, {"jam(i)"}, {{}});
  Kernel shape = parse_kernel(R"(kernel shape (x: f32[8], y: out f32[4]) {
  for i in 0..4 {
    t: f32[i + 1] in local
    t[i] = x[i]
    y[i] = t[i]
  }
}
)");
  EXPECT_EQ(refusal_of(shape, "jam(i)"), "the shape of t differs per iteration");
  EXPECT_EQ(refusal_of(shape, "vectorize(i)"), "the shape of t differs per lane");
}

TEST(Steps, LanesThatBecomeOneValue) {
  // In the copy of i = 0 the Let is a constant, and what reads it has to know.
  const char* text = R"(kernel one (x: f32[12], y: out f32[4, 4]) {
  for i in 0..4 {
    x4 let u = guard(in_range(5*i, 4), f32(0.3), x[2*lane + i])
    x4 y[i, lane] = neg(u)
  }
}
)";
  with_steps(text, {"peel(i, 1, 0)"}, {{}});
  const char* partial = R"(kernel partial (x: f32[8], y: out f32[3, 4]) {
  for i in 0..3 {
    x4 y[i, lane] = x[i*lane; below i + 1]
  }
}
)";
  Kernel kernel = with_steps(partial, {"peel(i, 1, 0)"}, {{}});
  EXPECT_NE(print(kernel).find("guard(in_range(lane, 1), x[0], f32(0))"), std::string::npos)
      << print(kernel);
}

// Lanes of a block that are all inside or all outside are asked once.
TEST(Steps, ConditionsOfWholeBlocksAreOne) {
  const auto text = [](int from, int extent) {
    return "kernel parts (x: f32[64], y: out f32[96]) {\n  for i in 0..6 {\n    x16 y[16*i + lane] "
           "= "
           "guard(in_range(16*i + lane - " +
           std::to_string(from) + ", " + std::to_string(extent) + "), x[16*i + lane - " +
           std::to_string(from) + "], f32(7))\n  }\n}\n";
  };
  const auto simple = [&](int from, int extent) {
    return print(with_steps(text(from, extent).c_str(), {"simplify"}, {{}}));
  };
  EXPECT_NE(simple(32, 48).find("in_range(i - 2, 3)"), std::string::npos) << simple(32, 48);
  EXPECT_EQ(simple(0, 64).find("lane, 64)"), std::string::npos) << simple(0, 64);
  EXPECT_NE(simple(30, 48).find("in_range(16*i + lane - 30, 48)"), std::string::npos);
  EXPECT_NE(simple(32, 40).find("in_range(16*i + lane - 32, 40)"), std::string::npos);
}

TEST(Steps, ConditionsStayWhereTheirDivisorsArePositive) {
  Kernel kernel = parse_kernel(R"(kernel divide (x: f32[8], y: out f32[4, 12]) {
  for i in 0..4 {
    for j in 0..3*i {
      for l in 0..2 {
        if in_range(7 // i, 4) {
          y[i, j + l] = x[l]
        }
      }
    }
  }
}
)");
  EXPECT_EQ(refusal_of(kernel, "fuse(j, l, t)"), "");
  EXPECT_EQ(print(run_loop_pass("hoist_guards", kernel)), print(kernel));
}

TEST(Steps, JamExpandsLetsThatCrossLoops) {
  const char* text = R"(kernel two (x: f32[4, 9], y: out f32[4, 9]) {
  for i in 0..4 {
    let a = neg(x[i, 0])
    for j in 0..9 {
      let b = mul(a, x[i, j])
      y[i, j] = add(b, b)
    }
  }
}
)";
  Kernel kernel = with_steps(text, {"jam(i)"}, {{}});
  EXPECT_NE(print(kernel).find("a_all: f32[4] in reg"), std::string::npos) << print(kernel);
  with_steps(text, {"jam(i)", "expand_unrolled", "simplify"}, {{}});
}

TEST(Steps, ComputeAtInfersRegions) {
  const std::vector<Symbols> rows = {{{"n", 1}}, {{"n", 7}}};
  Kernel kernel = with_steps(kSoftmax,
                             {"compute_at(sum, r)", "compute_at(e, r)", "compute_at(most, r)",
                              "vectorize(l)", "vectorize(l2)", "vectorize(l3)", "vectorize(l4)",
                              "vectorize(l5)", "vectorize(l6)", "split(c, 16)", "vectorize(c_i)",
                              "split(q, 16)", "vectorize(q_i)", "parallelize(r)", "simplify"},
                             rows);
  EXPECT_NE(print(kernel).find("e: f32[1, 37] in local"), std::string::npos) << print(kernel);
  const char* blur = R"(kernel blur (x: f32[20, 9], y: out f32[18, 9]) {
  t: f32[20, 9] in local
  for i in 0..20 {
    for j in 0..9 {
      t[i, j] = neg(x[i, j])
    }
  }
  for r in 0..18 {
    for c in 0..9 {
      y[r, c] = add(add(t[r, c], t[r + 1, c]), t[r + 2, c])
    }
  }
}
)";
  with_steps(blur, {"compute_at(t, r)"}, {{}});
  with_steps(blur, {"compute_at(t, c)"}, {{}});
  kernel = with_steps(blur, {"split(r, 8)", "compute_at(t, r_o)"}, {{}});
  EXPECT_NE(print(kernel).find("t: f32[10, 9] in local"), std::string::npos) << print(kernel);
  Kernel refused = parse_kernel(blur);
  EXPECT_EQ(refusal_of(refused, "compute_at(t, i)"), "the loop i belongs to the nest that fills t");
  EXPECT_EQ(refusal_of(refused, "compute_at(x, r)"),
            "'x' is no local buffer that stands in a block");
}

TEST(Steps, UnknownStepNamesTheNearest) {
  Kernel kernel = parse_kernel(kElementwise);
  try {
    apply_step(kernel, "vectorise", {"j"});
    FAIL();
  } catch (const CompileError& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'vectorize'?"), std::string::npos)
        << e.what();
  }
}

// In a text they are refused; a call that the compiler makes must not pass for a schedule that did
// not apply.
TEST(Steps, WrongArgumentsOfTheCompilerAreItsBugs) {
  Kernel kernel = parse_kernel(kElementwise);
  const auto bug = [&](const std::string& name, const std::vector<StepArg>& args) {
    try {
      try_step(kernel, name, args);
    } catch (const InternalError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(bug("split", {"j", "i"}),
            "internal error: schedule: split(j, i): the factor 'i' is no number");
  EXPECT_EQ(bug("vectorize", {3}),
            "internal error: schedule: vectorize(3): the axis '3' is no name");
  EXPECT_EQ(bug("vectorize", {"j", 3}),
            "internal error: schedule: vectorize(j, 3): it takes (axis), not 2 arguments");
  EXPECT_EQ(bug("vectorise", {"j"}),
            "internal error: schedule: vectorise(j): there is no such step");
  EXPECT_FALSE(try_step(kernel, "vectorize", {"none"}));  // what depends on the kernel is refused
  EXPECT_TRUE(kernel.schedule.empty());
}

TEST(Steps, ScheduleReplays) {
  Kernel before = parse_kernel(kMatmul), after = before, again = before;
  apply_all(after, {"split(n, 16)", "split(m, 4)", "peel_tail(m_o)", "vectorize(n_i)"});
  replay(again, after.schedule);
  EXPECT_EQ(print(again), print(after));
}

}  // namespace
}  // namespace mintor::test
