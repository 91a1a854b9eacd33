// SPDX-License-Identifier: Apache-2.0
// Operands of contracts as bf16, for `--numerics native-bf16` alone: each is rounded once, to
// nearest even; products are exact and summed in f32, in pairs where the CPU has an instruction.
//   y = contract (x: f32, w: f32)
//     ->  y = contract (cast bf16 (x), cast bf16 (w)) order chain(8192, pairs)
// Takes products of f32 or bf16 with one summed axis beside the windows, the innermost of the
// sequence and of at least kFewest positions. What is left as it was: depthwise convolutions (they
// sum windows only), first layers of a few channels and dot products, where conversions cost more
// than the products; gradients that sum several axes; f64 and integers.
#include "compiler/graph/cost.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/pairs.h"

namespace mintor {
namespace {

// One block of channels, the unit of packed layouts.
constexpr int64_t kFewest = 16;

bool is_single(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

std::optional<std::vector<Value>> in_bf16(Builder& b, const SymbolValues& typical, const Node& old,
                                          std::span<const Value> operands) {
  if (old.kind != Kind::contract) return std::nullopt;
  Contract c = old.as<Contract>();
  const Value &x = operands[0], &y = operands[1];
  if (c.order.form != Order::Form::unset || !is_single(x.dtype()) || !is_single(y.dtype()))
    return std::nullopt;
  c.order = default_order(old);
  const ContractAxis* k = pair_axis_of(c, DType::bf16, DType::bf16);
  if (k == nullptr || value_of(k->extent, typical) < kFewest) return std::nullopt;
  c.order.pairs = true;
  Builder::Scope scope(b, "bf16");
  return std::vector<Value>{b.contract(b.cast(x, DType::bf16), b.cast(y, DType::bf16), c)};
}

Graph run(CompileContext& context, const Graph& graph) {
  if (context.options.numerics != "native-bf16") return rewrite(graph, nullptr);
  const SymbolValues typical = typical_symbols(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return in_bf16(b, typical, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_native_bf16;
const GraphPass pass_native_bf16 = {"native_bf16", "rounds operands of contracts to bf16", run};

}  // namespace mintor
