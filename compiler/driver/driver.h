// SPDX-License-Identifier: Apache-2.0
// The whole way, for the CLI, Python and tests: model file -> Graph -> Program -> package or loaded
// JIT model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/package/loaded_model.h"
#include "compiler/program/program.h"
#include "compiler/support/context.h"

namespace mintor {

// .onnx or Graph text (with its side file of bytes beside it); shapes of the options applied.
Graph load_model(CompileContext& context, const std::string& path);
// The same of a model that may have several entries: a text of several graphs.
std::vector<Graph> load_entries(CompileContext& context, const std::string& path);
// Numerics passes, then bit-preserving passes; stop-after, disable and dumps as the options say.
Graph optimise(CompileContext& context, Graph graph);
// The entries of one model, in place: they share parameters by name (graph/join_entries.h).
void optimise(CompileContext& context, std::span<Graph> entries);
// What --disable-pass takes: graph passes, loop passes and strategies, but not `order`, which
// decides bits.
std::vector<std::string_view> may_be_left_out();
// CompileError for other names, with the nearest.
void check_may_be_left_out(const std::string& name);
// Fusion, lowering, schedules for each level, memory plan. Levels by name, lowest first.
Program build_program(CompileContext& context, const Graph& graph,
                      const std::vector<std::string>& levels);
// A Program with an entry per Graph, by their names. Optimised together.
Program build_program(CompileContext& context, std::span<const Graph> entries,
                      const std::vector<std::string>& levels);

struct EmittedSource { std::string file, text; std::vector<std::string> flags; };
// program.cpp and kernels_<level>.cpp, as a package holds them (not yet formatted).
std::vector<EmittedSource> emit_source(const Program& program);

// `entry`: "" is the first. Its run starts from the states of a new context.
struct Case {
  std::map<std::string, Tensor> inputs, outputs;
  double rtol = 1e-3, atol = 1e-4;
  std::string entry = "";
};
// Where this machine runs no level of a program, seeded cases of its entries whose outputs come
// from a level that it does run, which has the same bits. Else none: write_program_package makes
// them.
std::vector<Case> cases_from_here(CompileContext& context, const Program& program,
                                  std::span<const Graph> entries);
// What a package verifies itself with where `cases` is empty: of each entry seeded inputs and their
// outputs, or nothing (for those who want its sources; its `verify` fails).
enum class WithoutCases { seeded, none };
void write_program_package(CompileContext& context, const Program& program,
                           const std::vector<Case>& cases, const std::string& directory,
                           WithoutCases without_cases = WithoutCases::seeded);
// Compiles (or takes from the cache) and loads; threads, level and profile hook as `load` says (its
// weights are unused).
std::unique_ptr<LoadedModel> jit(CompileContext& context, const Program& program,
                                 const LoadOptions& load = {});
// The same from a Graph. Where the cache has a program of its structure, options and levels, that
// is opened with the graph's weights: no pass runs, and `graph` stays as it was. Else it is
// optimised in place (unless it is already: its numerics_hash says so), built, compiled and
// remembered. The model's info holds no numerics hash: the optimised Graph does.
std::unique_ptr<LoadedModel> jit(CompileContext& context, Graph& graph,
                                 const std::vector<std::string>& levels,
                                 const LoadOptions& load = {});
std::unique_ptr<LoadedModel> jit(CompileContext& context, std::span<Graph> entries,
                                 const std::vector<std::string>& levels,
                                 const LoadOptions& load = {});

}  // namespace mintor
