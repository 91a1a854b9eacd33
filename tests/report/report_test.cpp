// SPDX-License-Identifier: Apache-2.0
// The data of a report and the page around it. Takes a Program as text, its source made up; checks
// what the page's script is given. What a browser makes of it is tests/cli/test_report.py.
#include "compiler/report/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compiler/support/error.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

// y = relu(x + x) once, then as often as the loop says; the name would end a script.
constexpr std::string_view kText = R"(program "toy </script><b>" {
  numerics "00ff"
  level "plain" "none" vector 0 registers 0 l1 32768 l2 1048576 features [] flags []
  level "wide" "none" vector 32 registers 16 l1 32768 l2 1048576 features [] flags []
  symbol batch 0..8 % 1 ~ 4
  counters ["step"]
  buffer "x" = input 0 f32[batch]
  buffer "a" = arena f32[batch] at 0
  buffer "b" = arena f32[batch] at 64
  buffer "y" = output 0 f32[batch]
  sizes weights 0 packed [0]
  report "forward: arena 128 B"
  entry prepare () -> () arena [0] {
  }
  entry forward ("x") -> ("y") arena [128] {
    twice("x", "a"; batch) tasks [1, 1] work [batch] @ "block/add", "block/relu"
    loop step in 3 {
      twice("a", "b"; batch) tasks [1, 1] work [batch] @ "block/add"
    }
    product("b", "y"; batch) tasks [1, 1] work [2*batch]
  }
  kernel twice {
kernel twice (x: f32[batch], y: out f32[batch]; batch: 0..8) {
  because "relu joins"
  for i in 0..batch {
    y[i] = relu(add(x[i], x[i]))
  }
}
---
kernel twice (x: f32[batch], y: out f32[batch]; batch: 0..8) {
  because "relu joins"
  because "vectors of 8"
  for i in 0..batch {
    y[i] = relu(add(x[i], x[i]))
  }
}
---
  }
  kernel product {
kernel product (x: f32[batch], y: out f32[batch]; batch: 0..8) {
  for i in 0..batch {
    y[i] = fma(x[i], x[i], x[i])
  }
}
---
kernel product (x: f32[batch], y: out f32[batch]; batch: 0..8) {
  for i in 0..batch {
    y[i] = fma(x[i], x[i], x[i])
  }
}
---
  }
}
)";

ProgramSource source() {
  ProgramSource made;
  made.kernels = {{"plain twice", "plain product"}, {"wide twice", "wide product"}};
  return made;
}

Json data() { return report_data(parse_program(kText, {}), source()); }

TEST(Report, StepsKeepTheirTreeAndSayWhatTheyTake) {
  const Json steps = data()["entries"][0]["steps"];
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0]["scopes"], Json::array({"block/add", "block/relu"}));
  EXPECT_EQ(steps[0]["flops"], 4);
  EXPECT_EQ(steps[0]["bytes"], 128);  // two arrays of four floats, in lines of 64 bytes
  EXPECT_EQ(steps[1]["times"], 3);
  EXPECT_EQ(steps[1]["steps"][0]["at"], 2);  // the loop's begin is a moment
  EXPECT_EQ(steps[2]["flops"], 16);          // fma counts twice
}

TEST(Report, ALoopWithAConditionRunsAsOftenAsTheRunDecides) {
  std::string text(kText);
  text.insert(text.find("in 3 {") + 5, "while \"go\" ");
  text.insert(text.find("  sizes"), "  buffer \"go\" = input 1 bool[]\n");
  text.insert(text.find(") -> (\"y\")"), ", \"go\"");
  const Json loop = report_data(parse_program(text, {}), source())["entries"][0]["steps"][1];
  EXPECT_TRUE(loop["times"].is_null());
  EXPECT_EQ(loop["trip"], "3");
}

TEST(Report, BuffersLiveFromTheFirstTouchToTheLast) {
  const Json arena = data()["entries"][0]["arena"];
  EXPECT_EQ(arena["bytes"], 128);
  ASSERT_EQ(arena["lives"].size(), 2u);
  EXPECT_EQ(arena["lives"][0]["first"], 0);
  EXPECT_EQ(arena["lives"][0]["last"], 3);  // through the loop that reads it
  EXPECT_EQ(arena["lives"][1]["offset"], 64);
  EXPECT_EQ(arena["lives"][1]["last"], 4);
}

TEST(Report, WhatAllLevelsSayIsSaidOnce) {
  const Json kernel = data()["kernels"][0];
  EXPECT_EQ(kernel["because"], Json::array({"relu joins"}));
  EXPECT_TRUE(kernel["levels"][0]["because"].empty());
  EXPECT_EQ(kernel["levels"][1]["because"], Json::array({"vectors of 8"}));
  EXPECT_EQ(kernel["levels"][1]["source"], "wide twice");
}

TEST(Report, NamesCannotEndTheScriptThatTheyAreIn) {
  const Program program = parse_program(kText, {});
  const std::string page = report_page(program, source());
  EXPECT_EQ(page.find("toy </script>"), std::string::npos);
  EXPECT_NE(page.find("toy \\u003c/script>\\u003cb>"), std::string::npos);
  EXPECT_EQ(page, report_page(program, source()));
}

TEST(Report, MeasurementsTakeTheirPlaceAndCanBeTakenAgain) {
  const std::string page = report_page(parse_program(kText, {}), source());
  const Json measured = {{"median_ms", 1.5}, {"kernels", Json::array()}};
  const std::string timed = with_measurements(page, measured);
  EXPECT_NE(timed.find("id=\"measured\">{\"median_ms\":1.5,"), std::string::npos);
  EXPECT_EQ(with_measurements(timed, nullptr), page);
  try {
    with_measurements("<html></html>", measured);
    FAIL();
  } catch (const CompileError& error) {
    EXPECT_EQ(error.problem(), "the page is no report of Mintor");
  }
}

}  // namespace
}  // namespace mintor
