// SPDX-License-Identifier: Apache-2.0
// May a node be computed in the kernel of its users? Takes a node all of whose users are in one
// draft; gives a Refusal. Keeps true: a draft has at most one contract; an anchor joins only where
// its users read it at the row that the output is at.
#include <algorithm>

#include "compiler/graph/fusion/draft.h"
#include "compiler/graph/index_map.h"
#include "compiler/ir/sizes.h"

namespace mintor::fusion {
namespace {

// A concat of no more parts may be an expression that chooses one of them for each element.
constexpr size_t kMostChosenParts = 2;
constexpr const char* kElsewhere = "its user reads it at another position";
constexpr const char* kSeveralTimes = "its user reads it several times";

bool reads_computed_places(const Node& node) {
  return node.kind == Kind::reindex && !node.as<ReindexAttr>().map.loads.empty();
}

// Whether the rows that the draft reduces have more elements, so that broadcasts lie between.
bool repeated_by_rows(const Drafts& all, const Node& node, const Draft& draft) {
  if (draft.first_reduce == nullptr) return false;
  const Index reads = count_of(draft.first_reduce->operands[0].shape());
  return !all.graph.ranges().proves_nonnegative(count_of(node.results[0].shape) - reads);
}

Refusal refuse_inlined(const Drafts& all, const Node& node, const std::vector<Reader>& readers,
                       const Draft& draft) {
  if (node.kind == Kind::concat && draft.first_reduce) return {"a concat inside rows"};
  if (node.kind == Kind::concat && node.operands.size() > kMostChosenParts &&
      !may_place(draft, node, readers))
    return {"its parts are stored where they belong"};
  if (reads_computed_places(node) && repeated_by_rows(all, node, draft)) return {kSeveralTimes};
  if (!is_elementwise(node) && !moves_innermost(node)) return {};
  for (const Reader& reader : readers)
    if (changes_position(*reader.user) && repeats(all.graph, *reader.user)) return {kSeveralTimes};
  if (!is_elementwise(node)) return {};
  if (draft.first_reduce != nullptr && draft.contract == nullptr &&
      all.contract_tails.contains(&node))
    return {"it is the tail of a contract"};
  return {};
}

Refusal refuse_contract(const Node& node, const Position& at, const Draft& draft) {
  if (draft.contract != nullptr) return {"the group has a contract already"};
  if (draft.first_reduce != nullptr) return {"the group works on whole rows"};
  if (draft.outputs.size() > 1) return {"the kernel stores several values"};
  if (!(draft.root_shape() == node.results[0].shape)) return {"the tail has another shape"};
  if (at != all_dims(draft.root_shape().size())) return {kElsewhere};
  return {};
}

Refusal refuse_reduce(const Node& node, const Position& at, const Draft& draft) {
  if (draft.contract != nullptr) return {"the group holds a contract"};
  if (draft.outputs.size() > 1) return {"the kernel stores several values"};
  const auto& attr = node.as<ReduceAttr>();
  const Shape& full = node.operands[0].shape();
  if (draft.first_reduce != nullptr) {
    const auto& first = draft.first_reduce->as<ReduceAttr>();
    if (!(draft.first_reduce->operands[0].shape() == full) || first.dims != attr.dims)
      return {"it reduces other dimensions than the group"};
    if (at != draft.nodes.at(draft.first_reduce)) return {kElsewhere};
    return {};
  }
  const Shape kept = without(full, attr.dims);
  const bool tail = draft.root_shape() == kept;
  if (!tail && !(draft.root_shape() == full)) return {"the group's rows are not its own"};
  if (!tail && !trailing(attr.dims, full.size()))
    return {"the reduced dimensions are not the innermost"};
  const std::vector<int32_t> row =
      tail ? all_dims(kept.size()) : without(all_dims(full.size()), attr.dims);
  if (at != row) return {kElsewhere};
  return {};
}

}  // namespace

bool trailing(const std::vector<int32_t>& dims, size_t rank) {
  for (size_t n = 0; n < dims.size(); ++n)
    if (dims[n] != static_cast<int32_t>(rank - dims.size() + n)) return false;
  return true;
}

bool may_place(const Draft& draft, const Node& concat, const std::vector<Reader>& readers) {
  const auto dim_of = [](const Node& node) { return node.as<ConcatAttr>().dim; };
  if (!draft.placed.empty()) {  // a part of a concat that is placed
    if (readers.size() != 1 || readers[0].operand != &concat) return false;
    const Node& user = *readers[0].user;
    return draft.places(&user) && dim_of(user) == dim_of(concat) &&
           std::ranges::count(user.operands, &concat, &Value::node) == 1;
  }
  return concat.operands.size() > kMostChosenParts && draft.contract == nullptr &&
         draft.first_reduce == nullptr && !draft.closed && draft.outputs.size() == 1 &&
         draft.root_shape() == concat.results[0].shape &&
         position_in(draft, readers) == all_dims(draft.root_shape().size());
}

Refusal refuse(const Drafts& all, const Node& node, const std::vector<Reader>& readers,
               const Draft& draft) {
  if (draft.nodes.size() >= kMostNodes) return {"the kernel is long enough"};
  if (text_with(draft, node, readers).total() > kMostWritten)
    return {"the kernel would write it out too often"};
  if (all.apart.contains(&node)) return {"what a row needs of it has no bound"};
  if (all.is_prepared(node) != all.is_prepared(*draft.outputs.front().node))
    return {"it is computed once, from parameters alone"};
  if (std::ranges::find(readers, draft.contract, &Reader::user) != readers.end())
    return {"it is read by every tile of a contract"};
  if (role_of(node) == Role::inlined) return refuse_inlined(all, node, readers, draft);
  const Position at = position_in(draft, readers);
  if (!at) return {kElsewhere};
  if (draft.closed) return {"the group is a scan, a sort or a scatter"};
  if (!draft.placed.empty()) return {"the kernel stores parts side by side"};
  switch (node.kind) {
    case Kind::contract:
      return refuse_contract(node, at, draft);
    case Kind::reduce:
      return refuse_reduce(node, at, draft);
    default:
      return {"a scan, a sort or a scatter starts its own kernel"};
  }
}

}  // namespace mintor::fusion
