// SPDX-License-Identifier: Apache-2.0
// Takes an imported Graph; gives one that is ready for fusion.
// Keeps true: numerics passes come first; what follows preserves bits.
#include "compiler/graph/pipeline.h"

#include <algorithm>
#include <chrono>

#include "compiler/graph/check_bits.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"
#include "compiler/support/sha256.h"

namespace mintor {

// May change bits; read the Graph, the hints and the options alone. After the last one the Graph is
// frozen.
static constexpr PipelineEntry kNumerics[] = {
    {"inline_calls", "needs: gradients that are asked for. gives: one graph, which all passes see"},
    {"merge_loops",
     "needs: loops as gradients repeat them. gives: one loop that stacks what both want"},
    {"capture_unchanged",
     "needs: loops as imported. gives: captures where a body carries on what it was given"},
    {"parameters_into_regions",
     "needs: captures. gives: bodies that see which values are weights, so that `prepare` packs "
     "them"},
    {"scatter_to_gather",
     "needs: scatters as gradients and slice assignments make them. gives: reads and reductions"},
    {"find_contracts",
     "needs: products as imported. gives: contracts, which fold_scale and order work on"},
    {"sum_after_loop",
     "needs: contracts. gives: gradients of recurrent weights as one contract, not one a step"},
    {"integer_contracts",
     "needs: contracts. gives: exact integer sums of dequantised operands; not when strict"},
    {"fold_requantise",
     "needs: scaled integer sums. gives: one product where a quotient followed; not when strict"},
    {"narrow_weights",
     "needs: contracts that stay f32. gives: weights read as bytes; not when strict"},
    {"fold_scale",
     "needs: contracts. gives: batch norms inside weights, made by `prepare`; not when strict"},
    {"native_bf16",
     "needs: factors inside weights, which are rounded once. gives: products of bf16, which "
     "winograd "
     "leaves alone; only when native-bf16"},
    {"winograd",
     "needs: folded weights. gives: convolutions with fewer products, their weights made by "
     "`prepare`; not when strict"},
    {"byte_products",
     "needs: contracts of integers. gives: those of bytes, their zero points taken off the sums"},
    {"order",
     "needs: everything that sums. gives: an Order on each reduce, scan and contract; freezes the "
     "Graph"},
};

// Preserve bits, each on its own.
static constexpr PipelineEntry kBitPreserving[] = {
    {"unique_symbols",
     "needs: regions as they are. gives: one namespace of sizes, which a program has"},
    {"expand_random",
     "needs: nothing. gives: element-wise integers, which kernels compute; no random node is left"},
    {"sort_by_digits", "needs: nothing. gives: stable sorts by bytes, which kernels compute"},
    {"fold_constants",
     "needs: nothing. gives: small constants for what depends on small constants only"},
    {"lift_quantise",
     "needs: quantisation as imported. gives: pools and concats of bytes, not of floats"},
    {"compose_reindex",
     "needs: nothing. gives: one index node where several followed each other, so patterns are "
     "plain"},
    {"channels_last",
     "needs: composed transposes. gives: convolutions whose channels are innermost, transposes "
     "around them"},
    {"pool_channels_last",
     "needs: convolutions whose channels are innermost. gives: pools likewise, also where no "
     "convolution is near"},
    {"orient_contracts",
     "needs: composed transposes, which it reads through. gives: products whose vectors need the "
     "fewest copies"},
    {"sink_transpose",
     "needs: transposes made by channels_last. gives: whole regions in one layout, transposes at "
     "borders"},
    {"sink_reindex",
     "needs: transposes that are where they stay. gives: tails of contracts where reshapes lay "
     "between"},
    {"compose_reindex", "needs: transposes that met. gives: their cancellation"},
    {"fold_into_contract",
     "needs: index nodes before a contract. gives: contracts that read through them"},
    {"byte_words",
     "needs: final coordinates, channels innermost. gives: sums by words of four bytes"},
    {"pack_operands",
     "needs: final coordinates of contracts. gives: 16-lane panels for the operand that vectors "
     "read"},
    {"pack_rows", "needs: panels. gives: tiles of rows for the operand that they all read"},
    {"compose_reindex", "needs: packing of reindexed operands. gives: one copy each"},
    {"hoist_invariants",
     "needs: packed operands. gives: loops that pack what they capture once, before they run"},
};

std::span<const PipelineEntry> numerics_pipeline() { return kNumerics; }
std::span<const PipelineEntry> bit_preserving_pipeline() { return kBitPreserving; }

const GraphPass& find_graph_pass(std::string_view name) {
  std::vector<std::string_view> known;
  for (const GraphPass* pass : all_graph_passes()) {
    if (name == pass->name) return *pass;
    known.push_back(pass->name);
  }
  throw CompileError("pass", "there is no graph pass " + std::string(name), "",
                     did_you_mean(name, known));
}

static bool has_regions(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const auto& node) {
    return node->kind == Kind::if_ || node->kind == Kind::loop;
  });
}

static std::optional<std::vector<Value>> with_new_regions(const GraphPass& pass,
                                                          CompileContext& context, Builder& b,
                                                          const Node& old,
                                                          std::span<const Value> operands) {
  if (old.kind != Kind::if_ && old.kind != Kind::loop) return std::nullopt;
  RegionAttr attr = old.as<RegionAttr>();
  bool same = true;
  for (auto& region : attr.regions) {
    Graph after = run_with_regions(pass, context, *region);
    if (after.is_same(*region)) continue;
    same = false;
    region = std::make_shared<const Graph>(std::move(after));
  }
  if (same) return std::nullopt;
  return b.node(old.kind, std::move(attr), operands, old.results);
}

Graph run_with_regions(const GraphPass& pass, CompileContext& context, const Graph& graph) {
  if (!has_regions(graph)) return pass.run(context, graph);
  const Graph inner =
      rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
        return with_new_regions(pass, context, b, old, operands);
      });
  return pass.run(context, inner);
}

// Scopes are where a node came from, not what it is.
std::string numerics_hash(const Graph& frozen) { return sha256_hex(print(frozen, Scopes::hidden)); }

namespace {

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void compare_bits(CompileContext& context, const char* pass, const Graph& before,
                  const Graph& after) {
  const std::string reason = check_bits(pass, before, after);
  if (reason.empty()) return;
  const std::string warning = "verify-passes: the bits are not compared: " + reason;
  if (!contains(context.warnings, warning)) context.warn(warning);  // each pass has the same reason
}

// One pass: timed, verified, its bits checked once they are decided, its change reported. Returns
// true when the pipeline stops here.
bool run_one(CompileContext& context, const char* name, Stage stage, Graph& graph) {
  if (contains(context.options.disable_pass, name)) return context.options.stop_after == name;
  const auto begin = std::chrono::steady_clock::now();
  const bool compare = context.options.dump_changed;
  const std::string before = compare ? print(graph) : "";
  Graph after_pass = run_with_regions(find_graph_pass(name), context, graph);
  const auto end = std::chrono::steady_clock::now();
  PassTime time{name, std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count(),
                true};
  if (context.options.verify_passes && stage == Stage::frozen)
    compare_bits(context, name, graph, after_pass);
  graph = std::move(after_pass);
  if (compare) {
    const std::string after = print(graph);
    time.changed = after != before;
    if (time.changed && context.dump) context.dump(name, after);
  }
  context.pass_times.push_back(time);
  if (context.options.verify_passes) verify(graph, stage);
  return context.options.stop_after == name;
}

}  // namespace

Graph run_pipeline(CompileContext& context, Graph graph) {
  if (!context.options.stop_after.empty()) find_graph_pass(context.options.stop_after);
  bool stop = false;
  for (size_t n = 0; n < std::size(kNumerics) && !stop; ++n)
    stop = run_one(context, kNumerics[n].pass, Stage::imported, graph);
  const std::string hash = numerics_hash(graph);
  for (size_t n = 0; n < std::size(kBitPreserving) && !stop; ++n)
    stop = run_one(context, kBitPreserving[n].pass, Stage::frozen, graph);
  graph.numerics_hash = hash;
  return graph;
}

}  // namespace mintor
