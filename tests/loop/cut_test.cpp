// SPDX-License-Identifier: Apache-2.0
// Kernels in parts: one after the other they store what the whole stores, with the parameters that
// they touch. Takes kernels of many statements; fails where a bit differs, or where one stays long.
#include "compiler/loop/cut.h"

#include "tests/loop/kernel_helper.h"

namespace mintor::test {
namespace {

// y[t, n] for n in 0..100, every third by a loop, every fifth through what the block binds.
Kernel many_statements(const std::string& loop, const std::string& first = "") {
  std::string text = "kernel many (";
  for (int n = 0; n < 100; ++n) text += "x" + std::to_string(n) + ": f32[5, 3], ";
  text += "y: out f32[5, 300]; n: 2..3) {\n" + loop + " t in 0..5 {\n" + first;
  for (int n = 0; n < 100; ++n) {
    const std::string i = std::to_string(n), at = std::to_string(3 * n);
    const std::string x = "x" + i, rest = at + " + 1] = f32(" + i + ")\n";
    if (n % 3 == 0)
      text +=
          "for j" + i + " in 0..n { y[t, j" + i + " + " + at + "] = " + x + "[t, j" + i + "] }\n";
    else if (n % 5 == 0)
      text += "let v" + i + " = " + x + "[t, n - 2]\na" + i + ": f32[1] in local\na" + i +
              "[0] = v" + i + "\ny[t, " + rest + "y[t, " + at + "] = add(v" + i + ", a" + i +
              "[0])\n";
    else
      text += "y[t, " + at + "] = " + x + "[t, 0]\n";
  }
  return parse_kernel(text + "}\n}\n");
}

TEST(Cut, PartsOneAfterTheOtherStoreWhatTheWholeStores) {
  const Kernel whole = many_statements("parallel");
  const std::vector<Kernel> parts = cut(whole);
  ASSERT_GT(parts.size(), 2u);
  const Symbols symbols{{"n", 2}};
  Buffers buffers = seeded(whole, symbols), want = run(whole, symbols);
  std::set<std::string> names;
  for (const Kernel& part : parts) {
    verify(part);
    EXPECT_TRUE(names.insert(part.name).second);
    EXPECT_LT(part.params.size(), 50u);
    Buffers own;
    for (const Param& p : part.params) own[p.name] = std::move(buffers[p.name]);
    interpret(part, own, symbols);
    for (auto& [name, memory] : own) buffers[name] = std::move(memory);
  }
  EXPECT_TRUE(buffers["y"].bytes == want["y"].bytes);
  EXPECT_TRUE(buffers["y"].defined == want["y"].defined);
}

TEST(Cut, StaysWholeWhereOrderOrAVariableNeedsIt) {
  EXPECT_EQ(cut(many_statements("for")).size(), 1u);
  EXPECT_EQ(cut(parse_kernel(kElementwise)).size(), 1u);
  Kernel bound = many_statements("parallel", "let all = x0[t, 0]\n");
  EXPECT_GT(cut(bound).size(), 2u);  // nothing uses it
  const auto& tasks = std::get<For>(bound.body->node);
  std::vector<Stmt> body = std::get<Block>(tasks.body->node).body;
  body.push_back(k::store("y", {Index::var("t"), 299}, k::variable("all", DType::f32)));
  bound.body = k::loop(tasks, k::block(body));
  EXPECT_EQ(cut(bound).size(), 1u);
}

}  // namespace
}  // namespace mintor::test
