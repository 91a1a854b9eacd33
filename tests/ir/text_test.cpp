// SPDX-License-Identifier: Apache-2.0
// The text form: what prints reads back and prints the same, for every kind of node; errors say
// where.
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "tests/ir/graph_helper.h"

namespace mintor {
namespace {

using test::compile_error;

// Every kind once; already in the spelling that the printer uses.
constexpr const char* kEveryKind =
    R"(graph every (batch: 1..32, s: 4.. % 4 ~ 128, found: 0..6, bound: 0..10) {
  x                = input          f32[batch, 3]
  v0               = input          "odd.name/0" f32[2, 3]
  h                = input          f16[2, 4]
  seq              = input          f32[s, 2]
  key              = input          u64[]
  counter          = input          u64[]
  flag             = input          bool[]
  idx              = input          i64[2]
  w                = parameter      f32[3, 4]  {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
  v1               = constant       f32[]  -0
  v2               = constant       i8[3]  {-128, 0, 127}
  v3               = constant       f64[4]  {inf, -inf, nan, 0.1}
  v4               = constant       bool[2]  {true, false}
  v5               = constant       u64[1]  {18446744073709551615}
  v6               = iota           i64[batch, 4]  dim 1
  v7               = random         f32[2, 3] (key, counter)  uniform
  v8               = neg            f32[2, 3] (v0)
  v9               = add            f32[2, 3] (v0, v8)
  v10              = is_nan         bool[2, 3] (v9)
  v11              = where          f32[2, 3] (v10, v0, v9)
  v12              = cast           f32[2, 4] (h)
  v13              = bitcast        u32[2, 3] (v0)
  v14              = cast           u8[2, 3] (v13)
  v15              = pack           u8[2, 2] (v14)  4 bits
  v16              = unpack         u8[2, 3] (v15)  4 bits
  v17              = broadcast      f32[batch, 3, 5] (x)  dims = [0, 1]
  v18              = reindex        f32[3, 2] (v0)  [i1, i0] fill 0
  v19              = reindex        f32[2, 3] (v0, idx)  [l0, i1 - 1]
    where l0 = 1[i0] if 0 <= i1 < 2, 0 <= i0 + i1 < batch fill -inf
  v20              = concat         f32[4, 3] (v0, v8)  dim 0
  v21              = reindex_reduce f32[2, 3] (v0, v8, idx)  max [l0, i1] where l0 = 2[i0]
  v22              = reduce         f32[2] (v0)  add dims = [1] identity -0 order lanes(4096)
  v23              = reduce         i64[3] (v0)  argmax dims = [0] identity -inf order serial
  v24, v25         = reduce         f32[2], f32[2] (v0, v8)  custom dims = [1] identity 0, 1 {
    graph both {
      a0 = input f32[]
      a1 = input f32[]
      b0 = input f32[]
      b1 = input f32[]
      r0 = add   f32[] (a0, b0)
      r1 = mul   f32[] (a1, b1)
      results r0, r1
    }
  }
  v26              = scan           f32[2, 3] (v0)  add dims = [1] reverse exclusive identity 0
    order serial
  v27              = contract       f32[batch, 4] (x, w)  m = batch, n = 4, k = 3
    | x[m, k] y[k, n] order chain(8192)
  v28              = contract       f32[2] (seq, seq)  o: n = 2, c: k = 1, kh: window = s 
    | x[kh + o, c] y[kh, c] if 0 <= o < 1 order chain(8064, inner 16)
  v29, v30         = sort           f32[2, 3], f32[2, 3] (v0, v8)  dim 1 descending
  v31              = compact        f32[found] (v0, v10)  symbol found
  v32              = size           i64[]  batch + s*2
  v33              = bind           i64[] (v32)  symbol bound 0..10
  v34              = if             f32[2, 3] (flag, v0) {
    graph then {
      x  = input f32[2, 3]
      v0 = neg   f32[2, 3] (x)
      results y = v0
    }
    graph else {
      x = input f32[2, 3]
      results y = x
    }
  }  @ layer1/branch
  v35, v36         = loop           f32[3], f32[2, 3] (v37, v0)  trip 2 carried 1 scanned 1 {
    graph body {
      i     = input i64[]
      carry = input f32[3]
      row   = input f32[3]
      next  = add   f32[3] (carry, row)
      results next, stacked = next
    }
  }
  v41              = loop           bool[] (flag)  while trip batch + 1 carried 1 {
    graph body {
      i  = input i64[]
      go = input bool[]
      n  = not   bool[] (go)
      results n
    }
  }
  v42, v43         = loop           bool[], f32[2, 3] (flag, v0, x)  while carried 2 {
    graph body (batch: 1..32) {
      i  = input i64[]
      go = input bool[]
      s  = input f32[2, 3]
      x  = input f32[batch, 3]
      results go, s
    }
  }
  v38              = call           f32[2, 3] (v0) {
    graph f {
      x = input f32[2, 3]
      y = exp   f32[2, 3] (x)
      results y
    }
  }
  v39              = code           f32[2, 3] (v0)  source "void f() {\n  \"quoted\";\n}"
    gradient "none"
  v40              = host           i64[] (v0)  "length"
  results v40, "a b" = v9
  updates w := w
}
)";

TEST(Text, EveryKindReadsBack) {
  std::string text = kEveryKind;
  // The carried value of the loop, defined before its use.
  const std::string carried = "  v37              = constant       f32[3]  {0, 0, 0}\n";
  text.insert(text.find("  v35, v36"), carried);
  // Everything is needed by a result, so that everything prints.
  text.replace(text.find("results v40"), 11,
               "results v40, v1, v2, v3, v4, v5, v6, v7, v11, v12, v16, v17, v18, v19, v20, v21, "
               "v22, v23, v24, v25, v26, v27, v28, v29, v30, v31, v33, v34, v35, v36, v38, v39, "
               "v41, v43");
  const Graph graph = parse_graph(text);
  const std::string printed = print(graph);
  const Graph again = parse_graph(printed, blobs_of(graph));
  EXPECT_EQ(print(again), printed);
  std::set<Kind> kinds;
  for (const Node* node : live_nodes(again)) kinds.insert(node->kind);
  for (const Node* node : inputs_of(again)) kinds.insert(node->kind);
  for (int k = 0; k <= static_cast<int>(Kind::host); ++k) {
    EXPECT_TRUE(kinds.contains(static_cast<Kind>(k))) << name_of(static_cast<Kind>(k));
  }
  // Line by line what was written is what prints: the numbering of values apart, which follows the
  // order of nodes.
  for (const char* part :
       {"x[kh + o, c] y[kh, c] if 0 <= o < 1 order chain(8064, inner 16)",
        "\"odd.name/0\" f32[2, 3]",
        "[l0, i1 - 1] where l0 = 1[i0] if 0 <= i1 < 2, 0 <= ", "@ layer1/branch",
        "{inf, -inf, nan, 0.1}", "source \"void f() {\\n  \\\"quoted\\\";\\n}\" gradient \"none\"",
        "s: 4.. % 4 ~ 128", "\"a b\" = ", "updates w := w", "trip 2 carried 1 scanned 1 {",
        "(flag)  while trip batch + 1 carried 1 {", "while carried 2 {"}) {
    EXPECT_NE(printed.find(part), std::string::npos) << part << "\n" << printed;
  }
}

TEST(Text, Dense) {
  const Graph graph = parse_graph(R"(
graph dense (s: 1..32) {
  x = input     f32[s, 9]
  w = parameter f32[9, 9] random 1
  b = parameter f32[9] fill 0.5
  y = contract  f32[s, 9] (x, w) m = s, n = 9, k = 9
                | x[m, k] y[k, n] order chain(8192) @ fc   # a statement may span lines
  c = broadcast f32[s, 9] (b) dims = [1] @ fc/bias
  z = add f32[s, 9] (y, c) @ fc/bias, "odd name"
  r = relu f32[s, 9] (z)
  results r
})");
  std::string expected = R"(graph dense (s: 1..32) {
  x  = input     f32[s, 9]
  w  = parameter f32[9, 9]  sha256 "SHA"
  b  = parameter f32[9]  {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}
  v0 = contract  f32[s, 9] (x, w)  m = s, n = 9, k = 9 | x[m, k] y[k, n] order chain(8192)  @ fc
  v1 = broadcast f32[s, 9] (b)  dims = [1]  @ fc/bias
  v2 = add       f32[s, 9] (v0, v1)  @ fc/bias, "odd name"
  r  = relu      f32[s, 9] (v2)
  results r
}
)";
  expected.replace(expected.find("SHA"), 3, blobs_of(graph).begin()->first);
  EXPECT_EQ(print(graph), expected);
  EXPECT_EQ(print(graph, Scopes::hidden).find('@'), std::string::npos);
}

TEST(Text, StructureHasNoNameAndNoValuesOfParameters) {
  const auto hash = [](const std::string& name, const std::string& values,
                       const std::string& constant, const std::string& scope = "fc") {
    return structure_hash(
        parse_graph("graph " + name + " {\n  x = input f32[2]\n  w = parameter f32[2] " + values +
                    "\n  c = constant f32[2] " + constant + "\n  y = add f32[2] (x, w)  @ " +
                    scope + "\n  z = mul f32[2] (y, c)\n  results z\n}"));
  };
  const std::string usual = hash("g", "{1, 2}", "{3, 4}");
  EXPECT_EQ(hash("other", "{5, 6}", "{3, 4}"), usual);
  EXPECT_NE(hash("g", "{1, 2}", "{3, 5}"), usual);
  EXPECT_NE(hash("g", "{1, 2}", "{3, 4}", "other"), usual);
  EXPECT_NE(hash("g", "{1, 2}", "{0, 4}"), hash("g", "{1, 2}", "{-0, 4}"));
}

TEST(Text, LargeConstantsLiveInTheSideFile) {
  const Graph graph = parse_graph("graph g {\n  w = parameter f32[20] random 3\n  results w\n}");
  const Blobs blobs = blobs_of(graph);
  ASSERT_EQ(blobs.size(), 1u);
  const std::string path = testing::TempDir() + "mintor_blobs_test.bin";
  write_blobs(blobs, path);
  const Blobs read = read_blobs(path);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_TRUE(same_bits(read.begin()->second, blobs.begin()->second));
  EXPECT_EQ(print(parse_graph(print(graph), read)), print(graph));

  FILE* file = std::fopen(path.c_str(), "r+b");
  std::fseek(file, -2, SEEK_END);
  std::fputc(0x55, file);
  std::fclose(file);
  EXPECT_NE(compile_error([&] { read_blobs(path); }).find("do not have that hash"),
            std::string::npos);
  std::remove(path.c_str());
  EXPECT_NE(compile_error([&] {
              parse_graph(print(graph));
            }).find("the side file has no bytes for SHA-256 " + blobs.begin()->first),
            std::string::npos);
}

TEST(Text, Errors) {
  auto error = [](const std::string& text) { return compile_error([&] { parse_graph(text); }); };
  EXPECT_EQ(
      error(""),
      "error: graph text: expected 'graph', found the end of the text\n  at line 1, column 1");
  EXPECT_EQ(error("graph g {\n  y = rellu f32[] (x)\n}"),
            "error: graph text: there is no kind of node or scalar function 'rellu'\n  at line 2, "
            "column 13\n"
            "  help: did you mean 'relu'?");
  EXPECT_EQ(error("graph g {\n  x = input f32[2]\n  y = relu f32[2] (z)\n}"),
            "error: graph text: unknown value 'z'\n  at line 3, column 20\n  help: a value is "
            "defined before it is used");
  EXPECT_EQ(error("graph g {\n  x = input f32[2]\n  y = relu f32[3] (x)\n}"),
            "error: relu: result 0 is f32[2], the text says f32[3]\n  at line 3");
  EXPECT_EQ(error("graph g {\n  x = input f33[2]\n}"),
            "error: graph text: unknown dtype 'f33'\n  at line 2, column 16");
  EXPECT_EQ(error("graph g {\n  x = input f32[n]\n}"),
            "error: graph text: the symbol 'n' is not declared\n  at line 2, column 18\n"
            "  help: declare it in the header: graph g (n: 1..) {");
  EXPECT_EQ(error("graph g {\n  x = input f32[2]\n  x = input f32[2]\n}"),
            "error: graph text: the value 'x' is defined twice\n  at line 3, column 5");
  EXPECT_EQ(error("graph g {\n  x = input \"open\n}"),
            "error: graph text: a string is not closed\n  at line 2, column 13");
  EXPECT_EQ(error("graph g {\n  c = constant i8[] 300\n}"),
            "error: graph text: 300 does not fit in i8\n  at line 3, column 1");
  EXPECT_EQ(error("graph g {\n  w = parameter f32[20] sha256 \"00\"\n}"),
            "error: graph text: the side file has no bytes for SHA-256 00\n  at line 3, column 1");
  EXPECT_EQ(error("graph g {\n}\nmore"),
            "error: graph text: text follows the end of the graph\n  at line 3, column 1");
  EXPECT_EQ(error("graph g {\n  x = input f32[2 // 0]\n}"),
            "error: graph text: a divisor must be positive\n  at line 2, column 23");
  EXPECT_NE(error("graph g {\n  x = input f32[" + std::string(1000, '(') + "]\n}")
                .find("nested too deeply"),
            std::string::npos);
  for (const char* value : {"fill 1", "random 1", "{1}"}) {
    const std::string big =
        "graph g {\n  w = parameter f32[1000000, 1000000] " + std::string(value);
    EXPECT_NE(error(big + "\n}").find("too many elements to stand in text"), std::string::npos);
  }
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += "graph g { y = call f32[] () {\n";
  EXPECT_NE(error(nested).find("regions are nested too deeply"), std::string::npos);
}

TEST(Text, ScalarsReadBackToTheSameBits) {
  std::string text = "graph g {\n  c = constant f32[12] {";
  text +=
      "0.1, -0, 1e-45, 3.4028235e+38, 16777216, 0x1.8p-3, -inf, nan, 1, 0.33333334, 1e10, "
      "1.1754944e-38}\n  results c\n}";
  const Graph graph = parse_graph(text);
  EXPECT_EQ(print(graph),
            "graph g {\n  c = constant f32[12]  {0.1, -0, 1e-45, 3.4028235e+38, 16777216, 0.1875, "
            "-inf, nan, 1, 0.33333334, "
            "1e+10, 1.1754944e-38}\n  results c\n}\n");
  const Graph again = parse_graph(print(graph));
  EXPECT_TRUE(same_bits(graph.nodes()[0]->as<ConstantAttr>().value,
                        again.nodes()[0]->as<ConstantAttr>().value));
}

}  // namespace
}  // namespace mintor
