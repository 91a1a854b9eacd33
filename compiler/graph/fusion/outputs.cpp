// SPDX-License-Identifier: Apache-2.0
// Kernels of several outputs: a value that several kernels read, or that is a result, is stored by
// one of its readers, which computes it anyway, instead of by a kernel of its own.
//   m = b * m0 + g; s = c * s0 + g; p = p0 - m / sqrt(s)     ->  one kernel stores m, s and p
// Takes a node and its readers; gives the draft that it joins, after those of its readers that may
// have become one. Keeps true: all outputs of such a draft have one shape, and the kernel reads and
// stores all of them at one index; groups stay without circles.
#include <algorithm>

#include "compiler/graph/fusion/draft.h"
#include "compiler/ir/open_sizes.h"

namespace mintor::fusion {
namespace {

// Streams that a core's prefetchers keep up with, with those that are read.
constexpr size_t kMostOutputs = 8;

// Element-wise throughout, at the index of the output.
bool is_open(const Draft& draft) {
  return !draft.outputs.empty() && draft.contract == nullptr && draft.first_reduce == nullptr &&
         !draft.closed && draft.placed.empty() && is_elementwise(*draft.outputs.front().node);
}

int32_t last_id(const Draft& draft) {
  int32_t last = 0;
  for (const auto& [node, position] : draft.nodes) last = std::max(last, node->id);
  return last;
}

// Whether what reads `from` leads to the draft, other than by being in it.
// Ids rise along a path, but for where it passes a draft of several outputs: in by one, out by an
// earlier one.
class Paths {
 public:
  Paths(const Drafts& all, int to)
      : all_(all), to_(to), last_(std::max(last_id(all.drafts[to]), all.last_of_several)) {}

  bool lead_from(const Node& from) {
    push_users(from);
    while (!pending_.empty()) {
      const Node& node = *pending_.back();
      pending_.pop_back();
      if (!bound_by(node).empty()) return true;  // the draft may have a size that it binds
      const auto group = all_.group_of.find(&node);
      if (group == all_.group_of.end()) {  // a view, or computed in each kernel
        push_users(node);
      } else if (group->second == to_) {
        return true;
      } else if (groups_.insert(group->second).second) {
        for (const Value& v : all_.drafts[group->second].outputs) push_users(*v.node);
      }
    }
    return false;
  }

  // The same for a user that is not in the draft.
  bool lead_through(const Node& user) {
    if (!bound_by(user).empty()) return true;
    const auto group = all_.group_of.find(&user);
    if (group == all_.group_of.end()) return lead_from(user);
    if (!groups_.insert(group->second).second) return false;
    return std::ranges::any_of(all_.drafts[group->second].outputs,
                               [&](const Value& v) { return lead_from(*v.node); });
  }

 private:
  void push_users(const Node& node) {
    for (const Node* user : all_.users[node.id])
      if (user->id <= last_ && nodes_.insert(user).second) pending_.push_back(user);
  }

  const Drafts& all_;
  int to_;
  int32_t last_;  // no path goes back from what comes later
  std::vector<const Node*> pending_;
  std::unordered_set<const Node*> nodes_;
  std::unordered_set<int> groups_;
};

bool leads(const Drafts& all, int from, int to) {
  Paths paths(all, to);
  return std::ranges::any_of(all.drafts[from].outputs,
                             [&](const Value& v) { return paths.lead_from(*v.node); });
}

// A contract stores these with its own result; a sum would have to be stored for them.
bool belongs_to_anchor(const Drafts& all, const Node& node) {
  return all.contract_tails.contains(&node) ||
         std::ranges::any_of(node.operands, [&](const Value& v) {
           return role_of(*v.node) == Role::anchor && v.shape() == node.results[0].shape;
         });
}

// The drafts of readers that want the element of `node` which belongs to their output's.
std::vector<int> drafts_at_index(const Drafts& all, const Node& node,
                                 const std::vector<Reader>& readers) {
  std::map<int, std::vector<Reader>> by_group;
  for (const Reader& reader : readers)
    if (const auto group = all.group_of.find(reader.user); group != all.group_of.end())
      by_group[group->second].push_back(reader);
  std::vector<int> found;
  for (const auto& [group, own] : by_group) {
    const Draft& draft = all.drafts[group];
    if (is_open(draft) && draft.root_shape() == node.results[0].shape &&
        all.is_prepared(node) == all.is_prepared(*draft.outputs.front().node) &&
        position_in(draft, own) == all_dims(draft.root_shape().size()))
      found.push_back(group);
  }
  return found;
}

bool fit(const Draft& a, const Draft& b) {
  return a.nodes.size() + b.nodes.size() <= kMostNodes &&
         a.outputs.size() + b.outputs.size() <= kMostOutputs &&
         a.text.total() + b.text.total() <= kMostWritten;
}

void merge(Drafts& all, int into, int from) {
  Draft& a = all.drafts[into];
  Draft& b = all.drafts[from];
  const uint64_t nest = nest_of(a), other = nest_of(b);
  for (auto& [node, copies] : b.copies)
    if (auto moved = copies.named.extract(other)) {
      moved.key() = nest;
      copies.named.insert(std::move(moved));
    }
  a.nodes.merge(b.nodes);
  a.copies.merge(b.copies);
  a.in_parts.insert(b.in_parts.begin(), b.in_parts.end());
  a.outputs.insert(a.outputs.end(), b.outputs.begin(), b.outputs.end());
  a.text.each_part += b.text.each_part;
  a.text.once += b.text.once;
  a.because.insert(a.because.end(), b.because.begin(), b.because.end());
  for (const auto& [node, position] : a.nodes) all.group_of[node] = into;
  all.last_of_several = std::max(all.last_of_several, last_id(a));
  b = {};
}

}  // namespace

uint64_t nest_of(const Draft& draft) {
  return static_cast<uint64_t>(draft.outputs.front().node->id) + 1;
}

int join_readers(Drafts& all, const Node& node, const std::vector<Reader>& readers) {
  if (!is_elementwise(node) || all.apart.contains(&node) || belongs_to_anchor(all, node)) return -1;
  const std::vector<int> groups = drafts_at_index(all, node, readers);
  if (groups.empty()) return -1;
  const int into = groups.front();
  const auto is_outside = [&](const Node* user) {
    const auto group = all.group_of.find(user);
    return group == all.group_of.end() || group->second != into;
  };
  for (const int other : groups)
    if (other != into && fit(all.drafts[into], all.drafts[other]) && !leads(all, into, other) &&
        !leads(all, other, into))
      merge(all, into, other);
  const Draft& draft = all.drafts[into];
  if (draft.nodes.size() >= kMostNodes || draft.outputs.size() >= kMostOutputs) return -1;
  Paths paths(all, into);
  for (const Node* user : all.users[node.id])
    if (is_outside(user) && paths.lead_through(*user)) return -1;
  return into;
}

void join_as_output(Drafts& all, const Node& node, int group) {
  Draft& draft = all.drafts[group];
  draft.nodes[&node] = all_dims(draft.root_shape().size());
  draft.copies[&node] = {{{nest_of(draft), 1}}, 0};
  ++draft.text.each_part;
  draft.outputs.push_back({&node, 0});
  all.group_of[&node] = group;
  all.last_of_several = std::max(all.last_of_several, last_id(draft));
  draft.because.push_back(describe(all.graph, node) + " joins, and is stored");
}

}  // namespace mintor::fusion
