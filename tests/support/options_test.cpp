// SPDX-License-Identifier: Apache-2.0
// The options table: text to field and back for every row, and the texts of its errors.
// Takes option_table(); a new row is covered without an edit here. Keeps true: names, flags and
// fields agree; an unknown name gets the nearest one.
#include "compiler/support/options.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "compiler/support/context.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

std::string error_of(std::string_view name, std::string_view value) {
  Options options;
  try {
    set_option(options, name, value);
  } catch (const CompileError& error) {
    return error.what();
  }
  return "";
}

// A legal value of the option that is not its default.
std::string other_value(const OptionInfo& info) {
  if (!info.choices.empty()) {
    const size_t bar = info.choices.rfind('|');
    return std::string(info.choices.substr(bar == std::string_view::npos ? 0 : bar + 1));
  }
  switch (info.kind) {
    case OptionKind::Text: return "some text";
    case OptionKind::List: return "item";
    case OptionKind::Integer: return "3";
    case OptionKind::Flag: return "true";
  }
  return "";
}

TEST(Options, EveryRowReadsBack) {
  std::set<std::string_view> flags;
  for (const OptionInfo& info : option_table()) {
    EXPECT_TRUE(info.flag.starts_with("--")) << info.name;
    EXPECT_TRUE(flags.insert(info.flag).second) << info.flag << " twice";
    EXPECT_FALSE(info.help.empty()) << info.name;
    Options options;
    const std::string before = option_text(options, info.name);
    set_option(options, info.name, other_value(info));
    EXPECT_EQ(option_text(options, info.name), other_value(info));
    EXPECT_NE(option_text(options, info.name), before);
    EXPECT_EQ(changed_options(options),
              std::string(info.name) + " = " + other_value(info) + "\n");
  }
}

TEST(Options, ListsAppend) {
  Options options;
  set_option(options, "shapes", "x=1x3");
  set_option(options, "shapes", "y=scalar");
  EXPECT_EQ(options.shapes, (std::vector<std::string>{"x=1x3", "y=scalar"}));
}

TEST(Options, ErrorsNameTheValueAndTheChoices) {
  EXPECT_EQ(error_of("numerics", "fast"),
            "error: options: --numerics is 'fast'\n  help: give one of: default, strict, "
            "native-bf16");
  EXPECT_EQ(error_of("threads", "two"),
            "error: options: --threads is 'two'\n  help: give a whole number, 0 or larger");
  EXPECT_EQ(error_of("threads", "-1"),
            "error: options: --threads is '-1'\n  help: give a whole number, 0 or larger");
  EXPECT_EQ(error_of("explain", "yes"),
            "error: options: --explain is 'yes'\n  help: give true or false");
  EXPECT_EQ(error_of("thread", "2"),
            "error: options: there is no option 'thread'\n  help: did you mean 'threads'?");
}

TEST(Nearest, TakesLikelyMisspellingsOnly) {
  constexpr std::array<std::string_view, 3> kNames = {"split", "reorder", "vectorize"};
  EXPECT_EQ(nearest("splt", kNames), "split");
  EXPECT_EQ(nearest("vectorise", kNames), "vectorize");
  EXPECT_EQ(nearest("tile", kNames), "");
  EXPECT_EQ(did_you_mean("tile", kNames), "known: split, reorder, vectorize");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(Context, ExplainsOnlyWhenAsked) {
  CompileContext quiet;
  quiet.explain("why");
  EXPECT_TRUE(quiet.explanations.empty());
  CompileContext asked;
  asked.options.explain = true;
  asked.explain("why");
  EXPECT_EQ(asked.explanations, std::vector<std::string>{"why"});
}

}  // namespace
}  // namespace mintor
