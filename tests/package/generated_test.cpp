// SPDX-License-Identifier: Apache-2.0
// Program texts that the emitter makes, built as packages: warnings, sizes that cannot be, limits
// of the ABI. Takes Programs as text; gives libraries and their statuses. Keeps true: each compiler
// that is there builds each of them without a warning.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/codegen/program_emitter.h"
#include "compiler/codegen/program_writer.h"
#include "compiler/codegen/target.h"
#include "compiler/memory/plan_memory.h"
#include "compiler/package/builder.h"
#include "compiler/package/loaded_model.h"
#include "compiler/support/error.h"
#include "compiler/support/subprocess.h"
#include "tests/runtime/toy.h"

namespace mintor {
namespace {

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
}

// One kernel, given as text with `x: DTYPE[size]` and its output, launched over the symbols.
struct Source {
  std::string symbols, input, inner, output, kernel, launches;
};

// Two rows fewer of x, twice: sizes h - 2 and h - 4. No loop is parallel.
const Source kShrinking = {
    "symbol n 0..-1 % 1 ~ 0\n  symbol h 0..-1 % 1 ~ 0", "f32[n, h]", "f32[n, h - 2]",
    "f32[n, h - 4]",
    R"(kernel cut (x: f32[n, h], y: out f32[n, h - 2]; n: 0.., h: 2..) {
  for i in 0..n {
    for j in 0..h - 2 {
      y[i, j] = x[i, j + 2]
    }
  }
}
)",
    "cut(\"x\", \"inner\"; n, h) tasks [1]\n      cut(\"inner\", \"y\"; n, h - 2) tasks [1]"};

Program parsed(const Source& source, const std::vector<std::string>& levels) {
  const std::string name = source.kernel.substr(7, source.kernel.find(' ', 7) - 7);
  Program program = parse_program(R"(program "sizes" {
  numerics ""
  level "plain" "none" vector 0 registers 0 l1 1 l2 1 features [] flags []
  )" + source.symbols + R"(
  buffer "x" = input 0 )" + source.input +
                                      R"(
)" + (source.inner.empty() ? "" : "  buffer \"inner\" = arena " + source.inner + " at 0\n") +
                                      "  buffer \"y\" = output 0 " + source.output + R"(
  sizes weights 0 packed [0]
  entry prepare () -> () arena [0] {
  }
  entry forward ("x") -> ("y") arena [0] {
    )" + source.launches + R"(
  }
  kernel )" + name + " {\n" + source.kernel +
                                      "---\n  }\n}\n",
                                  {});
  program.levels.clear();
  for (const std::string& level : levels) program.levels.push_back(find_level(level));
  for (LevelKernels& kernel : program.kernels) {
    const Kernel plain = kernel.levels[0];
    kernel.levels.assign(levels.size(), plain);
  }
  visit_launches(program.entries[0].steps, [&](Launch& launch) {
    const Index tasks = launch.tasks[0];
    launch.tasks.assign(levels.size(), tasks);
  });
  CompileContext context;
  plan_memory(context, program);
  return program;
}

std::string written(const Program& program) {
  PackageContents contents;
  contents.name = program.name;
  const ProgramSource source = emit_program(program, "");
  for (const SourceFile& unit : source.units) {
    contents.units.push_back({unit.file, unit.text, unit.flags});
  }
  for (const SourceFile& header : source.headers) {
    contents.headers.push_back({header.file, header.text});
  }
  const std::string folder = toy::scratch_folder("generated") + "/" + program.name;
  write_package(contents, folder);
  return folder;
}

const std::vector<std::string>& compilers() {
  static const std::vector<std::string> kFound = [] {
    std::vector<std::string> found;
    for (const std::string name : {"gcc", "clang-16", "clang-19"}) {
      if (find_executable(std::span(&name, 1)).empty()) std::printf("skipped: %s\n", name.c_str());
      else found.push_back(name);
    }
    return found;
  }();
  return kFound;
}

const std::vector<std::string> kStrict = {"-Wall", "-Wextra", "-Werror"};

Tensor values(std::vector<int64_t> shape) { return toy::ramp(std::move(shape), 5); }

std::string run_error(LoadedModel& model, const Tensor& x) {
  try {
    model.run(std::vector{x});
  } catch (const CompileError& error) {
    return error.what();
  }
  return "no error";
}

TEST(generated, a_program_without_parallel_loops_has_no_warnings) {
  for (const std::vector<std::string>& levels :
       {std::vector<std::string>{"reference"}, {"reference", "v3"}}) {
    for (const std::string& compiler : compilers()) {
      const std::string folder = written(parsed(kShrinking, levels));
      EXPECT_NO_THROW(build_package(folder, {compiler, kStrict, 0}));
    }
  }
}

TEST(generated, sizes_that_would_be_negative_are_a_status) {
  const std::string folder = written(parsed(kShrinking, {"reference"}));
  build_package(folder);
  const auto model = open_package(folder);
  EXPECT_EQ(model->info().symbols[1].hint, 5);
  const Tensor x = values({2, 7});
  const Tensor y = model->run(std::vector{x})[0];
  ASSERT_EQ(y.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(y.as<float>()[3], x.as<float>()[11]);
  EXPECT_EQ(model->run(std::vector{values({3, 4})})[0].shape, (std::vector<int64_t>{3, 0}));
  expect_contains(run_error(*model, values({2, 3})),
                  "dimension 1 of 'y' would be -1 with n = 2, h = 3");
  expect_contains(run_error(*model, values({1, 0})),
                  "dimension 1 of 'inner' would be -2 with n = 1, h = 0");
  EXPECT_EQ(model->run(std::vector{x})[0].as<float>()[3], y.as<float>()[3]);
  LoadOptions small;
  small.max_symbols = {1, 3};
  EXPECT_THROW(open_package(folder, small), CompileError);
}

TEST(generated, sizes_beyond_64_bits_are_a_status) {
  const std::string folder = written(parsed(kShrinking, {"reference"}));
  const ModelApi api = library_api(build_package(folder), "sizes");
  void *model = nullptr, *context = nullptr;
  ASSERT_EQ(api.open(nullptr, &model), MT_OK);
  ASSERT_EQ(api.context_create(model, nullptr, &context), MT_OK);
  mt_tensor x{}, y{};
  x.dtype = MT_F32;
  x.rank = 2;
  x.shape[1] = INT64_MAX - 2;      // empty: no byte of it is needed
  EXPECT_EQ(api.run(context, &x, &y), MT_OUT_OF_MEMORY);
  expect_contains(api.last_error(), "'x' would have more than 2^63 bytes with n = 0, h = 9223372");
  EXPECT_EQ(y.data, nullptr);
  api.context_destroy(context);
  api.close(model);
}

// What the ranges prove is not checked when it runs.
TEST(generated, no_check_where_ranges_prove_the_sizes) {
  Source bounded = kShrinking;
  bounded.symbols = "symbol n 0..8 % 1 ~ 2\n  symbol h 4..9 % 1 ~ 5";
  EXPECT_EQ(emit_program_unit(parsed(bounded, {"reference"}), "").find("check_sizes"),
            std::string::npos);
  expect_contains(emit_program_unit(parsed(kShrinking, {"reference"}), ""), "check_sizes(");
}

// From 8 bits to 16 every lane goes through f32: no vector may be wider than the level's.
TEST(generated, casts_through_f32_keep_to_the_levels_vectors) {
  for (const char* from : {"i8", "u8", "i16"}) {
    const std::string type = from;
    const Source cast = {
        "symbol n 0..-1 % 1 ~ 0", type + "[n, 16]", "", "f16[n, 16]",
        "kernel cast_rows (x: " + type + "[n, 16], y: out f16[n, 16]; n: 0..) {\n"
        "  parallel i in 0..n {\n    x16 y[i, lane] = cast(f16, x[i, lane])\n  }\n}\n",
        "cast_rows(\"x\", \"y\"; n) tasks [n]"};
    for (const std::string& compiler : compilers()) {
      const std::string folder = written(parsed(cast, {"v3", "v4"}));
      EXPECT_NO_THROW(build_package(folder, {compiler, kStrict, 0})) << type;
    }
  }
}

// The value is a scalar: what is stored decides how wide the vectors are.
TEST(generated, a_splat_that_is_stored_keeps_to_the_levels_vectors) {
  const Source fill = {"symbol n 0..-1 % 1 ~ 0", "i64[n]", "", "i64[n, 16]",
                       "kernel fill (x: i64[n], y: out i64[n, 16]; n: 0..) {\n"
                       "  parallel i in 0..n {\n    x16 y[i, lane] = x[i]\n  }\n}\n",
                       "fill(\"x\", \"y\"; n) tasks [n]"};
  const std::string folder = written(parsed(fill, {"v3", "v4"}));
  EXPECT_NO_THROW(build_package(folder, {"gcc", kStrict, 0}));
}

// A symbol that is in no size harms nothing, one that no input gives is an error.
TEST(generated, symbols_that_no_input_has) {
  Source unused = kShrinking;
  unused.symbols += "\n  symbol batch 1..40 % 1 ~ 5";
  const std::string folder = written(parsed(unused, {"reference"}));
  build_package(folder);
  EXPECT_EQ(open_package(folder)->run(std::vector{values({2, 7})})[0].shape,
            (std::vector<int64_t>{2, 3}));
  Program program = parsed(unused, {"reference"});
  Buffer& inner = *std::ranges::find(program.buffers, "inner", &Buffer::name);
  inner.shape = {Index::var("batch") + 1};
  try {
    emit_program_unit(program, "");
    FAIL();
  } catch (const CompileError& error) {
    expect_contains(error.what(),
                    "'inner' has the size batch + 1, and no input has the size batch");
  }
}

std::string many_symbols(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "symbol s" + std::to_string(i) + " 0..-1 % 1 ~ 0\n  ";
  return text;
}

TEST(generated, too_many_symbols_are_named) {
  Source many = kShrinking;
  many.symbols = many_symbols(15) + many.symbols;
  try {
    emit_program_unit(parsed(many, {"reference"}), "");
    FAIL();
  } catch (const CompileError& error) {
    expect_contains(error.what(), "the model has 17 unknown sizes: s0, s1, s2,");
    expect_contains(error.what(), "at most 16 are possible; give some of them with --shape");
  }
}

// Symbols whose names become one in C++ stay apart, whatever they look like.
TEST(generated, symbols_have_variables_of_their_own) {
  Program program;
  std::vector<Index> all;
  for (const char* name : {"n_h_2", "n.h", "n_h", "n-h"}) {
    program.symbols.push_back({name, 0, -1, 1, 0});
    all.push_back(Index::var(name));
  }
  ProgramWriter out(program);
  out.symbol_locals(all, "from");
  EXPECT_EQ(out.take(), "const int64_t n_n_h_2 = from[0];\nconst int64_t n_n_h = from[1];\n"
                        "const int64_t n_n_h_3 = from[2];\nconst int64_t n_n_h_4 = from[3];\n");
}

}  // namespace
}  // namespace mintor
