// SPDX-License-Identifier: Apache-2.0
// Packages as others use them: weights in the library, installed and found by CMake and pkg-config,
// from C and C++. Takes program toy; gives clients that are built and run. Keeps true: each
// compiler that is there builds each client without a warning.
#include <gtest/gtest.h>

#include <filesystem>

#include "compiler/package/builder.h"
#include "compiler/package/code_sizes.h"
#include "compiler/package/loaded_model.h"
#include "compiler/package/package.h"
#include "compiler/support/subprocess.h"
#include "tests/package/package_helper.h"
#include "tests/runtime/toy.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

CommandResult shell(const std::string& command, const std::string& directory = "") {
  return run_command({"/bin/sh", "-c", command}, directory);
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  ASSERT_NE(text.find(from), std::string::npos) << from;
  text.replace(text.find(from), from.size(), to);
}

// Program toy as the compiler would write it: it knows the hash of its weights.
PackageContents with_hash(const std::string& name = "toy") {
  PackageContents toy = toy::contents();
  toy.name = name;
  toy.weights_sha256 = weights_sha256(toy.weights, toy.weights_bytes);
  replace(toy.units[0].text, "kEntries,\n    \"\",",
          "kEntries,\n    \"" + toy.weights_sha256 + "\",");
  return toy;
}

std::string embedded() {
  PackageContents toy = with_hash();
  toy.embed_weights = true;
  std::string& text = toy.units[0].text;
  const size_t last = text.rfind("    nullptr,\n};");
  EXPECT_NE(last, std::string::npos);
  text.replace(last, 15, "    mt_weights_toy,\n};");
  replace(text, "const Program program = {",
          "extern \"C\" const char mt_weights_toy[];\nconst Program program = {");
  const std::string folder = toy::scratch_folder("embedded") + "/toy";
  write_package(toy, folder);
  return folder;
}

std::string written(const PackageContents& contents) {
  const std::string folder = toy::scratch_folder("client") + "/" + contents.name;
  write_package(contents, folder);
  return folder;
}

std::vector<std::string> compilers() {
  std::vector<std::string> found;
  for (const std::string name : {"g++", "clang++-19"}) {
    if (!find_executable(std::span(&name, 1)).empty()) found.push_back(name);
  }
  return found;
}

// --- weights in the library ---

TEST(embedded_weights, need_no_file) {
  for (const std::string& compiler : compilers()) {
    const std::string folder = embedded();
    const std::string library =
        build_package(folder, {compiler, {"-Wall", "-Wextra", "-Werror"}, 0});
    const std::string elsewhere = toy::scratch_folder("alone") + "/libtoy.so";
    fs::copy_file(library, elsewhere);
    for (const bool check : {false, true}) {
      LoadOptions options;
      options.check_weights = check;
      LoadedModel model(library_api(elsewhere, "toy"), options);
      const std::vector<Tensor> got = model.run(std::vector{toy::input_x(5), toy::input_s(5)});
      EXPECT_TRUE(same_bits(got[0], toy::expected(5)[0])) << compiler;
    }
    fs::remove_all(folder + "/weights");
    EXPECT_EQ(open_package(folder)->run(std::vector{toy::input_x(1), toy::input_s(1)}).size(), 2u);
  }
}

TEST(embedded_weights, the_callers_come_first) {
  const std::string folder = embedded();
  const ModelApi api = library_api(build_package(folder), "toy");
  LoadOptions options;
  options.weights = Tensor::make(DType::u8, {2000}).first;  // zeros
  LoadedModel model(api, options);
  EXPECT_EQ(model.run(std::vector{toy::input_x(1), toy::input_s(1)})[0].as<float>()[0], 0);
  options.weights = {};
  options.weights_path = folder + "/nowhere";
  EXPECT_NE(error_of([&] { LoadedModel(api, options); }).find("nowhere"), std::string::npos);
}

TEST(embedded_weights, are_built_and_verified_by_make_and_cmake) {
  const std::string folder = embedded(), other = toy::scratch_folder("elsewhere");
  const CommandResult made =
      shell("make -s -j2 verify WARN='-Wall -Wextra -Werror' OUT=" + other, folder);
  EXPECT_EQ(made.status, 0) << made.output;
  const CommandResult built =
      shell("cmake -S . -B " + other + "/cmake && cmake --build " + other +
                "/cmake -j2 && cmake --build " + other + "/cmake --target verify",
            folder);
  EXPECT_EQ(built.status, 0) << built.output;
  const std::string exported =
      shell("nm -D --defined-only libtoy.so | cut -d' ' -f3 | grep -v '^toy_'", other).output;
  EXPECT_EQ(exported, "");
  // Other weights are built in.
  EXPECT_EQ(
      shell("touch weights/weights.bin && make -n OUT=" + other + " | grep -c weights.cpp", folder)
          .output,
      "1\n");
}

TEST(embedded_weights, that_no_library_can_hold_are_refused) {
  PackageContents toy = with_hash();
  toy.embed_weights = true;
  toy.weights_bytes = int64_t{3} << 30;
  EXPECT_NE(error_of([&] { write_package(toy, "unused"); }).find("too many for a library"),
            std::string::npos);
}

// --- weights by hash ---

TEST(shared_weights, a_folder_has_them_by_their_hash) {
  const PackageContents toy = with_hash();
  const std::string folder = written(toy), weights = toy::scratch_folder("weights");
  const ModelApi api = library_api(build_package(folder), "toy");
  LoadOptions options;
  options.weights_path = weights;
  EXPECT_NE(error_of([&] {
              LoadedModel(api, options);
            }).find(weights + "/" + toy.weights_sha256 + ".bin: No such file"),
            std::string::npos);
  fs::copy_file(folder + "/weights/weights.bin", weights + "/" + toy.weights_sha256 + ".bin");
  LoadedModel model(api, options);
  EXPECT_TRUE(
      same_bits(model.run(std::vector{toy::input_x(2), toy::input_s(2)})[0], toy::expected(2)[0]));
}

// Maps of files in lib/mintor: of both packages the same pages of one file.
constexpr const char* kTwo = R"(#include <stdio.h>
#include <string.h>
#include "left.h"
#include "right.h"
int main(void) {
  left_model* left = NULL;
  right_model* right = NULL;
  if (left_open(NULL, &left) != MT_OK) return puts(left_last_error());
  if (right_open(NULL, &right) != MT_OK) return puts(right_last_error());
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[4096];
  unsigned long inode, first = 0, count = 0;
  while (fgets(line, sizeof(line), maps)) {
    if (!strstr(line, "/mintor/")) continue;
    if (sscanf(line, "%*s %*s %*s %*s %lu", &inode) != 1) return 1;
    if (count++ && inode != first) return 2;
    first = inode;
  }
  printf("%lu\n", count);
  return 0;
}
)";

constexpr const char* kFindBoth = R"(cmake_minimum_required(VERSION 3.16)
project(client LANGUAGES C)
find_package(left 0 REQUIRED)
find_package(right REQUIRED)
add_executable(client client.c)
target_link_libraries(client PRIVATE left::left right::right)
)";

TEST(shared_weights, installed_packages_of_equal_weights_have_one_file) {
  const std::string prefix = toy::scratch_folder("prefix"), client = toy::scratch_folder("both");
  // Debian's place, two folders below.
  const std::string machine = shell("gcc -dumpmachine").output;
  const std::string libraries = "lib/" + machine.substr(0, machine.find('\n'));
  for (const char* name : {"left", "right"}) {
    const CommandResult installed =
        shell("cmake -S . -B build -DCMAKE_INSTALL_LIBDIR=" + libraries +
                  " && cmake --build build -j2 && "
                  "cmake --install build --prefix " +
                  prefix,
              written(with_hash(name)));
    ASSERT_EQ(installed.status, 0) << installed.output;
  }
  EXPECT_EQ(shell("ls " + libraries + "/mintor", prefix).output,
            with_hash().weights_sha256 + ".bin\n");
  toy::write_text(client + "/client.c", kTwo);
  toy::write_text(client + "/CMakeLists.txt", kFindBoth);
  const CommandResult run = shell("cmake -S . -B build -DCMAKE_PREFIX_PATH=" + prefix +
                                      " >log 2>&1 && cmake --build build >>log "
                                      "2>&1 || cat log; build/client",
                                  client);
  EXPECT_EQ(run.output, "2\n");
  // pkg-config, after the folder was moved.
  fs::rename(prefix, prefix + "-moved");
  const std::string find =
      "PKG_CONFIG_PATH=" + prefix + "-moved/" + libraries + "/pkgconfig pkg-config ";
  const CommandResult linked =
      shell("gcc -Wall -Wextra -Werror client.c -o linked $(" + find +
                "--cflags --libs left right) "
                "-Wl,-rpath," +
                prefix + "-moved/" + libraries + " && ./linked && test -f $(" + find +
                "--variable=weights left)/*.bin",
            client);
  EXPECT_EQ(linked.output, "2\n");
  EXPECT_EQ(linked.status, 0);
  fs::remove_all(prefix + "-moved");
}

// --- C++ ---

TEST(cpp, client_is_built_by_every_compiler_and_runs) {
  const std::string folder = written(with_hash());
  build_package(folder);
  for (const std::string& compiler : compilers()) {
    for (const char* standard : {"c++17", "c++20"}) {
      const CommandResult run =
          shell(compiler + " -std=" + standard +
                    " -O1 -Wall -Wextra -Werror -Iinclude " MINTOR_SOURCE_DIR
                    "/tests/package/client.cpp -o client -Lbuild -ltoy -Wl,-rpath,build && "
                    "./client weights/weights.bin",
                folder);
      EXPECT_EQ(run.status, 0) << compiler << standard << run.output;
      EXPECT_EQ(run.output, "ok\n");
    }
  }
}

// --- sizes ---

TEST(code_sizes, are_those_of_the_levels) {
  const std::string folder = written(with_hash()), library = folder + "/build/libtoy.so";
  ASSERT_EQ(shell("make -s -j2 CC=gcc CXX=g++", folder).status, 0);
  const Manifest manifest = read_manifest(folder);
  const std::map<std::string, int64_t> sizes = code_sizes(library, manifest);
  ASSERT_EQ(sizes.size(), 3u);
  int64_t all = 0;
  for (const auto& [part, bytes] : sizes) all += bytes;
  const int64_t text =
      std::stoll(shell("size -A " + library + " | awk '$1 == \".text\" {print $2}'").output);
  EXPECT_LE(all, text + 64);  // and the two of .init and .fini
  EXPECT_GT(all, text * 9 / 10);
  for (const std::string level : {"reference", "v3"}) {
    const std::string counted =
        shell("nm -S -t d build/src_kernels_" + level +
                  ".o | awk '$3 ~ /^t$/ {bytes += $2} END {print bytes + 0}'",
              folder)
            .output;
    EXPECT_EQ(std::to_string(sizes.at(level)) + "\n", counted) << level;
    EXPECT_GT(sizes.at(level), 100);
  }
  ASSERT_EQ(shell("strip " + library).status, 0);
  EXPECT_TRUE(code_sizes(library, manifest).empty());
  toy::write_text(library, "no library");
  EXPECT_TRUE(code_sizes(library, manifest).empty());
}

}  // namespace
}  // namespace mintor
