// SPDX-License-Identifier: Apache-2.0
// Every dtype through every kind of index node: evaluator, Program interpreter and JIT by both
// compilers, at every level that this machine runs, bits equal. Takes nothing; a graph a kind, with
// a result for each dtype, at constant and at symbolic sizes. Keeps true: masks made of bytes, of
// scalars and of comparisons of every width meet each other.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <span>

#include "compiler/codegen/target.h"
#include "compiler/driver/driver.h"
#include "compiler/graph/cost.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/seeded.h"
#include "compiler/jit/llvm_library.h"
#include "compiler/ops/library.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr DType kDTypes[] = {DType::boolean, DType::f32, DType::f64, DType::f16, DType::i8,
                             DType::i64,     DType::u8,  DType::i16, DType::i32, DType::bf16,
                             DType::u16,     DType::u32, DType::u64};
constexpr size_t kOfEachWidth = 6;  // the first ones

// x and y have the shape [rows, columns]; rows index and columns index hold i64 that may leave it.
struct Inputs {
  Builder& b;
  Value x, y, row_index, column_index, choice;  // choice: bool [rows, columns]
  Index rows, columns;
};

using Make = std::vector<Value> (*)(const Inputs&);
struct IndexKind {
  const char* name;
  Make make;
};

std::vector<Value> pads(const Inputs& in) {
  const std::vector<Index> rows{1, 0}, columns{0, 3}, both{2, 1};
  const auto pad = [&](const std::vector<Index>& before, const std::vector<Index>& after) {
    return ops::pad(in.b, in.x, before, after, ops::PadMode::constant, Value{});
  };
  return {pad(rows, rows), pad(columns, both),
          ops::pad(in.b, in.x, both, both, ops::PadMode::edge, Value{})};
}

std::vector<Value> gathers(const Inputs& in) {
  return {ops::take(in.b, in.x, in.row_index, 0), ops::take(in.b, in.x, in.column_index, 1)};
}

std::vector<Value> concats(const Inputs& in) {
  const Value parts[] = {in.x, in.y, in.x};
  const Value gathered[] = {ops::take(in.b, in.x, in.row_index, 0), in.y};
  return {in.b.concat(parts, 0), in.b.concat(parts, 1), in.b.concat(gathered, 0)};
}

std::vector<Value> slices(const Inputs& in) {
  const std::vector<Index> zero{0, 0}, one{0, 1}, last{in.rows - 1, in.columns - 1};
  const std::vector<Index> whole{in.rows, in.columns}, less{in.rows, in.columns - 1};
  const std::vector<Index> half{in.rows, ceildiv(in.columns, 2)};
  return {ops::slice(in.b, in.x, one, less, std::vector<int64_t>{1, 1}),
          ops::slice(in.b, in.x, zero, half, std::vector<int64_t>{1, 2}),
          ops::slice(in.b, in.x, last, whole, std::vector<int64_t>{-1, -1})};
}

std::vector<Value> moves(const Inputs& in) {
  const Value turned = in.b.transpose(in.x, {1, 0});
  const std::vector<Index> twice{2, 1};
  return {turned, in.b.reshape(in.x, {in.columns * in.rows}), ops::tile(in.b, in.x, twice),
          in.b.broadcast(in.x, {2, in.rows, in.columns}, {1, 2})};
}

std::vector<Value> scatters(const Inputs& in) {
  if (is_storage_float(in.x.dtype())) return {};
  const Value at = in.b.broadcast(in.column_index, {in.rows, 4}, {1});
  const std::vector<Index> zero{0, 0}, size{in.rows, 4};
  const Value updates = ops::slice(in.b, in.y, zero, size, std::vector<int64_t>{1, 1});
  return {ops::scatter_elements(in.b, in.x, at, updates, 1, Combiner::last)};
}

// A choice per row is a scalar condition of vectors, one per element a mask.
std::vector<Value> chosen(const Inputs& in) {
  const Shape shape{in.rows, in.columns};
  const Value row = in.b.apply(ScalarOp::lt, {in.b.iota(DType::i32, {in.rows}, 0),
                                              in.b.full(DType::i32, {in.rows}, 2)});
  const Value rows = in.b.broadcast(row, shape, {0});
  const std::vector<Index> around{1, 2};
  const Value padded =
      ops::pad(in.b, in.x, around, around, ops::PadMode::constant, Value{});
  const Value inner =
      ops::slice(in.b, padded, std::vector<Index>{0, 1}, std::vector<Index>{in.rows, in.columns},
                 std::vector<int64_t>{1, 1});
  return {in.b.apply(ScalarOp::where, {in.choice, in.x, in.y}),
          in.b.apply(ScalarOp::where, {rows, in.x, in.y}),
          in.b.apply(ScalarOp::where, {rows, inner, in.y}),
          in.b.apply(ScalarOp::where, {in.choice, inner, in.y})};
}

// Masks of this dtype's comparisons beside bytes, padding and other masks.
std::vector<Value> masks(const Inputs& in) {
  Builder& b = in.b;
  const Shape shape{in.rows, in.columns};
  const bool wide = is_storage_float(in.x.dtype());
  const Value mask = b.apply(ScalarOp::eq, {wide ? b.cast(in.x, DType::f32) : in.x,
                                            wide ? b.cast(in.y, DType::f32) : in.y});
  const Value truth = b.cast(in.x, DType::boolean);
  const std::vector<Index> around{1, 0};
  const Value padded = b.slice(ops::pad(b, mask, around, around, ops::PadMode::constant, Value{}),
                               {0, 0}, shape, {1, 1});
  const Value row = b.broadcast(b.apply(ScalarOp::lt, {b.iota(DType::i64, {in.rows}, 0),
                                                       b.full(DType::i64, {in.rows}, 1)}),
                                shape, {0});
  const Value either = b.apply(ScalarOp::where, {row, mask, in.choice});
  const Value parts[] = {mask, in.choice, truth};
  const std::vector<int64_t> along{1};
  return {padded, either, b.concat(parts, 0), b.apply(ScalarOp::xor_, {padded, truth}),
          b.apply(ScalarOp::and_, {in.choice, b.apply(ScalarOp::not_, {either})}),
          b.cast(b.apply(ScalarOp::or_, {truth, padded}), in.x.dtype()),
          ops::reduce(b, ops::Reduction::any, padded, along, false),
          ops::reduce(b, ops::Reduction::all, either, std::vector<int64_t>{0}, false),
          ops::take(b, mask, in.row_index, 0)};
}

constexpr IndexKind kKinds[] = {{"pad", pads},         {"gather", gathers}, {"concat", concats},
                                {"slice", slices},     {"move", moves},     {"scatter", scatters},
                                {"choose", chosen},    {"mask", masks}};

Graph graph_of(const IndexKind& kind, bool symbolic) {
  Graph graph(kind.name);
  Builder b(graph);
  if (symbolic) {
    graph.add_symbol({"rows", 0, -1, 1, 3});
    graph.add_symbol({"columns", 4, -1, 1, 37});
    graph.add_symbol({"picks", 0, -1, 1, 5});
  }
  const Index rows = symbolic ? Index::var("rows") : Index(3);
  const Index columns = symbolic ? Index::var("columns") : Index(37);
  const Index picks = symbolic ? Index::var("picks") : Index(5);
  const Value row_index = b.input("row_index", DType::i64, {picks});
  const Value column_index = b.input("column_index", DType::i64, {4});
  const Value choice = b.input("choice", DType::boolean, {rows, columns});
  for (const DType dtype : std::span(kDTypes).first(symbolic ? kOfEachWidth : std::size(kDTypes))) {
    const std::string name(name_of(dtype));
    const Value x = b.input("x_" + name, dtype, {rows, columns});
    const Value y = b.input("y_" + name, dtype, {rows, columns});
    int count = 0;
    for (const Value& v : kind.make({b, x, y, row_index, column_index, choice, rows, columns}))
      graph.results.push_back({name + std::to_string(count++), v});
  }
  return graph;
}

std::map<std::string, Tensor> values_for(const Graph& graph, const SymbolValues& symbols) {
  std::map<std::string, Tensor> values;
  uint64_t seed = 3;
  for (const Node* node : inputs_of(graph)) {
    std::vector<int64_t> shape;
    for (const Index& e : node->results[0].shape)
      shape.push_back(e.evaluate([&](std::string_view n) { return symbols.at(std::string(n)); }));
    values[node->as<InputAttr>().name] =
        seeded_tensor(node->results[0].dtype, shape, seed++, SeededFloats::hard, 4);
  }
  return values;
}

struct Cache {
  std::string folder =
      (std::filesystem::temp_directory_path() / "mintor-kinds-test.XXXXXX").string();
  Cache() {
    if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~Cache() { std::filesystem::remove_all(folder); }
};

std::vector<SymbolValues> sizes_of(bool symbolic) {
  if (!symbolic) return {{}};
  return {{{"rows", 3}, {"columns", 37}, {"picks", 5}},
          {{"rows", 0}, {"columns", 4}, {"picks", 0}},
          {{"rows", 1}, {"columns", 16}, {"picks", 1}},
          {{"rows", 18}, {"columns", 5}, {"picks", 0}}};
}

void expect_same_bits(const Graph& original, const Program& program, LoadedModel& model,
                      const SymbolValues& symbols, const std::string& who) {
  const auto named = values_for(original, symbols);
  std::vector<Tensor> inputs;
  for (const int32_t id : program.entries[0].inputs)
    inputs.push_back(named.at(program.buffers[id].name));
  const std::vector<Tensor> want = evaluate(original, named).results, have = model.run(inputs);
  ASSERT_EQ(have.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_TRUE(same_bits(have[i], want[i])) << who << ", result " << original.results[i].name;
}

std::vector<std::string> levels_here() {
  std::vector<std::string> levels;
  for (const Target* target : all_targets())
    for (const TargetInfo& level : target->levels())
      if (target->host_supports(level)) levels.push_back(level.level);
  return levels;
}

struct Kinds : testing::TestWithParam<std::tuple<IndexKind, bool>> {};

TEST_P(Kinds, HaveTheSameBitsForEveryDType) {
  const auto& [kind, symbolic] = GetParam();
  const Cache cache;
  CompileContext context;
  context.options.cache_dir = cache.folder;
  const Graph original = graph_of(kind, symbolic);
  const Graph optimised = optimise(context, graph_of(kind, symbolic));
  for (const std::string& level : levels_here()) {
    const Program program = build_program(context, optimised, {level});
    for (const std::string compiler : {"llvm", "system"}) {
      if (compiler == "llvm" && llvm_library_path().empty()) continue;
      if (compiler == "system" && symbolic) continue;  // slow, and nothing new
      context.options.jit = compiler;
      const auto model = jit(context, program);
      for (const SymbolValues& symbols : sizes_of(symbolic))
        expect_same_bits(original, program, *model, symbols, compiler + " at " + level);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Kinds,
                         testing::Combine(testing::ValuesIn(kKinds), testing::Bool()),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) ? "_symbolic" : "_constant");
                         });

}  // namespace
}  // namespace mintor
