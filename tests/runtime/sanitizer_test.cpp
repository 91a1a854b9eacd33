// SPDX-License-Identifier: Apache-2.0
// The runtime under ThreadSanitizer, AddressSanitizer and UndefinedBehaviorSanitizer.
// Keeps true: the sanitizers see the runtime's own sources, not a library built without them.
#include <gtest/gtest.h>

#include "compiler/support/subprocess.h"
#include "tests/runtime/toy_library.h"

namespace mintor::toy {
namespace {

// Program toy, the runtime and stress_main.cpp in one program.
void expect_clean(const std::string& sanitizer) {
  const std::string root = MINTOR_SOURCE_DIR;
  const std::string folder = scratch_folder("stress");
  const std::string flags =
      " -std=c++17 -O1 -g1 -fno-exceptions -fno-rtti -fno-threadsafe-statics -Wall -Wextra -Werror "
      "-ffp-contract=off -DMT_NAME=toy -fsanitize=" + sanitizer + " -fno-sanitize-recover=all -I" +
      root + "/runtime/include -I" + root + "/tests/runtime -I" + root +
      "/targets/x86/runtime -I" + root + "/targets/reference/runtime ";
  const std::string sources = root + "/runtime/src/*.cpp " + root +
                              "/tests/runtime/example_program.cpp " + root +
                              "/tests/runtime/kernels_reference.cpp " + root +
                              "/tests/runtime/stress_main.cpp";
  const CommandResult kernels = run_command(
      {"/bin/sh", "-c", "g++" + flags + "-march=x86-64-v3 -c " + root +
                            "/tests/runtime/kernels_v3.cpp -o v3.o"}, folder);
  ASSERT_EQ(kernels.status, 0) << kernels.output;
  const CommandResult built = run_command(
      {"/bin/sh", "-c", "g++" + flags + sources + " v3.o -o stress -lpthread -lm"}, folder);
  ASSERT_EQ(built.status, 0) << built.output;
  const CommandResult run = run_command({folder + "/stress"});
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_EQ(run.output, "0 failures\n");
}

TEST(sanitizers, threads) { expect_clean("thread"); }
TEST(sanitizers, address_and_undefined) { expect_clean("address,undefined"); }

}  // namespace
}  // namespace mintor::toy
