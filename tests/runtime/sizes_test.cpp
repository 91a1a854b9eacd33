// SPDX-License-Identifier: Apache-2.0
// Sizes that cannot be: refused with their names before anything is computed from them, by `run`
// and by what reserves memory. Takes program toy with other text in it; gives statuses and
// messages. Keeps true: after a refusal the context still works.
#include <gtest/gtest.h>

#include "runtime/include/mintor_size.h"
#include "tests/runtime/toy_library.h"

namespace mintor::toy {
namespace {

using MT_PACKAGE::Size;

constexpr int64_t kMost = INT64_MAX;

TEST(size, knows_when_it_left_64_bits) {
  EXPECT_EQ((3 * Size(5) - 20).value, -5);
  EXPECT_FALSE((3 * Size(5) - 20).good());
  EXPECT_TRUE((3 * Size(5) - 20).fits);
  EXPECT_FALSE((Size(kMost) + 1).fits);
  EXPECT_FALSE((Size(kMost) * 2).fits);
  EXPECT_FALSE((-Size(INT64_MIN)).fits);
  EXPECT_FALSE((0 * (Size(kMost) + 1)).good());      // once lost, lost
  EXPECT_FALSE((mt_imin(Size(kMost) + 1, 3)).good());
  EXPECT_EQ(mt_floordiv(Size(-7), 2).value, -4);
  EXPECT_EQ(mt_mod(Size(-7), 4).value, 1);
  EXPECT_EQ((Size(7) / 2).value, 3);
  EXPECT_EQ((Size(7) % 4).value, 3);
  EXPECT_EQ(mt_imax(Size(7), 9).value, 9);
  EXPECT_FALSE((Size(7) / 0).good());
}

// y has batch - 2 rows.
const ModelApi& shrinking() {
  static const ModelApi functions = library_api(
      built({{"if (const Size s = 80 * batch; !s.good()) return fault(s, \"y\", -1);",
              "if (const Size s = batch - 2; !s.good()) return fault(s, \"y\", 0);"}}) +
          "/build/libtoy.so",
      "toy");
  return functions;
}

TEST(sizes, a_negative_one_is_a_status) {
  Opened opened(default_options(), default_context(), shrinking());
  Call one(1), two(2);
  expect_run_failure(opened, one, MT_SHAPE_MISMATCH,
                     "dimension 0 of 'y' would be -1 with batch = 1, rows = 2");
  EXPECT_EQ(two.run(opened), MT_OK) << opened.error();
  EXPECT_EQ(two.run(opened), MT_OK);       // known by now
  one.outputs[0].data = nullptr;
  expect_run_failure(opened, one, MT_SHAPE_MISMATCH,
                     "dimension 0 of 'y' would be -1 with batch = 1, rows = 2");
}

TEST(sizes, a_reservation_for_a_negative_one_is_a_status) {
  mt_context_options options = default_context();
  options.max_symbols[0] = 1;
  expect_failure(Opened(default_options(), options, shrinking()), MT_SHAPE_MISMATCH,
                 "dimension 0 of 'y' would be -1 with batch = 1, rows = 2");
}

TEST(sizes, beyond_64_bits_are_a_status) {
  const std::string folder = built({{"{\"batch\", 0, 64,", "{\"batch\", 0, -1,"},
                                    {"{\"rows\", 0, 128,", "{\"rows\", 0, -1,"}});
  const ModelApi unbounded = library_api(folder + "/build/libtoy.so", "toy");
  Opened opened(default_options(), default_context(), unbounded);
  mt_context_options options = default_context();
  options.max_symbols[0] = kMost / 16;
  size_t bytes = 7;
  EXPECT_EQ(unbounded.context_bytes(opened.model, &options, &bytes), MT_OUT_OF_MEMORY);
  EXPECT_EQ(opened.error(), "'y' would have more than 2^63 bytes with batch = 576460752303423487, "
                            "rows = 1152921504606846974");
  EXPECT_EQ(bytes, 7u);
  options.max_symbols[0] = kMost / 100;      // each fits, their sum does not
  EXPECT_EQ(unbounded.context_bytes(opened.model, &options, &bytes), MT_OUT_OF_MEMORY);
  EXPECT_EQ(opened.error(),
            "the working memory would have more than 2^63 bytes with batch = 92233720368547758, "
            "rows = 184467440737095516");
  options.max_symbols[0] = -1;
  expect_failure(Opened(default_options(), options, unbounded), MT_SHAPE_MISMATCH,
                 "max_symbols[0] ('batch') is -1, expected 0..");
}

// batch has to be 4 or 1, rows (computed: twice that) the double of what it is.
std::string conditional(const std::string& sides) {
  return built({{"// Symbols that no input binds.",
                 "static SizeCondition check_conditions(const int64_t* symbols) {\n"
                 "  if (symbols[0] == 4 || symbols[0] == 1) return {};\n  return {" +
                     sides + "};\n}\n\n// Symbols that no input binds."},
                {"entry_forward::check_sizes, nullptr,",
                 "entry_forward::check_sizes, entry_forward::check_conditions,"}});
}

TEST(sizes, that_break_a_condition_are_a_status) {
  const ModelApi number = library_api(
      conditional("\"batch\", symbols[0], nullptr, 4, \" or 1\", \"node '/Add' (Add)\"") +
          "/build/libtoy.so",
      "toy");
  Opened opened(default_options(), default_context(), number);
  Call four(4), three(3), one(1);
  expect_run_failure(opened, three, MT_SHAPE_MISMATCH,
                     "batch is 3, must be 4 or 1 (batch = 3, rows = 6): node '/Add' (Add)");
  EXPECT_EQ(four.run(opened), MT_OK) << opened.error();
  EXPECT_EQ(one.run(opened), MT_OK) << opened.error();
  // Memory is reserved for sizes that are not run: the largest of each symbol.
  mt_context_options options = default_context();
  options.max_symbols[0] = 3;
  EXPECT_EQ(Opened(default_options(), options, number).status, MT_OK);
  const ModelApi sizes = library_api(
      conditional("\"batch\", symbols[0], \"rows\", symbols[1], \"\", nullptr") +
          "/build/libtoy.so",
      "toy");
  Opened other(default_options(), default_context(), sizes);
  expect_run_failure(other, three, MT_SHAPE_MISMATCH,
                     "batch is 3 and rows is 6, they must be equal (batch = 3, rows = 6)");
  const ModelApi never = library_api(
      conditional("nullptr, 0, nullptr, 1, \"\", \"node '/Add' (Add): it cannot be\"") +
          "/build/libtoy.so",
      "toy");
  Opened third(default_options(), default_context(), never);
  expect_run_failure(third, three, MT_SHAPE_MISMATCH, "node '/Add' (Add): it cannot be");
}

TEST(sizes, keep_the_declared_divisor) {
  const std::string folder = built({{"{\"batch\", 0, 64, 1, 4}", "{\"batch\", 0, 64, 8, 16}"}});
  const ModelApi eights = library_api(folder + "/build/libtoy.so", "toy");
  mt_context_options options = default_context();
  options.max_symbols[0] = 15;      // no size above 8 is legal up to there
  Opened opened(default_options(), options, eights);
  size_t bytes = 0, at_eight = 0;
  ASSERT_EQ(eights.context_bytes(opened.model, &options, &bytes), MT_OK);
  options.max_symbols[0] = 8;
  ASSERT_EQ(eights.context_bytes(opened.model, &options, &at_eight), MT_OK);
  EXPECT_EQ(bytes, at_eight);
  Call eight(8), twelve(12);
  EXPECT_EQ(eight.run(opened), MT_OK) << opened.error();
  expect_run_failure(opened, twelve, MT_SHAPE_MISMATCH,
                     "input 'x': dimension 0 ('batch') is 12, expected a multiple of 8 in 0..64");
  EXPECT_EQ(eights.info(opened.model)->symbols[0].divisor, 8);
}

// Without max_symbols a context has what the hints need, and grows.
TEST(sizes, a_context_is_made_for_the_hints) {
  Opened opened;
  EXPECT_EQ(api().info(opened.model)->symbols[0].hint, 4);
  size_t bytes = 0;
  ASSERT_EQ(api().context_bytes(opened.model, nullptr, &bytes), MT_OK);
  EXPECT_EQ(bytes, 320u + 320 + 64);
  Call most(64);
  EXPECT_EQ(most.run(opened), MT_OK);
  EXPECT_TRUE(most.right());
}

}  // namespace
}  // namespace mintor::toy
