// SPDX-License-Identifier: Apache-2.0
// Strings by the reference evaluator: empty ones, NULs inside, widths and counts that are symbols.
// Takes short lists; gives what was written by hand. (tests/onnx/test_strings.py has Python's str
// and re as oracles.)
#include "compiler/ops/strings.h"

#include "tests/ops/ops_helper.h"

namespace mintor::test {
namespace {

using Strings = std::vector<std::string>;

// Of a symbolic count and width.
Value strings(Op& op, const Strings& items, const std::string& name) {
  return op.in(ops::string_rows(items), {op.symbol(name), op.symbol(name + "_bytes")});
}

Strings list(Op& op, Value y) {
  const Tensor t = op.run(y);
  const auto width = static_cast<size_t>(t.shape.back());
  Strings out;
  for (size_t at = 0; width > 0 && at < static_cast<size_t>(t.count()); at += width) {
    std::string one(reinterpret_cast<const char*>(t.data) + at, width);
    while (one.ends_with('\0')) one.pop_back();
    out.push_back(one);
  }
  return out;
}

TEST(strings, concat_and_equal) {
  Op op;
  const Value x = strings(op, {"ab", "", std::string("a\0b", 3)}, "n"),
              y = op.in(ops::string_rows(Strings{"", "cde", "ab"}), {Index::var("n"), 3});
  EXPECT_EQ(list(op, ops::string_concat(op.b, x, y)),
            (Strings{"ab", "cde", std::string("a\0bab", 5)}));
  EXPECT_EQ(op.list(ops::string_equal(op.b, x, op.b.constant(ops::string_rows(Strings{"ab"})))),
            (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(op.list(ops::string_lengths(op.b, x)), (std::vector<double>{2, 0, 3}));
}

TEST(strings, find) {
  Op op;
  const Value keys = op.b.constant(ops::string_rows(Strings{"", "long key", "ab", "ab"}));
  const Value x = strings(op, {"ab", "", "c"}, "n");
  EXPECT_EQ(op.list(ops::find_string(op.b, x, keys)), (std::vector<double>{2, 0, 4}));
}

ops::BindSize bind_in(Op& op, const std::string& name) {
  return [&op, name](Value size) {
    op.b.bind(size, name, 0, -1);
    return Index::var(name);
  };
}

TEST(strings, split) {
  Op op;
  const Value x = strings(op, {"a--b---", "", "--"}, "n");
  const ops::StringSplit twos = ops::string_split(op.b, x, "--", INT64_MAX, bind_in(op, "parts"));
  EXPECT_EQ(list(op, twos.parts), (Strings{"a", "b", "-", "", "", "", "", "", ""}));
  EXPECT_EQ(op.list(twos.counts), (std::vector<double>{3, 1, 2}));
}

TEST(strings, split_by_white_space) {
  Op op;
  const Value x = strings(op, {" a  b c ", "\xE3\x80\x80", "d"}, "n");
  const ops::StringSplit words = ops::string_split(op.b, x, "", 1, bind_in(op, "parts"));
  EXPECT_EQ(list(op, words.parts), (Strings{"a", "b c ", "", "", "d", ""}));
  EXPECT_EQ(op.list(words.counts), (std::vector<double>{2, 0, 1}));
}

TEST(strings, cases) {
  Op op;
  const Value x = strings(op, {"aZ\xC3\xA4\xC3", "\xE1\xBA\xA1\xC3\x9F\xFF", ""}, "n");
  EXPECT_EQ(list(op, ops::string_case(op.b, x, ops::Case::upper)),
            (Strings{"AZ\xC3\x84\xC3", "\xE1\xBA\xA0\xC3\x9F\xFF", ""}));
  EXPECT_EQ(list(op, ops::string_case(op.b, x, ops::Case::lower)),
            (Strings{"az\xC3\xA4\xC3", "\xE1\xBA\xA1\xC3\x9F\xFF", ""}));
}

TEST(strings, patterns) {
  Op op;
  const Value x = strings(op,
                          {"a1", "a",
                           "\xC3\xA4"
                           "12",
                           "", "1a"},
                          "n");
  const PatternTable table = compile_pattern("(a|\xC3\xA4)\\d*");
  EXPECT_EQ(op.list(ops::full_match(op.b, x, table)), (std::vector<double>{1, 1, 1, 0, 0}));
}

TEST(strings, other_operands_are_refused) {
  Op op;
  const Value x = op.f32({2, 3});
  EXPECT_NE(error_of([&] {
              ops::string_lengths(op.b, x);
            }).find("strings must be u8[.., width], not f32[2, 3]"),
            std::string::npos);
}

}  // namespace
}  // namespace mintor::test
