// SPDX-License-Identifier: Apache-2.0
// Model file -> Graphs -> optimised Graphs, one per entry. Takes a path and the options, those
// among them that say which inputs are states; gives the Graph that kernels are made from. Keeps
// true: the file's form is told by its contents, not only by its name; the numerics hash is that of
// the Graph after the numerics passes.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "compiler/driver/driver.h"
#include "compiler/graph/join_entries.h"
#include "compiler/graph/pipeline.h"
#include "compiler/graph/state_inputs.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest_file.h"
#if MINTOR_HAS_ONNX
#include "compiler/driver/import_options.h"
#endif

namespace mintor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxText = size_t{64} << 20;  // a Graph's text holds no large constants

std::string first_bytes(const std::string& path, size_t count) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw CompileError("load", "'" + path + "' cannot be opened", "",
                       did_you_mean_file(path, "MODEL is an .onnx file or the text of a graph"));
  }
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::string bytes(error ? count : std::min<uintmax_t>(count, size), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

// Comments and blank lines, then `graph NAME`.
bool is_graph_text(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.starts_with("graph ")) return true;
    if (!line.empty() && line.front() != '#' && line.front() != '\r') return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

std::vector<Graph> load_text(CompileContext& context, const std::string& path) {
  if (!context.options.shapes.empty()) {
    throw CompileError("load", "--shape is '" + context.options.shapes[0] + "' for a graph's text",
                       path, "write the sizes into the text itself");
  }
  if (fs::file_size(path) > kMaxText) {
    throw CompileError("load",
                       "the text has " + std::to_string(fs::file_size(path)) + " bytes, at most " +
                           std::to_string(kMaxText) + " are read",
                       path);
  }
  const std::string text = first_bytes(path, kMaxText);
  const std::string side = path + ".blobs";
  Blobs blobs;
  if (fs::exists(side)) {
    context.source_files.push_back(side);
    blobs = read_blobs(side);
  }
  std::vector<Graph> graphs = parse_graphs(text, blobs);
  for (const Graph& graph : graphs) verify_text(graph);
  return graphs;
}

std::vector<Graph> list_of(Graph graph) {
  std::vector<Graph> graphs;
  graphs.push_back(std::move(graph));
  return graphs;
}

Graph load_onnx(CompileContext& context, const std::string& path) {
#if MINTOR_HAS_ONNX
  Graph graph = import_onnx(context, path, import_options(context.options));
  graph.set_name(package_name_from(fs::path(path).stem().string()));
  return graph;
#else
  static_cast<void>(context);
  throw CompileError("load", "'" + path + "' is no graph's text, and ONNX files are not read", "",
                     "this build has no ONNX frontend: build with -DMINTOR_ONNX=ON");
#endif
}

std::vector<Graph> with_states(const Options& options, std::vector<Graph> graphs) {
  if (options.states.empty()) return graphs;
  if (graphs.size() > 1)
    throw CompileError("load",
                       "--state is '" + options.states[0] + "' for a text of " +
                           std::to_string(graphs.size()) + " entries",
                       "", "write `updates` into the text itself");
  std::vector<StateInput> states;
  for (const std::string& state : options.states) states.push_back(parse_state_input(state));
  return list_of(with_state_inputs(graphs[0], states));
}

}  // namespace

#if MINTOR_HAS_ONNX
OnnxImportOptions import_options(const Options& options) {
  OnnxImportOptions made;
  for (const std::string& shape : options.shapes) {
    auto [name, dims] = parse_onnx_shape(shape);
    if (!made.shapes.emplace(name, std::move(dims)).second) {
      throw CompileError("load", "--shape names input '" + name + "' twice");
    }
  }
  return made;
}
#endif

Graph load_model(CompileContext& context, const std::string& path) {
  std::vector<Graph> graphs = load_entries(context, path);
  if (graphs.size() == 1) return std::move(graphs[0]);
  throw CompileError(
      "load",
      "'" + path + "' has " + std::to_string(graphs.size()) + " entries, one is expected here", "",
      "`compile`, `run` and `verify DIR` take them all; else give one graph alone");
}

std::vector<Graph> load_entries(CompileContext& context, const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    throw CompileError("load", "'" + path + "' is a folder", "",
                       "MODEL is an .onnx file or the text of a graph");
  }
  // Opening a pipe or a device would wait for whoever writes to it.
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    throw CompileError("load", "'" + path + "' is not a regular file", "",
                       "MODEL is an .onnx file or the text of a graph");
  }
  context.source_files = {path};
  const bool named_onnx = fs::path(path).extension() == ".onnx";
  const bool is_text = is_graph_text(first_bytes(path, 64 << 10)) && !named_onnx;
  return with_states(context.options,
                     is_text ? load_text(context, path) : list_of(load_onnx(context, path)));
}

Graph optimise(CompileContext& context, Graph graph) {
  for (const std::string& name : context.options.disable_pass) check_may_be_left_out(name);
  return run_pipeline(context, std::move(graph));
}

void optimise(CompileContext& context, std::span<Graph> entries) {
  join_entries(entries);
  for (Graph& graph : entries) graph = optimise(context, std::move(graph));
  unify_symbols(entries);
}

}  // namespace mintor
