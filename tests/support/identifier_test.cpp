// SPDX-License-Identifier: Apache-2.0
// Names made of any text, and names that are taken. Takes texts that models hold; fails where a
// name is no identifier, or where naming a name changes it.
#include "compiler/support/identifier.h"

#include <gtest/gtest.h>

#include "compiler/support/reserved_names.h"

namespace mintor {
namespace {

TEST(Identifier, KeepsLengthAndReplacesTheRest) {
  EXPECT_EQ(identifier("layer/1.w_"), "layer_1_w_");
  EXPECT_EQ(identifier("\xc3\xa4 b"), "___b");
  EXPECT_EQ(identifier(""), "");
}

TEST(Identifier, JoinsWords) {
  EXPECT_EQ(joined_words("/layer1//conv.1:0/", "v"), "layer1_conv_1_0");
  EXPECT_EQ(joined_words("3x3", "v"), "v_3x3");
  EXPECT_EQ(joined_words("--", "v"), "v");
  EXPECT_EQ(joined_words(joined_words("__a__3", "v"), "v"), "a_3");
}

TEST(Identifier, UniqueNamesAreTaken) {
  std::set<std::string> taken = {"a"};
  EXPECT_EQ(unique_name("b", taken), "b");
  EXPECT_EQ(unique_name("a", taken), "a_");
  EXPECT_EQ(unique_name("a", taken), "a__");
  EXPECT_EQ(taken, (std::set<std::string>{"a", "a_", "a__", "b"}));
}

// What is taken in one place is free in another.
TEST(ReservedNames, ByPlace) {
  using enum NameIn;
  const auto places = [](std::string_view name) {
    std::string out;
    if (!why_reserved(index_text, name).empty()) out += "i";
    if (!why_reserved(axes, name).empty()) out += "a";
    if (!why_reserved(emitted_cpp, name).empty()) out += "c";
    if (!why_reserved(package, name).empty()) out += "p";
    return out;
  };
  for (const char* name : {"min", "max", "i0", "l12"}) EXPECT_EQ(places(name), "ia") << name;
  for (const char* name : {"n", "k3", "i", "e_x"}) EXPECT_EQ(places(name), "a") << name;
  for (const char* name : {"Args", "class", "xor_eq", "__a", "mt_a", "MT_"})
    EXPECT_EQ(places(name), "c") << name;
  for (const char* name : {"anl", "util", "math", "verify"}) EXPECT_EQ(places(name), "p") << name;
  EXPECT_EQ(places("unix"), "cp");
  for (const char* name : {"", " ", "batch", "i0x", "e_xy", "mt", "class xor"})
    EXPECT_EQ(places(name), "") << name;
}

}  // namespace
}  // namespace mintor
