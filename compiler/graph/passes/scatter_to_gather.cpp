// SPDX-License-Identifier: Apache-2.0
// A scatter whose map can be inverted reads instead of writing: every element of the result finds
// what was written to it, so that all are independent.
//   z = reindex_reduce add (0, y) [i1, i0]           ->   z = reindex (y) [i1, i0]
//   z = reindex_reduce add (0, y[m, w]) [2*m + w]    ->   z = reduce add over w of
//       reindex (y) [(i0 - w) // 2, w] where 2 divides i0 - w
// Takes maps of plain index arithmetic. Several writers of one element are reduced, in their order;
// `last` is only taken where there is one. The value before takes part at the end.
#include <algorithm>

#include "compiler/grad/solve.h"
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

// The gather may read this many elements for each one that was written.
constexpr int64_t kMostReads = 16;

// Of y: by which coordinates each element of z finds its writers.
struct Gather {
  Shape shape;  // of z, then the writers of each element
  IndexMap map;
};

int64_t count_of(const Shape& shape) {  // -1: not known
  int64_t count = 1;
  for (const Index& e : shape) {
    if (!e.is_const()) return -1;
    count *= e.value();
  }
  return count;
}

std::optional<Gather> inverted(const Graph& graph, const IndexMap& map, const Shape& written,
                               const Shape& result) {
  if (!map.loads.empty()) return std::nullopt;
  // The writer's index is unknown, the result's is given.
  std::map<std::string, Index> renamed;
  std::vector<IndexUnknown> unknowns;
  for (size_t d = 0; d < written.size(); ++d) {
    const std::string name = "writer." + std::to_string(d);
    renamed[dim_name(d)] = Index::var(name);
    unknowns.push_back({name, written[d]});
  }
  std::ranges::stable_sort(unknowns, {}, [](const IndexUnknown& u) {
    return u.extent.is_const() ? -u.extent.value() : INT64_MIN;  // the longest is solved for
  });
  std::vector<std::string> names;
  std::vector<Index> values, targets;
  for (size_t d = 0; d < result.size(); ++d) {
    names.push_back(dim_name(d));
    targets.push_back(dim_index(d));
    values.push_back(map.coords[d].substitute(renamed));
  }
  std::vector<IndexCondition> conditions;
  for (const IndexCondition& c : map.conditions)
    conditions.push_back({c.value.substitute(renamed), c.extent.substitute(renamed)});
  IndexSolver solver(ranges_inside(graph.ranges(), names, result), unknowns, conditions);
  if (!solver.add(values, targets, result)) return std::nullopt;

  Gather gather{result, {}};
  std::map<std::string, Index> writers;
  for (const IndexUnknown& u : solver.free()) {
    writers[u.name] = dim_index(gather.shape.size());
    gather.shape.push_back(u.extent);
  }
  for (size_t d = 0; d < written.size(); ++d)
    gather.map.coords.push_back(
        solver.put_in(Index::var("writer." + std::to_string(d))).substitute(writers));
  for (const IndexCondition& c : solver.conditions())
    gather.map.conditions.push_back({c.value.substitute(writers), c.extent.substitute(writers)});
  const int64_t reads = count_of(gather.shape), writes = count_of(written);
  if (!writers.empty() && reads >= 0 && writes >= 0 && reads / kMostReads > writes)
    return std::nullopt;
  return gather;
}

bool is_zero(Value v) {
  if (v.node->kind == Kind::broadcast) return is_zero(v.node->operands[0]);
  if (v.node->kind != Kind::constant) return false;
  const Tensor& tensor = v.node->as<ConstantAttr>().value;
  if (!tensor.shape.empty()) return false;
  return tensor.at(0).same_bits(Scalar::of_int(tensor.dtype, 0));
}

ScalarOp scalar_of(Combiner combiner, DType dtype) {
  const bool logical = dtype == DType::boolean;
  switch (combiner) {
    case Combiner::mul:
      return ScalarOp::mul;
    case Combiner::min:
      return ScalarOp::min;
    case Combiner::max:
      return ScalarOp::max;
    case Combiner::and_:
      return logical ? ScalarOp::and_ : ScalarOp::bit_and;
    case Combiner::or_:
      return logical ? ScalarOp::or_ : ScalarOp::bit_or;
    case Combiner::xor_:
      return logical ? ScalarOp::xor_ : ScalarOp::bit_xor;
    default:
      return ScalarOp::add;
  }
}

std::vector<int32_t> dims_behind(size_t first, size_t rank) {
  std::vector<int32_t> dims;
  for (size_t d = first; d < rank; ++d) dims.push_back(static_cast<int32_t>(d));
  return dims;
}

// Where there is at most one writer, the last one is that one.
Value replaced(Builder& b, Value init, Value y, const Gather& gather) {
  const Value written = b.broadcast(b.constant_int(DType::boolean, 1), y.shape(), {});
  const Value is_written =
      b.reindex(written, gather.shape, gather.map, Scalar::of_int(DType::boolean, 0));
  const Value value = b.reindex(y, gather.shape, gather.map, Scalar::of_int(y.dtype(), 0));
  return b.apply(ScalarOp::where, {is_written, value, init});
}

Value combined(Builder& b, Combiner combiner, Value init, Value y, const Gather& gather) {
  // Filled with +0, what nobody wrote to comes out as +0, not as the identity.
  const Scalar fill =
      combiner == Combiner::add ? Scalar::of_int(y.dtype(), 0) : identity_of(combiner, y.dtype());
  Value z = b.reindex(y, gather.shape, gather.map, fill);
  const size_t rank = init.shape().size();
  if (gather.shape.size() > rank) z = b.reduce(combiner, z, dims_behind(rank, gather.shape.size()));
  if (combiner == Combiner::add && is_zero(init)) return z;
  return b.apply(scalar_of(combiner, y.dtype()), {init, z});
}

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& old,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (old.kind != Kind::reindex_reduce) return std::nullopt;
                   const auto& attr = old.as<ReindexReduceAttr>();
                   const Value init = operands[0], y = operands[1];
                   const auto gather = inverted(b.graph(), attr.map, y.shape(), init.shape());
                   if (!gather) return std::nullopt;
                   if (attr.combiner != Combiner::last)
                     return std::vector<Value>{combined(b, attr.combiner, init, y, *gather)};
                   if (gather->shape.size() > init.shape().size()) return std::nullopt;
                   return std::vector<Value>{replaced(b, init, y, *gather)};
                 });
}

}  // namespace

extern const GraphPass pass_scatter_to_gather;
const GraphPass pass_scatter_to_gather = {"scatter_to_gather",
                                          "scatters with an inverse read instead of writing", run};

}  // namespace mintor
