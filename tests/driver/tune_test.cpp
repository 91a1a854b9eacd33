// SPDX-License-Identifier: Apache-2.0
// Tuning from end to end on small graphs: kernels are measured by the JIT, records replay to the
// same source, and what a record cannot say is refused with a reason. Needs a CPU with vectors.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/driver/tune_model.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/support/error.h"
#include "compiler/tune/machine.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

// Two kernels that differ, one of them twice.
constexpr const char* kModel = R"(graph model {
  x = input f32[30, 48]
  v = parameter f32[48, 48] random 1
  w = parameter f32[48, 48] random 2
  u = parameter f32[48, 40] random 3
  a = contract f32[30, 48] (x, v)  m = 30, n = 48, k = 48 | x[m, k] y[k, n]
  b = relu f32[30, 48] (a)
  c = contract f32[30, 48] (b, w)  m = 30, n = 48, k = 48 | x[m, k] y[k, n]
  d = relu f32[30, 48] (c)
  r = contract f32[30, 40] (d, u)  m = 30, n = 40, k = 48 | x[m, k] y[k, n]
  results r
}
)";

class Tune : public testing::Test {
 protected:
  void SetUp() override {
    const TargetInfo level = find_level("native");
    if (!level.vectors()) GTEST_SKIP() << "no vectors, one candidate";
    name = level.level;
    std::string pattern = (fs::temp_directory_path() / "mintor-tune.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    db = (folder / "db").string();
  }
  void TearDown() override {
    if (!folder.empty()) fs::remove_all(folder);
  }

  CompileContext context_with(const std::string& records) const {
    CompileContext context;
    context.options.cache_dir = (folder / "cache").string();
    context.options.threads = 1;
    context.options.explain = true;
    context.options.db = records;
    return context;
  }
  Graph graph(CompileContext& context) const { return optimise(context, parse_graph(kModel)); }
  TuneSummary tune_model(const TuneLimits& limits) const {
    CompileContext context = context_with("");
    const Graph model = graph(context);
    Database database(context, db);
    return tune(context, {&model, 1}, name, database, limits);
  }
  // Units of the package, and what was explained of records.
  struct Source {
    std::vector<std::string> texts, said;
    bool operator==(const Source&) const = default;
  };
  Source source(const std::string& records) const {
    CompileContext context = context_with(records);
    Source made;
    for (EmittedSource& unit : emit_source(build_program(context, graph(context), {name})))
      made.texts.push_back(std::move(unit.text));
    for (const std::string& line : context.explanations)
      if (line.starts_with("record: ")) made.said.push_back(line);
    return made;
  }
  std::vector<TuningRecord> records() const {
    std::vector<TuningRecord> all;
    std::ifstream file(db);
    for (std::string line; std::getline(file, line);) all.push_back(*record_of_line(line));
    return all;
  }
  void write(const std::vector<TuningRecord>& all) const {
    std::ofstream file(db);
    for (const TuningRecord& record : all) file << to_line(record) << "\n";
  }

  std::string name, db;
  fs::path folder;
};

TEST_F(Tune, DistinctKernelsAreMeasuredOnceAndKnownOnesSkipped) {
  const TuneSummary first = tune_model({60, 4});
  EXPECT_EQ(first.kernels, 2U);
  EXPECT_EQ(first.measured, 2U);
  EXPECT_EQ(records().size(), 2U);
  for (const TuningRecord& record : records()) {
    EXPECT_EQ(record.cpu, cpu_name());
    EXPECT_EQ(record.level, name);
    EXPECT_GT(record.seconds, 0);
    EXPECT_LE(record.seconds, record.default_seconds);
  }
  const TuneSummary again = tune_model({60, 4});
  EXPECT_EQ(again.known, 2U);
  EXPECT_EQ(again.measured, 0U);
  EXPECT_EQ(records().size(), 2U);
}

TEST_F(Tune, WithoutTimeNothingIsBegun) {
  const TuneSummary none = tune_model({0, 4});
  EXPECT_EQ(none.kernels, 2U);
  EXPECT_EQ(none.measured, 0U);
  EXPECT_FALSE(fs::exists(db));
}

TEST_F(Tune, RecordsReplayToTheSameSourceAndBits) {
  tune_model({60, 4});
  std::vector<TuningRecord> all = records();
  ASSERT_EQ(all.size(), 2U);
  // Whatever was measured: a candidate that no default is.
  for (TuningRecord& record : all)
    record.candidate = "register_tile rows=1 vectors=1 outermost=panels";
  write(all);
  const Source replayed = source(db);
  EXPECT_EQ(replayed, source(db));
  EXPECT_NE(replayed.texts, source("").texts);
  ASSERT_EQ(replayed.said.size(), 3U);  // the first reads the caller's memory, so it is apart
  for (const std::string& line : replayed.said)
    EXPECT_TRUE(line.ends_with(": register_tile rows=1 vectors=1 outermost=panels")) << line;

  CompileContext context = context_with(db);
  Graph model = parse_graph(kModel);
  CompileContext plain = context_with("");
  Graph same = parse_graph(kModel);
  auto [input, bytes] = Tensor::make(DType::f32, {30, 48});
  for (int64_t i = 0; i < input.count(); ++i)
    Scalar::of(DType::f32, static_cast<double>(i % 17) / 3 - 2).write(bytes + i * 4);
  const auto tuned = jit(context, model, {name})->run(std::vector<Tensor>{input});
  const auto untuned = jit(plain, same, {name})->run(std::vector<Tensor>{input});
  EXPECT_TRUE(same_bits(tuned[0], untuned[0]));
}

TEST_F(Tune, WhatARecordCannotSayIsRefusedWithAReason) {
  tune_model({60, 2});
  const std::vector<TuningRecord> all = records();
  ASSERT_EQ(all.size(), 2U);
  const auto said_of = [&](const TuningRecord& record) {
    write({record});
    const Source made = source(db);
    EXPECT_EQ(made.texts, source("").texts);
    return made.said.empty() ? "" : made.said[0];
  };
  TuningRecord other = all[0];
  other.cpu = "Some CPU";
  EXPECT_NE(said_of(other).find(": refused: it was measured on 'Some CPU', this is '"),
            std::string::npos);
  TuningRecord unknown = all[0];
  unknown.candidate = "register_tile rows=99 vectors=1 outermost=panels";
  EXPECT_TRUE(said_of(unknown).ends_with(": refused: register_tile has no such candidate"));
  TuningRecord level = all[0];
  level.level = "another";
  EXPECT_EQ(said_of(level), "");
}

// The cache of programs knows what the records said.
TEST_F(Tune, AProgramIsNotTakenFromTheCacheForOtherRecords) {
  tune_model({60, 2});
  const auto kernels = [&](const std::string& records) {
    CompileContext context = context_with(records);
    context.options.explain = false;
    Graph model = parse_graph(kModel);
    jit(context, model, {name});
    return model.numerics_hash.empty();  // it came from the cache
  };
  EXPECT_FALSE(kernels(""));
  EXPECT_TRUE(kernels(""));
  EXPECT_FALSE(kernels(db));
  EXPECT_TRUE(kernels(db));
  write({records()[0]});
  EXPECT_FALSE(kernels(db));
}

}  // namespace
}  // namespace mintor
