// SPDX-License-Identifier: Apache-2.0
// Packages as folders: written from hand-made contents, built by every compiler that is there,
// looked into with nm and readelf, verified, damaged. Keeps true: a test fails when the tool it
// needs fails; a compiler that is not installed is skipped by name.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/package/builder.h"
#include "compiler/package/loaded_model.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"
#include "tests/package/package_helper.h"
#include "tests/runtime/toy.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

CommandResult shell(const std::string& command, const std::string& directory = "") {
  return run_command({"/bin/sh", "-c", command}, directory);
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
}

std::string written() {
  const std::string folder = toy::scratch_folder("toy") + "/toy";
  write_package(toy::contents(), folder);
  return folder;
}

std::vector<std::pair<std::string, std::string>> compilers() {
  std::vector<std::pair<std::string, std::string>> found;
  const std::pair<std::string, std::string> all[] = {
      {"gcc", "g++"}, {"clang-16", "clang++-16"}, {"clang-19", "clang++-19"}};
  for (const auto& pair : all) {
    if (!find_executable(std::span(&pair.first, 1)).empty()) found.push_back(pair);
  }
  return found;
}

TEST(package, has_the_files_of_the_format) {
  const std::string folder = written();
  for (const char* file :
       {"include/toy.h", "include/mintor_abi.h", "src/program.cpp", "src/kernels_v3.cpp",
        "src/exports.map", "runtime/model.cpp", "runtime/mintor_program.h", "weights/weights.bin",
        "example/main.c", "verify/cases.txt", "verify/case0/in_0_x.npy",
        "verify/case0/out_1_total.npy", "Makefile", "CMakeLists.txt", "README.md",
        "manifest.json"}) {
    EXPECT_TRUE(fs::exists(folder + "/" + file)) << file;
  }
  EXPECT_EQ(fs::file_size(folder + "/weights/weights.bin"), 2064u);
  EXPECT_TRUE(is_package(folder));
  EXPECT_TRUE(damaged_files(folder).empty());
  // Nothing of the building machine.
  EXPECT_EQ(shell("grep -rl '" MINTOR_SOURCE_DIR "' .", folder).status, 1);
}

TEST(package, same_contents_same_bytes) {
  const std::string a = written(), b = written();
  const CommandResult same = shell("diff -r " + a + " " + b);
  EXPECT_EQ(same.status, 0) << same.output;
}

TEST(package, header_documents_inputs_and_outputs) {
  const std::string folder = written();
  const std::string header = shell("cat include/toy.h", folder).output;
  expect_contains(header, "// x: f32[batch, 24]; batch in 0..64. rows\n  toy_input_x = 0,");
  expect_contains(header, "// y: f32[batch, 20]; batch in 0..64\n  toy_output_y = 0,");
  expect_contains(header, "toy_outputs = 2");
}

TEST(package, names_from_a_model_cannot_leave_their_comment) {
  PackageContents toy = toy::contents();
  toy.entries[0].inputs[0].name = "x\n#error escaped\n//\\";
  toy.cases[0].inputs[0].name = toy.entries[0].inputs[0].name;
  const std::string folder = toy::scratch_folder("hostile") + "/toy";
  write_package(toy, folder);
  const CommandResult built = shell("make -s CC=gcc CXX=g++ WARN='-Wall -Wextra -Werror'", folder);
  EXPECT_EQ(built.status, 0) << built.output;
}

TEST(package, refuses_what_is_no_package) {
  const std::string folder = toy::scratch_folder("other");
  toy::write_text(folder + "/thesis.txt", "years of work");
  expect_contains(error_of([&] { write_package(toy::contents(), folder); }),
                  "exists and is no package");
  EXPECT_TRUE(fs::exists(folder + "/thesis.txt"));
}

TEST(package, replaces_a_package_as_a_whole) {
  const std::string folder = written();
  toy::write_text(folder + "/build/stale.o", "");
  PackageContents toy = toy::contents();
  toy.description = "second";
  write_package(toy, folder);
  EXPECT_FALSE(fs::exists(folder + "/build/stale.o"));
  expect_contains(shell("cat README.md", folder).output, "second");
  // Nothing is left beside it.
  EXPECT_EQ(shell("ls -A | wc -l", folder + "/..").output, "1\n");
}

TEST(package, leaves_nothing_when_weights_are_of_another_program) {
  PackageContents toy = toy::contents();
  toy.weights_sha256 = std::string(64, '0');
  const std::string parent = toy::scratch_folder("wrong");
  EXPECT_THROW(write_package(toy, parent + "/toy"), InternalError);
  EXPECT_EQ(shell("ls -A | wc -l", parent).output, "0\n");
}

TEST(package, gaps_between_weights_are_zeros) {
  PackageContents toy = toy::contents();
  const std::byte one[3] = {std::byte{1}, std::byte{2}, std::byte{3}};
  toy.weights = {{64, one, nullptr}, {9984, one, nullptr}};
  toy.weights_bytes = 9987;
  toy.weights_sha256 = weights_sha256(toy.weights, toy.weights_bytes);
  const std::string folder = toy::scratch_folder("gaps") + "/toy";
  write_package(toy, folder);
  EXPECT_EQ(fs::file_size(folder + "/weights/weights.bin"), 9987u + 64);
  const CommandResult bytes = shell("head -c 9987 weights/weights.bin | sha256sum", folder);
  EXPECT_EQ(bytes.output.substr(0, 64), toy.weights_sha256);
  EXPECT_EQ(shell("head -c 68 weights/weights.bin | tail -c 5 | od -An -tx1", folder).output,
            " 00 01 02 03 00\n");
}

TEST(package, refuses_names_that_are_no_identifiers) {
  PackageContents toy = toy::contents();
  toy.name = "resnet-18";
  expect_contains(error_of([&] { write_package(toy, "unused"); }), "like 'resnet_18'");
  EXPECT_EQ(package_name_from("18.onnx"), "m_18_onnx");
  EXPECT_EQ(package_name_from("magika"), "magika");
}

// libm.so, a CMake target `verify`, <math.h>, sem_open.
TEST(package, refuses_names_that_break_the_build) {
  PackageContents toy = toy::contents();
  toy.name = "m";
  expect_contains(error_of([&] { write_package(toy, "unused"); }),
                  "'m' cannot be the name of a package");
  expect_contains(error_of([&] { write_package(toy, "unused"); }),
                  "a system library is called so; take another, like 'm_model'");
  for (const char* name : {"m", "c", "dl", "pthread", "rt", "verify", "all", "math", "sem", "npy",
                           "mintor_abi", "unix"}) {
    const std::string legal = package_name_from(name);
    EXPECT_EQ(legal, std::string(name) + "_model");
    EXPECT_EQ(package_name_from(legal), legal);
  }
}

TEST(package, enumerators_stay_apart) {
  PackageContents toy = toy::contents();
  toy.cases.clear();
  toy.entries[0].inputs.clear();
  for (const char* name : {"a_b_at_2", "a.b", "a_b", "a-b"}) {
    toy.entries[0].inputs.push_back({name, DType::f32, {"batch", "24"}, ""});
  }
  toy.symbols[0].divisor = 8;
  const std::string folder = toy::scratch_folder("names") + "/toy";
  write_package(toy, folder);
  const std::string header = shell("cat include/toy.h", folder).output;
  expect_contains(header, "toy_input_a_b_at_2 = 0,");
  expect_contains(header, "toy_input_a_b = 1,");
  expect_contains(header, "toy_input_a_b_at_3 = 2,");
  expect_contains(header, "toy_input_a_b_at_4 = 3,");
  expect_contains(header, "batch in 0..64, a multiple of 8");
  expect_contains(shell("cat manifest.json", folder).output, "\"divisor\": 8");
}

TEST(package, damaged_files_are_named) {
  const std::string folder = written();
  toy::write_text(folder + "/src/program.cpp", "int x;");
  fs::remove(folder + "/README.md");
  const std::vector<std::string> damaged = {"README.md", "src/program.cpp"};
  EXPECT_EQ(damaged_files(folder), damaged);
}

TEST(package, hostile_manifests_are_refused) {
  const std::string folder = written();
  const std::string good = shell("cat manifest.json", folder).output;
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    toy::write_text(folder + "/manifest.json", text.replace(at, from.size(), to));
    return error_of([&] { read_manifest(folder); });
  };
  expect_contains(error_with("src/program.cpp", "../program.cpp"), "not inside the package");
  for (const char* flag :
       {"-fplugin=./x.so", "-fpass-plugin=x.so", "-fopt-info-all=written.txt", "-ffast-math",
        "-fdump-tree-all", "-O3", "-Wl,-z", "-DNDEBUG", "-include", "-mllvm", "-mllvm=-load=x.so",
        "-mfpmath=387", "-march=", "-march=x/../y", "-mtune=a,b", "@file", "-", ""}) {
    SCOPED_TRACE(flag);
    expect_contains(error_with("-march=x86-64-v3", flag), "compiler flag");
  }
  for (const char* flag : {"-march=armv8.2-a+sve", "-mcpu=neoverse-v1", "-mtune=native",
                           "-mprefer-vector-width=512"}) {
    EXPECT_EQ(error_with("-march=x86-64-v3", flag), "no error") << flag;
  }
  expect_contains(error_with("\"name\": \"toy\"", "\"name\": \"toy; rm\""), "identifier");
  expect_contains(error_with("\"format_version\": 1", "\"format_version\": 2"), "version 2");
  expect_contains(error_with("{", "[["), "cannot be used");
  expect_contains(error_of([&] { read_manifest(folder + "/src"); }), "has no manifest.json");
}

// `make verify` with every compiler, warnings as errors; then what the library looks like.
TEST(package, builds_and_verifies_with_make) {
  for (const auto& [cc, cxx] : compilers()) {
    const std::string folder = written();
    const std::string with = " CC=" + cc + " CXX=" + cxx + " WARN='-Wall -Wextra -Werror'";
    const CommandResult built = shell("make -s -j2 all verify THREADS=2" + with, folder);
    EXPECT_EQ(built.status, 0) << cc << built.output;
    expect_contains(built.output, "1 cases at level");
    const CommandResult low = shell("make -s verify LEVEL=reference" + with, folder);
    EXPECT_EQ(low.status, 0) << low.output;
    expect_contains(low.output, "1 cases at level reference: ok");

    const std::string exported =
        shell("nm -D --defined-only build/libtoy.so | cut -d' ' -f3 | grep -v '^toy_'", folder)
            .output;
    EXPECT_EQ(exported, "") << cc;
    const std::string needed =
        shell("readelf -d build/libtoy.so | sed -n 's/.*NEEDED.*\\[\\(.*\\)\\]/\\1/p' | "
              "grep -v '^lib[cm]\\.so'", folder).output;
    EXPECT_EQ(needed, "") << cc;
    for (const char* object : {"src_kernels_v3.o", "src_kernels_reference.o"}) {
      const std::string weak =
          shell(std::string("nm build/") + object + " | grep -E ' [VWu] '", folder).output;
      EXPECT_EQ(weak, "") << cc << object;
    }
    const CommandResult example =
        shell("build/example x=verify/case0/in_0_x.npy s=verify/case0/in_1_s.npy --repeat 3",
              folder);
    EXPECT_EQ(example.status, 0) << example.output;
    expect_contains(example.output, "y f32[3, 20] min");
    expect_contains(example.output, "3 runs at level");
    expect_contains(shell("build/example z=a.npy", folder).output, "inputs are: x s");
  }
}

TEST(package, verify_fails_on_a_damaged_expected_file) {
  const std::string folder = written();
  const std::string file = folder + "/verify/case0/out_0_y.npy";
  // Element [1, 3] of y: header 128 bytes, then 23 floats.
  const auto offset = fs::file_size(file) - 3 * 20 * 4 + 23 * 4;
  ASSERT_EQ(shell("printf '\\377\\377\\177\\077' | dd of=" + file + " bs=1 conv=notrunc seek=" +
                  std::to_string(offset)).status, 0);
  const CommandResult verify = shell("make -s verify CC=gcc CXX=g++", folder);
  EXPECT_NE(verify.status, 0);
  expect_contains(verify.output, "y: largest error");
  expect_contains(verify.output, "at [1, 3]");
  expect_contains(verify.output, "1 of 60 elements FAILED");
  expect_contains(verify.output, "total: largest error 0");
}

TEST(package, verify_fails_without_a_case) {
  PackageContents toy = toy::contents();
  toy.cases.clear();
  const std::string folder = toy::scratch_folder("caseless") + "/toy";
  write_package(toy, folder);
  const CommandResult none = shell("make -s verify CC=gcc CXX=g++", folder);
  EXPECT_NE(none.status, 0);
  expect_contains(none.output, "there is no case to compare with; compile the model again");
  expect_contains(none.output, "0 cases at level");

  const std::string whole = written();
  EXPECT_EQ(shell("sed -i '/^out 1 /d' verify/cases.txt", whole).status, 0);
  const CommandResult part = shell("make -s verify CC=gcc CXX=g++", whole);
  EXPECT_NE(part.status, 0);
  expect_contains(part.output, "case0 total: the case does not have it FAILED");
}

TEST(package, verify_keeps_tolerances) {
  PackageContents toy = toy::contents();
  auto [changed, bytes] = Tensor::make(DType::f32, {3, 20});
  for (int64_t i = 0; i < 60; ++i) {
    reinterpret_cast<float*>(bytes)[i] = toy.cases[0].outputs[0].value.as<float>()[i] + 1e-4f;
  }
  toy.cases[0].outputs[0].value = changed;
  toy.cases.push_back(toy.cases[0]);
  toy.cases[1].atol = 2e-4;
  const std::string folder = toy::scratch_folder("tolerance") + "/toy";
  write_package(toy, folder);
  const CommandResult verify = shell("make -s verify CC=gcc CXX=g++", folder);
  EXPECT_NE(verify.status, 0);
  expect_contains(verify.output, "60 of 60 elements FAILED\ncase0 total");
  expect_contains(verify.output, "case1 y: largest error 0.0001");
  EXPECT_EQ(verify.output.find("FAILED\ncase1 total"), std::string::npos) << verify.output;
}

TEST(package, builds_with_cmake) {
  const std::string folder = written();
  const CommandResult built = shell(
      "cmake -S . -B build -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' "
      "-DCMAKE_CXX_FLAGS='-Wall -Wextra -Werror' && cmake --build build -j2 && "
      "cmake --build build --target verify", folder);
  EXPECT_EQ(built.status, 0) << built.output;
  expect_contains(built.output, "1 cases at level");
  EXPECT_EQ(shell("readelf -d build/libtoy.so | grep -c stdc++", folder).output, "0\n");
}

TEST(builder, builds_loads_and_runs) {
  for (const auto& [cc, cxx] : compilers()) {
    const std::string folder = written();
    const std::string library = build_package(folder, {cxx, {"-Wall", "-Wextra", "-Werror"}, 0});
    EXPECT_EQ(library, folder + "/build/libtoy.so");
    const auto model = open_package(folder);
    const std::vector<Tensor> want = toy::expected(5);
    const std::vector<Tensor> got = model->run(std::vector{toy::input_x(5), toy::input_s(5)});
    ASSERT_EQ(got.size(), 2u);
    EXPECT_TRUE(same_bits(got[0], want[0])) << cc;
    EXPECT_TRUE(same_bits(got[1], want[1])) << cc;
    const std::map<std::string, Tensor> empty = {{"s", toy::input_s(0)}, {"x", toy::input_x(0)}};
    const auto named = model->run(empty);
    EXPECT_EQ(named.at("y").shape, (std::vector<int64_t>{0, 20}));
  }
}

TEST(builder, a_level_by_name_and_weights_in_memory) {
  const std::string folder = written();
  build_package(folder);
  LoadOptions options;
  options.level = "reference";
  options.threads = 3;
  options.weights = toy::weights();
  const auto model = open_package(folder, options);
  EXPECT_STREQ(model->info().level, "reference");
  const std::vector<Tensor> inputs = {toy::input_x(7), toy::input_s(7)};
  EXPECT_TRUE(same_bits(model->run(inputs)[0], toy::expected(7)[0]));
  options.level = "v9";
  expect_contains(error_of([&] { open_package(folder, options); }),
                  "level 'v9' is not in this package, which has reference,v3");
}

TEST(builder, errors_say_what_to_do) {
  const std::string folder = written();
  expect_contains(error_of([&] { open_package(folder); }), "run `make -C");
  expect_contains(error_of([&] { build_package(folder, {"no-such-gcc", {}, 0}); }),
                  "compiler 'no-such-gcc' was not found");
  toy::write_text(folder + "/src/kernels_v3.cpp", "int broken(");
  const std::string error = error_of([&] { build_package(folder, {"gcc", {}, 0}); });
  expect_contains(error, "failed on src/kernels_v3.cpp");
  expect_contains(error, "kernels_v3.cpp:1:");
  EXPECT_FALSE(fs::exists(folder + "/build/libtoy.so"));
}

TEST(loaded_model, names_wrong_inputs) {
  const std::string folder = written();
  build_package(folder);
  const auto model = open_package(folder);
  const std::map<std::string, Tensor> with_t = {{"x", toy::input_x(1)}, {"t", toy::input_s(1)}};
  expect_contains(error_of([&] { model->run(with_t); }),
                  "'t' is not an input of 'toy'");
  const std::map<std::string, Tensor> only_x = {{"x", toy::input_x(1)}};
  expect_contains(error_of([&] { model->run(only_x); }), "input 's' is missing");
  const std::vector<Tensor> disagree = {toy::input_x(1), toy::input_s(2)};
  expect_contains(error_of([&] { model->run(disagree); }),
                  "input 's': dimension 0 ('batch') is 2, but input 'x' has 1");
}

}  // namespace
}  // namespace mintor
