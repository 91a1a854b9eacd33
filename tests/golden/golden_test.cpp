// SPDX-License-Identifier: Apache-2.0
// Golden text of every graph pass, loop pass and schedule step, and the proof that those which
// must keep bits do. Takes the files of tests/golden/{passes,loop_passes,steps}; the item is the
// file's name up to the first dot. Arguments: of a pass, options as `name = value`; of a step, one
// call per line, as `split(m, 14)`, the last one under test. Expected: the text afterwards, or
// `refused: why`. With --update the expected parts are written anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "compiler/graph/pass.h"
#include "compiler/graph/pipeline.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/loop/pass.h"
#include "compiler/loop/step.h"
#include "tests/golden/golden_file.h"
#include "tests/golden/same_bits.h"

namespace mintor {
namespace {

bool g_update = false;
constexpr const char* kNotCanonical = "the input is not in the form that print gives";

std::string root() { return std::string(MINTOR_SOURCE_DIR) + "/tests/golden/"; }

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root() + folder, missing)) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path().filename().string());
  }
  std::ranges::sort(found);
  return found;
}

std::string item_of(const std::string& file) { return file.substr(0, file.find('.')); }

void compare(const golden::File& file, const std::string& actual) {
  if (g_update) {
    golden::write(file, actual);
  } else {
    EXPECT_EQ(file.expected, actual) << file.path << "\n`make golden-update` writes it anew";
  }
}

std::string with_newline(std::string text) {
  if (text.empty() || text.back() != '\n') text += '\n';
  return text;
}

bool keeps_bits(const std::string& pass) {
  return std::ranges::any_of(bit_preserving_pipeline(),
                             [&](const PipelineEntry& entry) { return entry.pass == pass; });
}

class Golden : public testing::TestWithParam<std::string> {};
class GraphPasses : public Golden {};
class LoopPasses : public Golden {};
class Steps : public Golden {};

TEST_P(GraphPasses, GivesItsText) {
  const golden::File file = golden::read(root() + "passes/" + GetParam());
  CompileContext context;
  for (const std::string& line : golden::lines_of(file.arguments)) {
    const size_t equals = line.find(" = ");
    ASSERT_NE(equals, std::string::npos) << "an argument is `option = value`, not: " << line;
    set_option(context.options, line.substr(0, equals), line.substr(equals + 3));
  }
  const GraphPass& pass = find_graph_pass(item_of(GetParam()));
  const golden::Seeded seeded(file.input);
  const Graph before = parse_graph(seeded.with_hashes(file.input), seeded.blobs());
  verify(before);
  EXPECT_EQ(seeded.with_names(print(before)), file.input) << kNotCanonical;
  const Graph after = pass.run(context, before);
  verify(after);
  compare(file, with_newline(seeded.with_names(print(after))));
  if (keeps_bits(pass.name)) golden::expect_same_bits(before, after);
}

TEST_P(LoopPasses, GivesItsText) {
  const golden::File file = golden::read(root() + "loop_passes/" + GetParam());
  const Kernel before = parse_kernel(file.input);
  verify(before);
  EXPECT_EQ(print(before), file.input) << kNotCanonical;
  const Kernel after = run_loop_pass(item_of(GetParam()), before);
  verify(after);
  compare(file, with_newline(print(after)));
  golden::expect_same_bits(before, after);
}

TEST_P(Steps, GivesItsText) {
  const golden::File file = golden::read(root() + "steps/" + GetParam());
  const Kernel before = parse_kernel(file.input);
  verify(before);
  EXPECT_EQ(print(before), file.input) << kNotCanonical;
  const std::vector<std::string> calls = golden::lines_of(file.arguments);
  ASSERT_FALSE(calls.empty()) << "the arguments hold no step";
  Kernel after = before;
  Refusal refusal;
  for (size_t i = 0; i < calls.size(); ++i) {
    const StepCall call = parse_step(calls[i]);
    EXPECT_EQ(print(call), calls[i]);
    if (i + 1 == calls.size()) {
      EXPECT_EQ(call.name, item_of(GetParam()));
    }
    const std::string text = print(after);
    refusal = apply_step(after, call.name, call.args);
    if (refusal) {
      EXPECT_EQ(print(after), text) << "a step that refuses changes nothing";
      EXPECT_EQ(i + 1, calls.size()) << calls[i] << " refused: " << refusal.reason;
      break;
    }
    verify(after);
  }
  compare(file, refusal ? "refused: " + refusal.reason + "\n" : with_newline(print(after)));
  golden::expect_same_bits(before, after);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.size() - 4);
  std::ranges::replace(name, '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Text, GraphPasses, testing::ValuesIn(files_in("passes")), test_name);
INSTANTIATE_TEST_SUITE_P(Text, LoopPasses, testing::ValuesIn(files_in("loop_passes")), test_name);
INSTANTIATE_TEST_SUITE_P(Text, Steps, testing::ValuesIn(files_in("steps")), test_name);

// A set without files must not pass unseen: the registries say what there is.
TEST(Golden, EveryItemHasAFile) {
  const auto has = [](const std::vector<std::string>& files, const char* item) {
    return std::ranges::any_of(files, [&](const auto& file) { return item_of(file) == item; });
  };
  const auto passes = files_in("passes"), loop_passes = files_in("loop_passes"),
             steps = files_in("steps");
  for (const GraphPass* pass : all_graph_passes()) {
    EXPECT_TRUE(has(passes, pass->name)) << pass->name;
  }
  for (const LoopPass* pass : all_loop_passes()) {
    EXPECT_TRUE(has(loop_passes, pass->name)) << pass->name;
  }
  for (const Step* step : all_steps()) {
    EXPECT_TRUE(has(steps, step->name)) << step->name;
  }
}

}  // namespace

}  // namespace mintor

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) mintor::g_update |= std::strcmp(argv[i], "--update") == 0;
  return RUN_ALL_TESTS();
}
