// SPDX-License-Identifier: Apache-2.0
// Kernel text, verifier and interpreter: what they refuse, each by its message.
// Takes hand-written kernels; fails when text, verifier or interpreter disagree with them.
#include "compiler/loop/schedule.h"
#include "tests/loop/kernel_helper.h"

namespace mintor::test {
namespace {

std::string with_body(const std::string& body) {
  return "kernel t (x: f32[4, 8], y: out f32[4, 8], i: i32[4]; n: 1..4) {\n" + body + "}\n";
}

template <class Error, class Fn>
std::string message(Fn fn) {
  try {
    fn();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

void expect_verify(const std::string& body, const std::string& rule) {
  std::string text = message<InternalError>([&] { verify(parse_kernel(with_body(body))); });
  EXPECT_NE(text.find(rule), std::string::npos) << text;
}

void expect_interpret(const std::string& body, const std::string& problem) {
  Kernel kernel = parse_kernel(with_body(body));
  verify(kernel);
  std::string text = message<InternalError>([&] { run(kernel, {{"n", 2}}); });
  EXPECT_NE(text.find(problem), std::string::npos) << text;
}

TEST(KernelText, RoundTrips) {
  const std::string texts[] = {kElementwise, kMatmul, kConv, kSoftmax,
                               R"(kernel all (x: f32[8, n] align 64, y: out f32[8, 16] align 4; )"
                               R"(n: 16.. step 16, m: 0..3) {
  computes "y = \"x\""
  schedule split(j, 16) peel(j, 1, 0)
  because "a reason"
  because "another"
  for i in 0..8 {
    t: f32[1, 16] in reg
    x16 t[0, lane] = f32(-0)
    x16 let v = guard(in_range(lane - 1, 8), x[i, lane - 1], f32(nan))
    x16 y[i, lane; below min(m, 16)] = where(lt(v, t[0, lane]), x[i, lane; )"
                               R"(below n], cast(f32, index(3*i - lane)))
    unrolled u in 0..2 {
      let w = bitcast(i32, x[u, 0])
      if or(in_range(u, m), eq(w, i32(-7))) {
        y[u, 0] = cast(f32, w)
      } else {
        y[u, 1] = f32(1.5e-10)
      }
    }
  }
}
)"};
  for (const auto& text : texts) {
    Kernel kernel = parse_kernel(text);
    verify(kernel);
    EXPECT_EQ(print(kernel), text);
  }
}

// The user's text stays as it is, its operands follow their buffers.
TEST(KernelText, HoldsTheUsersCode) {
  const std::string text = R"(kernel f (x: f32[8] align 4, y: out f32[8] align 4) {
  code "out0(0) = \"x\";\n" (in0 = x) to (out0 = y)
}
)";
  Kernel kernel = parse_kernel(text);
  verify(kernel);
  EXPECT_EQ(print(kernel), text);
  kernel.body = rename(kernel.body, {{"x", "a"}, {"y", "b"}, {"out0", "c"}});
  EXPECT_EQ(print(kernel.body), "code \"out0(0) = \\\"x\\\";\\n\" (in0 = a) to (out0 = b)\n");
  EXPECT_NE(message<CompileError>([&] { run(parse_kernel(text), {}); }).find("cannot run source"),
            std::string::npos);
}

TEST(KernelText, LoopsSayWhereTheyComeFrom) {
  const std::string text = R"(kernel f (x: f32[8] align 4, y: out f32[8] align 4) {
  for m_i_t: out m inner tail in 0..4 {
    for l: lane in 0..2 {
      y[2*m_i_t + l] = x[2*m_i_t + l]
    }
  }
}
)";
  const Kernel kernel = parse_kernel(text);
  EXPECT_EQ(print(kernel), text);
  const LoopOrigin origin = origin_of(*find_loop(kernel.body, "m_i_t"));
  EXPECT_TRUE(same_loop(
      origin, part_of(part_of({LoopRole::out, "m", {}}, LoopPart::inner), LoopPart::tail)));
  EXPECT_EQ(copies_of(kernel, part_of({LoopRole::axis, "m", {}}, LoopPart::inner)),
            std::vector<std::string>{"m_i_t"});
  EXPECT_EQ(loop_of(kernel, {LoopRole::axis, "l", {}}), "l");
  try {
    parse_kernel(R"(kernel f (y: out f32[8]) { for i: up in 0..4 { y[i] = f32(0) } })");
    FAIL();
  } catch (const CompileError& e) {
    EXPECT_NE(std::string(e.what()).find("'up' is no role of a loop"), std::string::npos)
        << e.what();
  }
}

TEST(KernelText, ErrorsHaveAPlace) {
  auto error = [](const std::string& text) {
    return message<CompileError>([&] { parse_kernel(text); });
  };
  EXPECT_NE(error(with_body("  z[0] = f32(1)\n")).find("'z' is no buffer here"), std::string::npos);
  EXPECT_NE(error(with_body("  y[0, 0] = i32(1)\n"))
                .find("a value of i32 is stored to 'y', which holds f32"),
            std::string::npos);
  EXPECT_NE(error(with_body("  y[0, 0] = foo(x[0, 0])\n")).find("'foo' is no scalar function"),
            std::string::npos);
  EXPECT_NE(error(with_body("  y[0, 0] = add(x[0, 0], i[0])\n")).find("line 2"), std::string::npos);
  EXPECT_NE(error("kernel t () {\n  for").find("line 2"), std::string::npos);
  EXPECT_NE(error(with_body("  x4 let a = x[0, lane]\n  x8 y[0, lane] = add(a, x[0, lane])\n"))
                .find("'a' has 4 lanes, the statement 8"),
            std::string::npos);
  std::string deep = "  y[0, 0] = ";
  for (int n = 0; n < 5000; ++n) deep += "neg(";
  EXPECT_NE(error(with_body(deep)).find("nested too deeply"), std::string::npos);
}

TEST(KernelVerifier, NamesTheRule) {
  expect_verify("  for a in 0..4 {\n    for a in 0..4 {\n      y[a, a] = x[a, a]\n    }\n  }\n",
                "the name a is bound twice");
  expect_verify("  y[a, 0] = f32(0)\n", "the integer a is not in scope");
  expect_verify("  y[lane, 0] = f32(0)\n", "`lane` outside of a vector statement");
  expect_verify("  y[0] = f32(0)\n", "has 2 dimensions, the access 1");
  expect_verify("  x[0, 0] = f32(0)\n", "a store to x, which is not written");
  expect_verify("  x4 y[0, 0] = f32(0)\n", "a store whose lanes do not follow from its indices");
  expect_verify("  for a in 0..4 {\n    parallel b in 0..4 {\n      y[a, b] = f32(0)\n    }\n  }\n",
                "a parallel loop that is not the outermost statement");
  expect_verify("  parallel a in 0..4 {\n    y[a, 0] = f32(0)\n  }\n  y[0, 1] = f32(0)\n",
                "a parallel loop that is not the outermost statement");
  expect_verify("  unrolled a in 0..n {\n    y[a, 0] = f32(0)\n  }\n",
                "an unrolled loop without a constant extent");
  expect_verify(
      "  for a in 0..4 {\n    t: f32[1] in reg\n    t[0] = f32(0)\n  }\n  y[0, 0] = t[0]\n",
      "the buffer t is not in scope");
  expect_verify("  for a in 0..4 {\n    code \"\" (in0 = x) to (out0 = y)\n  }\n",
                "user code inside a loop or a branch");
  expect_verify("  code \"\" (in0 = x) to (out0 = x)\n", "stores to x, which is not written");
  expect_verify("  code \"\" (in0 = z) to (out0 = y)\n", "user code over z, no parameter");
}

TEST(KernelInterpreter, ReportsWhatARealRunHides) {
  expect_interpret("  for a in 0..5 {\n    y[a, 0] = f32(0)\n  }\n",
                   "index 4 of dimension 0 of y is outside of 0..4");
  expect_interpret("  x4 y[0, lane + 6] = x[0, lane]\n",
                   "index 8 of dimension 1 of y is outside of 0..8");
  expect_interpret("  x4 y[0, lane + 6; below 2] = x[0, lane + 6]\n",
                   "index 8 of dimension 1 of x is outside");
  expect_interpret("  t: f32[2] in local\n  t[0] = f32(0)\n  y[0, 0] = t[1]\n",
                   "read of the undefined element t[1]");
  expect_interpret("  y[0, 0] = y[1, 0]\n", "read of the undefined element y[1, 0]");
  expect_interpret("  parallel a in 0..4 {\n    y[0, 0] = x[a, 0]\n  }\n",
                   "race: two parallel iterations touch y[0, 0]");
  expect_interpret(
      "  parallel a in 0..3 {\n    y[a + 1, 0] = f32(0)\n    y[0, a] = y[a + 1, 0]\n    if "
      "in_range(a - 1, 9) {\n"
      "      y[0, 4] = y[a, 0]\n    }\n  }\n",
      "race: one parallel iteration reads y[1, 0], another writes it");
  Kernel kernel = parse_kernel(with_body("  y[0, 0] = f32(0)\n"));
  EXPECT_NE(
      message<InternalError>([&] { run(kernel, {{"n", 9}}); }).find("the value 9 of the symbol n"),
      std::string::npos);
}

TEST(KernelInterpreter, GuardsAndPartialLoadsAreLazy) {
  Kernel kernel = parse_kernel(
      with_body("  x8 y[0, lane] = guard(in_range(lane - 3, 2), x[0, lane + 3], f32(7))\n"
                "  x8 y[1, lane] = x[0, lane + 6; below 2]\n"
                "  y[2, 0] = guard(in_range(5, 4), x[5, 0], f32(9))\n"));
  verify(kernel);
  Buffers out = run(kernel, {{"n", 2}});
  auto y = [&](int64_t flat) {
    return Scalar::read(DType::f32, &out["y"].bytes[static_cast<size_t>(flat * 4)]).f;
  };
  auto x = [&](int64_t flat) {
    return Scalar::read(DType::f32, &out["x"].bytes[static_cast<size_t>(flat * 4)]).f;
  };
  EXPECT_EQ(y(0), 7);
  EXPECT_EQ(y(3), x(6));
  EXPECT_EQ(y(4), x(7));
  EXPECT_EQ(y(8), x(6));
  EXPECT_EQ(y(10), 0);
  EXPECT_EQ(y(16), 9);
}

}  // namespace
}  // namespace mintor::test
