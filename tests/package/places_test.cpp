// SPDX-License-Identifier: Apache-2.0
// A package in unusual places: built into another folder, linked into a program that PATH finds,
// opened by a relative name, cut short. Takes program toy; gives pass or fail. Keeps true: weights
// are found where the code lies, not where the process is.
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/package/builder.h"
#include "compiler/package/loaded_model.h"
#include "compiler/support/error.h"
#include "compiler/support/shared_library.h"
#include "compiler/support/subprocess.h"
#include "tests/package/package_helper.h"
#include "tests/runtime/toy.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

CommandResult shell(const std::string& command, const std::string& directory) {
  return run_command({"/bin/sh", "-c", command}, directory);
}

std::string written() {
  const std::string folder = toy::scratch_folder("places") + "/toy";
  write_package(toy::contents(), folder);
  return folder;
}

TEST(places, verify_works_in_another_build_folder) {
  const std::string folder = written(), other = toy::scratch_folder("elsewhere");
  const CommandResult verify = shell("make -s verify OUT=" + other, folder);
  EXPECT_EQ(verify.status, 0) << verify.output;
  EXPECT_FALSE(fs::exists(folder + "/build"));
}

constexpr const char* kMain = R"(#include <stdio.h>
#include "toy.h"
int main(void) {
  toy_model* model = NULL;
  puts(toy_open(NULL, &model) == MT_OK ? "opened" : toy_last_error());
  toy_close(model);
  return 0;
}
)";

TEST(places, a_program_that_PATH_finds_has_its_weights_beside_it) {
  const std::string folder = written(), bin = toy::scratch_folder("bin");
  toy::write_text(bin + "/main.c", kMain);
  const CommandResult built = shell(
      "make -s build/libtoy.a && gcc -Iinclude " + bin + "/main.c build/libtoy.a -lm -lpthread " +
          "-ldl -o " + bin + "/program && cp weights/weights.bin " + bin, folder);
  ASSERT_EQ(built.status, 0) << built.output;
  EXPECT_EQ(shell("PATH=" + bin + ":$PATH program", folder).output, "opened\n");
  fs::remove(bin + "/weights.bin");
  EXPECT_EQ(shell("PATH=" + bin + ":$PATH program", folder).output,
            "no weights.bin in " + bin + ", " + bin + "/weights or " + bin +
                "/../weights; set mt_options.weights_path\n");
}

constexpr const char* kOpener = R"(#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
#include "mintor_abi.h"
int main(void) {
  void* library = dlopen("build/libtoy.so", RTLD_NOW);
  mt_status (*open)(const mt_options*, void**) = dlsym(library, "toy_open");
  const char* (*error)(void) = dlsym(library, "toy_last_error");
  void* model = NULL;
  if (chdir("/") != 0) return 1;
  puts(open(NULL, &model) == MT_OK ? "opened" : error());
  return 0;
}
)";

TEST(places, a_library_that_was_opened_by_a_relative_name) {
  const std::string folder = written();
  build_package(folder);
  toy::write_text(folder + "/opener.c", kOpener);
  const CommandResult run =
      shell("gcc -Iinclude opener.c -ldl -o opener && ./opener", folder);
  EXPECT_EQ(run.output, "opened\n");
}

// The loader maps what the headers promise; without a check the process would get a SIGBUS.
TEST(places, a_library_that_was_cut_short_is_an_error) {
  const std::string folder = written();
  const std::string library = build_package(folder);
  EXPECT_EQ(elf_problem(library), "");
  const auto bytes = fs::file_size(library);
  for (const auto keep : {bytes - 1, bytes / 2, bytes / 4, uintmax_t{100}, uintmax_t{64}}) {
    fs::resize_file(library, keep);
    const std::string error = error_of([&] { open_package(folder); });
    EXPECT_NE(error.find("is cut short: its headers name bytes behind its end"),
              std::string::npos) << keep << error;
    EXPECT_NE(error.find("build the package again"), std::string::npos) << error;
  }
  toy::write_text(library, "not a library, but long enough to hold the header of one: 64 bytes");
  EXPECT_NE(error_of([&] { open_package(folder); }).find("is no 64-bit ELF file"),
            std::string::npos);
  EXPECT_EQ(elf_problem(folder + "/missing"), "cannot be opened");
}

}  // namespace
}  // namespace mintor
