// SPDX-License-Identifier: Apache-2.0
// Opening a model: options, levels, weights. Takes the library of program toy, whole or with other
// text in it; gives statuses and messages. Keeps true: every message is checked by its text.
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/package/folder.h"
#include "compiler/support/sha256.h"
#include "runtime/src/runtime.h"
#include "tests/runtime/toy_library.h"

namespace mintor::toy {
namespace {

TEST(open, chooses_the_best_level_and_packs) {
  Opened opened;
  ASSERT_EQ(opened.status, MT_OK) << opened.error();
  const mt_model_info* info = api().info(opened.model);
  EXPECT_TRUE(info->level != nullptr);
  EXPECT_EQ(api().info(nullptr)->level, nullptr);
  EXPECT_STREQ(info->inputs[0].name, "x");
  Call call(4);
  EXPECT_EQ(call.run(opened), MT_OK);
  EXPECT_TRUE(call.right());
  EXPECT_EQ(call.outputs[1].shape[0], 8);
}

TEST(open, every_level_has_the_same_bits) {
  for (const char* level : {"reference", "v3"}) {
    mt_options options = default_options();
    options.level = level;
    Opened opened(options);
    if (opened.status == MT_UNSUPPORTED_CPU) {
      std::printf("skipped: this CPU has no level %s\n", level);
      continue;
    }
    ASSERT_EQ(opened.status, MT_OK) << opened.error();
    EXPECT_STREQ(api().info(opened.model)->level, level);
    Call call(11);
    EXPECT_EQ(call.run(opened), MT_OK);
    EXPECT_TRUE(call.right()) << level;
  }
}

TEST(open, refuses_bad_options) {
  mt_options options = default_options();
  options.level = "v9";
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "level 'v9' is not in this package, which has reference,v3");
  options = default_options();
  options.size = 0;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "mt_options.size is 0; set it to sizeof(mt_options)");
  options = default_options();
  options.threads = -1;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT, "threads is -1, expected 0..1024");
  options = default_options();
  options.threads = 2;
  options.parallel_for = [](void*, int32_t, mt_task, void*) {};
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "threads is 2 beside parallel_for; give one of the two");
  options = default_options();
  options.weights = &options;
  options.weights_path = "x";
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "weights and weights_path are both given; give one of them");
  EXPECT_EQ(api().open(nullptr, nullptr), MT_INVALID_ARGUMENT);
}

// Blocks that the runtime has, and had.
struct Blocks {
  int now = 0, all = 0;
};

TEST(open, takes_all_memory_from_the_host) {
  Blocks blocks;
  mt_options options = default_options();
  options.threads = 3;
  options.memory_data = &blocks;
  options.allocate = [](void* data, size_t bytes) {
    Blocks& counted = *static_cast<Blocks*>(data);
    ++counted.now, ++counted.all;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
  };
  options.release = [](void* data, void* block) {
    --static_cast<Blocks*>(data)->now;
    free(block);
  };
  {
    Opened opened(options);
    ASSERT_EQ(opened.status, MT_OK) << opened.error();
    Call call(60);
    EXPECT_EQ(call.run(opened), MT_OK);
    EXPECT_TRUE(call.right());
    EXPECT_GE(blocks.now, 5);  // the model, what it packs, the context, its memory, its workers
  }
  EXPECT_EQ(blocks.now, 0);
  options.allocate = [](void*, size_t) -> void* { return nullptr; };
  expect_failure(Opened(options), MT_OUT_OF_MEMORY, "no memory for a model");
}

TEST(open, refuses_options_that_would_have_no_effect) {
  mt_options options = default_options();
  options.release = [](void*, void*) {};
  expect_failure(Opened(options), MT_INVALID_ARGUMENT, "release is set, but allocate is null");
  options = default_options();
  options.memory_data = &options;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT, "memory_data is set, but allocate is null");
  options = default_options();
  options.parallel_width = 7;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "parallel_width is set, but parallel_for is null");
  options = default_options();
  options.parallel_for_data = &options;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "parallel_for_data is set, but parallel_for is null");
  options = default_options();
  options.weights_bytes = 12;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT, "weights_bytes is 12, but weights is null");
  mt_context_options context = default_context();
  context.profile_data = &context;
  expect_failure(Opened(default_options(), context), MT_INVALID_ARGUMENT,
                 "profile_data is set, but profile is null");
}

// A caller that was built with a later version: known as long as what we lack is zero.
TEST(open, refuses_fields_that_it_does_not_know) {
  struct {
    mt_options known;
    int64_t later;
  } options{};
  options.known.size = sizeof(options);
  void* model = nullptr;
  EXPECT_EQ(api().open(&options.known, &model), MT_OK);
  api().close(model);
  options.later = 1;
  EXPECT_EQ(api().open(&options.known, &model), MT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(api().last_error()).find("does not know"), std::string::npos);
  EXPECT_EQ(model, nullptr);
  // One that was built with an earlier version sets less.
  options.known.size = offsetof(mt_options, parallel_width);
  options.known.parallel_width = -5;
  EXPECT_EQ(api().open(&options.known, &model), MT_OK);
  api().close(model);
}

TEST(open, a_cpu_below_every_level_is_a_status) {
  const std::pair<std::string, std::string> low = {"supports_reference, ",
                                                   "[] { return false; }, "};
  const std::pair<std::string, std::string> high = {"supports_v3, ", "[] { return false; }, "};
  const std::string folder = built({low});
  const ModelApi none = library_api(folder + "/build/libtoy.so", "toy");
  mt_options options = default_options();
  options.level = "reference";
  expect_failure(Opened(options, default_context(), none), MT_UNSUPPORTED_CPU,
                 "level 'reference' needs instructions that this CPU lacks");
  const std::string both = built({low, high});
  const ModelApi neither = library_api(both + "/build/libtoy.so", "toy");
  expect_failure(Opened(default_options(), default_context(), neither), MT_UNSUPPORTED_CPU,
                 "this CPU has none of the levels of this package (reference,v3)");
}

TEST(weights, are_checked) {
  const std::string folder = scratch_folder("weights");
  const std::string good = read_whole_file(toy_folder() + "/weights/weights.bin");
  ASSERT_EQ(good.size(), 2064u);
  const std::string path = folder + "/weights.bin";
  mt_options options = default_options();
  options.weights_path = path.c_str();
  expect_failure(Opened(options), MT_IO_ERROR, path + ": No such file or directory");
  write_text(path, good.substr(0, 2000));
  expect_failure(Opened(options), MT_IO_ERROR, path + ": 2000 bytes, expected 2064");
  write_text(path, good.substr(0, 2000) + std::string(64, 'x'));
  expect_failure(Opened(options), MT_IO_ERROR,
                 path + ": has no valid trailer; it is damaged or no weights file");
  write_text(path, good);
  EXPECT_EQ(Opened(options).status, MT_OK);
  options.weights_path = folder.c_str();
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 folder + ": is a folder, and 'toy' does not say the hash of its weights");
  options.weights_path = "/dev/null";
  expect_failure(Opened(options), MT_IO_ERROR, "/dev/null: is no regular file");

  const std::string other = built({{"    \"\",\n", "    \"" + std::string(64, 'a') + "\",\n"}});
  const ModelApi functions = library_api(other + "/build/libtoy.so", "toy");
  options.weights_path = path.c_str();
  expect_failure(Opened(options, default_context(), functions), MT_IO_ERROR,
                 path + ": holds the weights of another model than 'toy'");
}

TEST(weights, a_flipped_bit_is_found_when_asked) {
  const std::string folder = scratch_folder("weights"), path = folder + "/weights.bin";
  const std::string good = read_whole_file(toy_folder() + "/weights/weights.bin");
  mt_options options = default_options();
  options.weights_path = path.c_str();
  for (const size_t at : {0u, 63u, 64u, 1023u, 1999u}) {
    std::string damaged = good;
    damaged[at] ^= 0x10;
    write_text(path, damaged);
    options.check_weights = 0;
    EXPECT_EQ(Opened(options).status, MT_OK);
    options.check_weights = 1;
    const Opened opened(options);
    EXPECT_EQ(opened.status, MT_IO_ERROR) << at;
    EXPECT_EQ(opened.error().find(path + ": is damaged: the SHA-256 of its 2000 bytes begins"), 0u)
        << opened.error();
  }
  write_text(path, good);
  EXPECT_EQ(Opened(options).status, MT_OK);
  // With the program's own hash, memory needs no trailer; without one, it does.
  const Tensor bytes = weights();
  mt_options memory = default_options();
  memory.check_weights = 1;
  memory.weights = bytes.data;
  memory.weights_bytes = 2000;
  expect_failure(Opened(memory), MT_INVALID_ARGUMENT,
                 "check_weights is set, but neither 'toy' nor the weights in memory say their "
                 "hash");
  const std::string hash = sha256_hex(std::span(bytes.data, 2000));
  const std::string hashed = built({{"    \"\",\n", "    \"" + hash + "\",\n"}});
  const ModelApi functions = library_api(hashed + "/build/libtoy.so", "toy");
  EXPECT_EQ(Opened(memory, default_context(), functions).status, MT_OK);
}

// Lengths around the borders of blocks, against the compiler's own.
TEST(weights, sha256_is_that_of_the_standard) {
  std::string text;
  for (int bytes = 0; bytes < 200; ++bytes) {
    unsigned char hash[32];
    MT_PACKAGE::sha256(text.data(), text.size(), hash);
    std::string hex;
    for (const unsigned char byte : hash) {
      hex += "0123456789abcdef"[byte >> 4];
      hex += "0123456789abcdef"[byte & 15];
    }
    EXPECT_EQ(hex, sha256_hex(text)) << bytes;
    text += static_cast<char>(bytes * 37);
  }
}

TEST(weights, default_places_are_beside_the_library) {
  namespace fs = std::filesystem;
  const std::string folder = scratch_folder("places");
  fs::copy_file(toy_folder() + "/build/libtoy.so", folder + "/libtoy.so");
  const ModelApi moved = library_api(folder + "/libtoy.so", "toy");
  expect_failure(Opened(default_options(), default_context(), moved), MT_IO_ERROR,
                 "no weights.bin in " + folder + ", " + folder + "/weights or " + folder +
                     "/../weights; set mt_options.weights_path");
  // Another model's file beside the library does not hide ours in weights/.
  write_text(folder + "/weights.bin", "of another model");
  fs::create_directory(folder + "/weights");
  fs::copy_file(toy_folder() + "/weights/weights.bin", folder + "/weights/weights.bin");
  EXPECT_EQ(Opened(default_options(), default_context(), moved).status, MT_OK);
}

TEST(weights, in_memory) {
  const Tensor bytes = weights();
  mt_options options = default_options();
  options.weights = bytes.data;
  options.weights_bytes = 2000;
  Opened opened(options);
  Call call(2);
  EXPECT_EQ(call.run(opened), MT_OK);
  EXPECT_TRUE(call.right());
  options.weights_bytes = 1999;
  expect_failure(Opened(options), MT_IO_ERROR,
                 "weights in memory: 1999 bytes, expected 2000 (or 2064 with trailer)");
  options.weights = bytes.data + 4;
  expect_failure(Opened(options), MT_INVALID_ARGUMENT,
                 "weights in memory have to lie on a 64-byte boundary");
}

}  // namespace
}  // namespace mintor::toy
