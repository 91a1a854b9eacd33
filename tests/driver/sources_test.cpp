// SPDX-License-Identifier: Apache-2.0
// What a package says of the files that it was made from. Takes a graph as text, with its side file
// of bytes; gives the manifest's `sources`. Keeps true: names without folders.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "compiler/driver/driver.h"
#include "compiler/ir/text.h"
#include "compiler/package/folder.h"
#include "compiler/package/package.h"

namespace mintor {
namespace {

namespace fs = std::filesystem;

TEST(Sources, AreInTheManifestWithTheirHashes) {
  std::string pattern = (fs::temp_directory_path() / "mintor-sources.XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const fs::path folder = pattern;
  const std::string model = folder / "small.graph", package = folder / "small";
  std::ofstream(model) << "graph small {\n  x = input f32[4]\n  y = relu f32[4] (x)\n"
                          "  results y\n}\n";
  CompileContext context;
  context.options.cache_dir = folder / "cache";
  const Graph graph = optimise(context, load_model(context, model));
  EXPECT_EQ(context.source_files, std::vector<std::string>{model});
  write_program_package(context, build_program(context, graph, {"reference"}), {}, package);
  const std::map<std::string, std::string> wanted = {{"small.graph", sha256_of_file(model)}};
  EXPECT_EQ(read_manifest(package).sources, wanted);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace mintor
