// SPDX-License-Identifier: Apache-2.0
// What kernels say of their buffers. Takes graphs as text; gives pass or fail. Keeps true: a fact
// is stated only where a plan keeps it, and only where it was asked for.
#include <gtest/gtest.h>

#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/ir/text.h"

namespace mintor {
namespace {

Program program(const std::string& text) {
  CompileContext context;
  return build_program(context, optimise(context, parse_graph(text)),
                       {find_level("reference").level});
}

std::string stated(const std::string& list) {
  return "__attribute__((annotate(\"mintor.buffers " + list + "\")))";
}

// Sums of rows, then something of them that stays within the arena.
constexpr char kRows[] = R"(graph rows {
  x = input f32[6, 40]
  w = parameter f32[6] random 1
  s = reduce f32[6] (x) add dims = [1] identity -0
  b = broadcast f32[6, 40] (s) dims = [0]
  c = sub f32[6, 40] (x, b)
  t = reduce f32[6] (c) max dims = [1] identity -inf
  r = mul f32[6] (t, w)
  results r
})";

TEST(BufferFacts, CallersAlignToElementsWeToVectors) {
  const Program made = program(kRows);
  std::string all;
  for (size_t k = 0; k < made.kernels.size(); ++k) all += stated_facts(made, k, 0) + "\n";
  EXPECT_NE(all.find("align 4 noalias"), std::string::npos) << all;   // x and r
  EXPECT_NE(all.find("align 64 noalias"), std::string::npos) << all;  // w
}

TEST(BufferFacts, WhatTakesThePlaceOfAnotherIsNotApart) {
  Program made;
  made.levels = {find_level("reference")};
  Kernel kernel;
  kernel.name = "k";
  kernel.params = {{"x", DType::f32, {8}, false, 64},
                   {"y", DType::f32, {8}, true, 64},
                   {"z", DType::f32, {8}, false, 4}};
  made.kernels.push_back({"k", {kernel}});
  for (const char* name : {"a", "b", "c", "part"}) {
    Buffer buffer;
    buffer.name = name;
    buffer.shape = {8};
    made.buffers.push_back(buffer);
  }
  made.buffers[3].view_of = 0;
  made.buffers[3].part = true;
  Launch launch;
  launch.kernel = "k";
  launch.args = {0, 1, 2};
  made.entries.push_back({"forward", {{launch}}, {}, {}, {}, 0});
  const auto facts = [&] { return stated_facts(made, 0, 0); };
  EXPECT_EQ(facts(), stated("align 64 noalias, align 64 noalias, align 4 noalias"));
  Entry& entry = made.entries[0];
  launch.in_place = {{1, 0}};
  entry.steps.push_back({launch});
  EXPECT_EQ(facts(), stated("align 64, align 64, align 4 noalias"));
  launch.in_place.clear();
  launch.args = {0, 1, 3};
  entry.steps[1].node = launch;
  EXPECT_EQ(facts(), stated("align 64, align 64 noalias, align 4"));
  made.prepare.steps.push_back({Loop{"i", 2, -1, {{launch}}}});  // wherever it is launched
  entry.steps.pop_back();
  EXPECT_EQ(facts(), stated("align 64, align 64 noalias, align 4"));
}

TEST(BufferFacts, AreStatedOnlyWhereSomebodyReadsThem) {
  const Program made = program(kRows);
  const SharedProgram plain = emit_shared(made), told = emit_shared(made, Facts::stated);
  ASSERT_EQ(plain.kernels.size(), told.kernels.size());
  for (size_t k = 0; k < plain.kernels.size(); ++k) {
    EXPECT_EQ(plain.kernels[k].facts, "");
    EXPECT_NE(told.kernels[k].facts.find("mintor.buffers align "), std::string::npos);
    EXPECT_EQ(plain.kernels[k].text, told.kernels[k].text);
    EXPECT_NE(plain.kernels[k].name, told.kernels[k].name);  // programs that know less share less
  }
  const std::string text = emit_program(made, "", Facts::stated).units.at(1).text;
  EXPECT_NE(text.find("static " + stated_facts(made, 0, 0) + " void "), std::string::npos) << text;
  EXPECT_EQ(emit_program(made, "").units.at(1).text.find("mintor.buffers"), std::string::npos);
}

}  // namespace
}  // namespace mintor
