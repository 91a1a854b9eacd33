// SPDX-License-Identifier: Apache-2.0
// Who reads a node, and at which element. A kernel may compute a sum once for its row, or keep a
// contract in registers, only where all readers want the element that belongs to the output's.
// Takes a node and a draft; gives readers and a Position. Keeps true: looks through nodes that no
// draft holds; an index that is not proven to be the output's own counts as another.
#include <algorithm>
#include <numeric>

#include "compiler/graph/fusion/draft.h"

namespace mintor::fusion {
namespace {

// Where `user` reads its operands. The reduced dimensions of a row that the output has are its own.
Position operand_position(const Draft& draft, const Node& user) {
  const Position& at = draft.nodes.at(&user);
  if (!at || is_elementwise(user) || user.kind == Kind::bitcast) return at;
  std::vector<int32_t> position;
  if (user.kind == Kind::broadcast) {
    for (const int32_t dim : user.as<BroadcastAttr>().dims) position.push_back((*at)[dim]);
    return position;
  }
  if (user.kind != Kind::reduce) return std::nullopt;
  const std::vector<int32_t>& reduced = user.as<ReduceAttr>().dims;
  const Shape& full = user.operands[0].shape();
  size_t kept = 0;
  for (int32_t d = 0; d < static_cast<int32_t>(full.size()); ++d)
    if (std::ranges::find(reduced, d) == reduced.end())
      position.push_back((*at)[kept++]);
    else
      position.push_back(draft.root_shape() == full ? d : -1 - d);
  return position;
}

}  // namespace

std::vector<int32_t> all_dims(size_t rank) {
  std::vector<int32_t> dims(rank);
  std::iota(dims.begin(), dims.end(), 0);
  return dims;
}

std::vector<Reader> readers_of(const Drafts& all, const Node& node) {
  std::vector<Reader> readers;
  std::vector<Reader> pending{{nullptr, &node, all_dims(node.results[0].shape.size())}};
  while (!pending.empty()) {
    const Reader at = std::move(pending.back());
    pending.pop_back();
    for (const Node* user : all.users[at.operand->id]) {
      if (!all.free.contains(user) || user->kind == Kind::reindex) {
        readers.push_back({user, at.operand, at.dims});
        continue;
      }
      std::vector<int32_t> dims;  // of a broadcast: other free nodes have no operands
      for (const int32_t dim : at.dims) dims.push_back(user->as<BroadcastAttr>().dims[dim]);
      pending.push_back({nullptr, user, std::move(dims)});
    }
  }
  return readers;
}

Position position_in(const Draft& draft, const std::vector<Reader>& readers) {
  Position found;
  for (const Reader& reader : readers) {
    const Position operand = operand_position(draft, *reader.user);
    if (!operand) return std::nullopt;
    std::vector<int32_t> position;
    for (const int32_t dim : reader.dims) position.push_back((*operand)[dim]);
    if (found && *found != position) return std::nullopt;
    found = std::move(position);
  }
  return found;
}

}  // namespace mintor::fusion
