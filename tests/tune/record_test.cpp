// SPDX-License-Identifier: Apache-2.0
// Records of tuning and files of them: lines and back, merging by concatenation, what is of no use
// here. Takes records made by hand; nothing is measured.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compiler/support/error.h"
#include "compiler/tune/database.h"
#include "compiler/tune/machine.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

TuningRecord record_of(const std::string& kernel, const std::string& candidate) {
  TuningRecord record;
  record.level = "v3";
  record.cpu = cpu_name();
  record.kernel = kernel;
  record.candidate = candidate;
  record.seconds = 1.25e-5;
  record.default_seconds = 2e-5;
  return record;
}

class Tuning : public testing::Test {
 protected:
  Tuning() {
    std::string pattern = (fs::temp_directory_path() / "mintor-tuning.XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  ~Tuning() override { fs::remove_all(folder); }
  std::string path(const std::string& name) const { return folder / name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder;
  CompileContext context;
};

TEST_F(Tuning, ARecordIsOneLineThatReadsBack) {
  TuningRecord record = record_of("ab12", "register_tile rows=3 vectors=2 outermost=panels");
  record.cpu = "a \"quoted\" name\nof two lines";
  const std::string line = to_line(record);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(record_of_line(line), record);
  EXPECT_EQ(line.substr(0, 12), R"({"version":1)");
}

TEST_F(Tuning, WhatIsNoRecordIsNone) {
  const std::string line = to_line(record_of("ab12", "c"));
  const std::string huge = "{\"version\":1e300" + line.substr(line.find(','));
  for (const std::string& wrong :
       {std::string(), std::string("no json"), std::string("[]"), std::string("{}"), huge,
        line.substr(0, line.size() / 2), std::string(R"({"version":"one"})")})
    EXPECT_EQ(record_of_line(wrong), std::nullopt) << wrong;
}

TEST_F(Tuning, FilesMergeByConcatenationAndTheLastRecordCounts) {
  const std::string first =
      to_line(record_of("k1", "a")) + "\n" + to_line(record_of("k2", "b")) + "\n";
  const std::string second = to_line(record_of("k1", "c")) + "\n";
  write("db", first + second);
  const Database database(context, path("db"));
  EXPECT_EQ(database.size(), 2U);
  EXPECT_EQ(database.find("k1", "v3")->candidate, "c");
  EXPECT_EQ(database.find("k2", "v3")->candidate, "b");
  EXPECT_EQ(database.find("k1", "v4"), nullptr);
  EXPECT_EQ(database.find("k3", "v3"), nullptr);
  EXPECT_TRUE(context.warnings.empty());
}

TEST_F(Tuning, AWriteThatWasCutOffCostsItsOwnRecordAlone) {
  const std::string whole = to_line(record_of("k1", "a")) + "\n";
  write("db", whole + R"({"version":1,"level":"v3)");
  Database database(context, path("db"));
  EXPECT_EQ(context.warnings,
            std::vector<std::string>{path("db") + ": line 2 is no tuning record, passed over"});
  database.append(record_of("k2", "b"));
  CompileContext again;
  const Database reread(again, path("db"));
  EXPECT_EQ(reread.size(), 2U);
  EXPECT_EQ(reread.find("k2", "v3")->candidate, "b");
}

TEST_F(Tuning, AppendsToAFileThatIsNotThere) {
  Database database(context, path("new"));
  EXPECT_EQ(database.size(), 0U);
  database.append(record_of("k1", "a"));
  database.append(record_of("k1", "b"));
  EXPECT_EQ(read("new"),
            to_line(record_of("k1", "a")) + "\n" + to_line(record_of("k1", "b")) + "\n");
  EXPECT_EQ(database.find("k1", "v3")->candidate, "b");
}

TEST_F(Tuning, RecordsOfAnotherCpuOrVersionAreRefusedWithAReason) {
  TuningRecord other = record_of("k1", "a");
  other.cpu = "Some CPU";
  EXPECT_EQ(Database::refusal(other),
            "it was measured on 'Some CPU', this is '" + cpu_name() + "'");
  TuningRecord later = record_of("k1", "a");
  later.version = 99;
  EXPECT_EQ(Database::refusal(later), "the record is of version 99, this compiler reads version 1");
  EXPECT_EQ(Database::refusal(record_of("k1", "a")), "");
  // It does not take the place of one that is of use, in whatever order they stand.
  for (const bool first : {false, true}) {
    const std::string own = to_line(record_of("k1", "own")) + "\n";
    write("db", first ? to_line(other) + "\n" + own : own + to_line(other) + "\n");
    const Database database(context, path("db"));
    EXPECT_EQ(database.find("k1", "v3")->candidate, "own");
    EXPECT_EQ(database.usable(), 1U);
  }
}

TEST_F(Tuning, ACompileNeedsTheFileAndSaysWhenNothingInItIsOfUse) {
  try {
    measured_in(context, path("none"));
    FAIL() << "there is no file";
  } catch (const CompileError& error) {
    EXPECT_NE(std::string(error.what()).find("there is no file '" + path("none") + "'"),
              std::string::npos);
  }
  TuningRecord other = record_of("k1", "a");
  other.cpu = "Some CPU";
  write("db", to_line(other) + "\n");
  measured_in(context, path("db"));
  ASSERT_EQ(context.warnings.size(), 1U);
  EXPECT_NE(context.warnings[0].find("no record is of use on this CPU"), std::string::npos);
}

}  // namespace
}  // namespace mintor
