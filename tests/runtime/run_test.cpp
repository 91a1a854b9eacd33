// SPDX-License-Identifier: Apache-2.0
// `run` at its border: what it refuses, where it writes, whose memory it works in.
// Keeps true: every message is checked by its text; after a refusal nothing was written.
#include <gtest/gtest.h>

#include "tests/runtime/toy_library.h"

namespace mintor::toy {
namespace {

TEST(run, checks_inputs) {
  Opened opened;
  Call dtype(3), rank(3), fixed(3), least(3), most(3), agree(3), bytes(3), null(3), misaligned(3);
  dtype.inputs[1].dtype = MT_F64;
  expect_run_failure(opened, dtype, MT_INVALID_ARGUMENT,
                     "input 's': dtype is f64 (0), expected f32");
  dtype.inputs[1].dtype = 77;
  expect_run_failure(opened, dtype, MT_INVALID_ARGUMENT,
                     "input 's': dtype is ? (77), expected f32");
  rank.inputs[0].rank = 9;
  expect_run_failure(opened, rank, MT_INVALID_ARGUMENT, "input 'x': rank is 9, expected 2");
  fixed.inputs[0].shape[1] = 23;
  expect_run_failure(opened, fixed, MT_SHAPE_MISMATCH,
                     "input 'x': dimension 1 is 23, expected 24");
  least.inputs[0].shape[0] = -1;
  expect_run_failure(opened, least, MT_SHAPE_MISMATCH,
                     "input 'x': dimension 0 ('batch') is -1, expected 0..64");
  most.inputs[0].shape[0] = 65;
  expect_run_failure(opened, most, MT_SHAPE_MISMATCH,
                     "input 'x': dimension 0 ('batch') is 65, expected 0..64");
  agree.inputs[1].shape[0] = 2;
  expect_run_failure(opened, agree, MT_SHAPE_MISMATCH,
                     "input 's': dimension 0 ('batch') is 2, but input 'x' has 3");
  bytes.inputs[0].bytes -= 1;
  expect_run_failure(opened, bytes, MT_BUFFER_TOO_SMALL,
                     "input 'x': 287 bytes, expected at least 288");
  null.inputs[0].data = nullptr;
  expect_run_failure(opened, null, MT_INVALID_ARGUMENT, "input 'x': data is null");
  misaligned.inputs[0].data = static_cast<char*>(misaligned.inputs[0].data) + 1;
  expect_run_failure(opened, misaligned, MT_INVALID_ARGUMENT,
                     "input 'x': data does not lie on a boundary of its dtype f32");
  EXPECT_EQ(api().run(nullptr, fixed.inputs, fixed.outputs), MT_INVALID_ARGUMENT);
  EXPECT_EQ(api().run(opened.context, nullptr, fixed.outputs), MT_INVALID_ARGUMENT);
  EXPECT_EQ(api().run(opened.context, agree.inputs, nullptr), MT_SHAPE_MISMATCH);
  Call good(3);
  EXPECT_EQ(api().run(opened.context, good.inputs, nullptr), MT_INVALID_ARGUMENT);
  EXPECT_EQ(good.run(opened), MT_OK);   // a context outlives failures
  EXPECT_TRUE(good.right());
}

TEST(run, a_shape_of_absurd_size_is_no_overflow) {
  const std::string folder = built({{"{\"batch\", 0, 64,", "{\"batch\", 0, -1,"}});
  const ModelApi unbounded = library_api(folder + "/build/libtoy.so", "toy");
  Opened opened(default_options(), default_context(), unbounded);
  Call call(1);
  call.inputs[0].shape[0] = call.inputs[1].shape[0] = INT64_MAX / 8;
  expect_run_failure(opened, call, MT_SHAPE_MISMATCH,
                     "input 'x': its shape holds more than 2^64 bytes");
  call.inputs[0].shape[0] = call.inputs[1].shape[0] = int64_t(1) << 40;
  EXPECT_EQ(call.run(opened), MT_BUFFER_TOO_SMALL);
}

TEST(run, derived_symbols_keep_their_range) {
  const std::string folder = built({{"{\"rows\", 0, 128,", "{\"rows\", 0, 10,"}});
  const ModelApi narrow = library_api(folder + "/build/libtoy.so", "toy");
  Opened opened(default_options(), default_context(), narrow);
  Call five(5), six(6);
  EXPECT_EQ(five.run(opened), MT_OK);
  expect_run_failure(opened, six, MT_SHAPE_MISMATCH, "symbol 'rows' becomes 12, expected 0..10");
}

TEST(run, writes_into_the_callers_outputs) {
  Opened opened;
  Call call(6);
  alignas(64) float y[6 * 20 + 1], total[12];
  y[120] = 42;
  call.outputs[0] = {y, 479, 0, 0, {}};
  call.outputs[1] = {total, sizeof(total), 0, 0, {}};
  EXPECT_EQ(call.run(opened), MT_BUFFER_TOO_SMALL);
  EXPECT_EQ(opened.error(), "output 'y': 479 bytes, expected at least 480");
  call.outputs[0].bytes = sizeof(y);
  EXPECT_EQ(call.run(opened), MT_OK);
  EXPECT_TRUE(call.right());
  EXPECT_EQ(call.outputs[0].data, y);
  EXPECT_EQ(call.outputs[0].dtype, MT_F32);
  EXPECT_EQ(call.outputs[0].rank, 2);
  EXPECT_EQ(call.outputs[0].shape[0], 6);
  EXPECT_EQ(y[120], 42);
}

// As they came back: their data are in the context's memory, which another run works in or has
// given back for a larger one.
TEST(run, outputs_may_be_passed_again) {
  Opened opened;
  Call call(4);
  for (const int64_t batch : {4, 40, 1, 0, 64, 0, 3}) {
    Call next(batch);
    std::copy(std::begin(call.outputs), std::end(call.outputs), next.outputs);
    EXPECT_EQ(next.run(opened), MT_OK) << opened.error();
    EXPECT_TRUE(next.right()) << batch;
    std::copy(std::begin(next.outputs), std::end(next.outputs), call.outputs);
  }
}

TEST(run, refuses_inputs_that_it_would_write_over) {
  Opened opened;
  Call call(6), next(6);
  EXPECT_EQ(call.run(opened), MT_OK);
  next.inputs[1].data = call.outputs[0].data;
  next.outputs[0] = {};
  expect_run_failure(opened, next, MT_INVALID_ARGUMENT,
                     "input 's': data lies in the memory of this context; copy it first");
}

TEST(run, sizes_of_zero_and_one_are_legal) {
  Opened opened;
  for (const int64_t batch : {0, 1, 64, 0}) {
    Call call(batch);
    EXPECT_EQ(call.run(opened), MT_OK) << opened.error();
    EXPECT_TRUE(call.right()) << batch;
  }
}

TEST(context, lives_in_the_callers_memory) {
  Opened model;
  mt_context_options options = default_context();
  options.max_symbols[0] = 10;
  size_t bytes = 0;
  ASSERT_EQ(api().context_bytes(model.model, &options, &bytes), MT_OK);
  EXPECT_EQ(bytes, 832u + 832 + 128);   // hidden, y, total, each rounded up to 64
  std::vector<char> memory(bytes + 128, 7);
  options.memory = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64);
  options.memory_bytes = bytes - 1;
  void* context = nullptr;
  EXPECT_EQ(api().context_create(model.model, &options, &context), MT_BUFFER_TOO_SMALL);
  EXPECT_STREQ(api().last_error(),
               "memory of the context: 1791 bytes, expected at least 1792");
  options.memory_bytes = bytes;
  Opened opened(default_options(), options);
  ASSERT_EQ(opened.status, MT_OK) << opened.error();
  char* const end = static_cast<char*>(options.memory) + bytes;
  Call ten(10), eleven(11);
  EXPECT_EQ(ten.run(opened), MT_OK);
  EXPECT_TRUE(ten.right());
  EXPECT_GE(ten.outputs[0].data, options.memory);
  EXPECT_LT(ten.outputs[0].data, end);
  EXPECT_EQ(*end, 7);
  expect_run_failure(opened, eleven, MT_BUFFER_TOO_SMALL,
                     "these sizes need 1920 bytes of working memory, the context was given 1792");
  options.memory = static_cast<char*>(options.memory) + 1;
  expect_failure(Opened(default_options(), options), MT_INVALID_ARGUMENT,
                 "memory of a context has to lie on a 64-byte boundary");
}

// Of two entries: working memory for the larger, sizes and outputs of its own for each.
TEST(entries, share_the_memory_of_a_context) {
  Opened model;
  mt_context_options options = default_context();
  options.max_symbols[0] = 3;
  options.max_symbols[2] = 64;
  size_t bytes = 0;
  ASSERT_EQ(api().context_bytes(model.model, &options, &bytes), MT_OK);
  EXPECT_EQ(bytes, 64u * 80);  // of `scale`; `forward` needs 576
  std::vector<char> memory(bytes + 64);
  options.memory = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64);
  options.memory_bytes = bytes;
  Opened opened(default_options(), options);
  ASSERT_EQ(opened.status, MT_OK) << opened.error();
  std::vector<float> x(65 * 20, 2), s(65, 3);
  mt_tensor inputs[2] = {{x.data(), x.size() * 4, MT_F32, 2, {64, 20}},
                         {s.data(), s.size() * 4, MT_F32, 1, {64}}};
  mt_tensor output{};
  Call three(3);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(three.run(opened), MT_OK) << opened.error();
    EXPECT_TRUE(three.right());
    EXPECT_EQ(api().run_entry(opened.context, 1, inputs, &output), MT_OK) << opened.error();
    EXPECT_EQ(output.shape[0], 64);
    EXPECT_EQ(static_cast<const float*>(output.data)[64 * 20 - 1], 6);
  }
  inputs[0].shape[0] = inputs[1].shape[0] = 65;
  EXPECT_EQ(api().run_entry(opened.context, 1, inputs, &output), MT_BUFFER_TOO_SMALL);
  EXPECT_EQ(api().run_entry(opened.context, 2, inputs, &output), MT_INVALID_ARGUMENT);
  EXPECT_STREQ(api().last_error(), "run: entry 2, there are 2");
}

TEST(context, needs_every_byte) {
  alignas(64) static char memory[1344];
  mt_context_options options = default_context();
  options.max_symbols[0] = 7;
  options.memory = memory;
  options.memory_bytes = 1343;
  Opened opened(default_options(), options);
  Call eight(8);
  expect_run_failure(opened, eight, MT_BUFFER_TOO_SMALL,
                     "these sizes need 1344 bytes of working memory, the context was given 1343");
}

TEST(context, refuses_reservations_out_of_range) {
  mt_context_options options = default_context();
  options.max_symbols[0] = 65;
  expect_failure(Opened(default_options(), options), MT_SHAPE_MISMATCH,
                 "max_symbols[0] ('batch') is 65, expected 0..64");
  options = default_context();
  options.max_symbols[3] = 1;
  expect_failure(Opened(default_options(), options), MT_INVALID_ARGUMENT,
                 "max_symbols[3] is set, but the model has 3 symbols");
}

}  // namespace
}  // namespace mintor::toy
