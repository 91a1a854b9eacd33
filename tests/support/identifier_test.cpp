// SPDX-License-Identifier: Apache-2.0
// Names made of any text. Takes texts that models hold; fails where a name is no identifier, or
// where naming a name changes it.
#include "compiler/support/identifier.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mintor
