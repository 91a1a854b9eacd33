// SPDX-License-Identifier: Apache-2.0
// What the parts of fusion share: the nodes of a graph with what is known of them, and the drafts
// that become groups. Private to fusion.cpp and this folder.
// Takes a frozen Graph; `fuse` fills the drafts from the results upwards. Keeps true: a node is in
// at most one draft, is free, is a view, or is a leaf.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "compiler/graph/fusion.h"
#include "compiler/support/error.h"

namespace mintor::fusion {

// ---- roles (roles.cpp) ----

// whole: reads and writes values as wholes, in a kernel of its own.
enum class Role { leaf, inlined, anchor, whole, control, opaque };
Role role_of(const Node& node);
// A constant that is one value throughout: written where it is used.
bool is_uniform_constant(const Node& node);
// Costs nothing to compute again: addresses and constants only.
bool is_free(const Node& node);
bool is_elementwise(const Node& node);
// Reads its operand at another index than its own.
bool changes_position(const Node& node);
// A reshape of a whole value in memory order that has bytes: what is free has none.
bool is_view(const Node& node, const Graph& graph);
// "exp #12 @ layer1/act".
std::string describe(const Graph& graph, const Node& node);
// The scalar function's name, else the kind's.
std::string word_of(const Node& node);

// ---- the plan while it is made ----

// Which element of a node the output's element needs: for each dimension of the node, that of the
// output; -1 - d where all of dimension d of a reduced operand is read. Nothing: another element
// (a reindex lies between), or several.
using Position = std::optional<std::vector<int32_t>>;

// How often a kernel's text holds the expression of a node. At the index of a nest (or of a
// broadcast in it) a value that is read twice gets a name and is written once; behind a node that
// changes positions it may lie under a condition, where nothing is named, and is written for each
// read.
struct Copies {
  std::map<uint64_t, int64_t> named;  // by nest and broadcast
  int64_t unnamed = 0;
  int64_t total() const;
};

// Expressions of a kernel, all copies counted. A kernel of parts has a nest for each.
struct Text {
  int64_t each_part = 0, once = 0, parts = 1;
  int64_t total() const;
};

struct Draft {
  std::unordered_map<const Node*, Position> nodes;
  std::unordered_map<const Node*, Copies> copies;
  Text text;
  std::vector<const Node*> placed;  // see Group; the first is the output, or at the output's index
  std::unordered_set<const Node*> in_parts;  // read by parts of placed concats alone
  std::vector<Value> outputs;
  const Node* contract = nullptr;
  const Node* first_reduce = nullptr;  // gives `full` and the reduced dims of a row block
  bool closed = false;  // holds a scan or a scatter: takes nothing more than inlined nodes
  std::vector<std::string> because;
  const Shape& root_shape() const { return outputs.front().shape(); }
  bool holds(const Node* node) const { return nodes.contains(node); }
  bool places(const Node* node) const {
    return std::ranges::find(placed, node) != placed.end();
  }
};

// A node that computes (or is a view) and reads another one, directly or through broadcasts that
// every kernel computes again.
struct Reader {
  const Node* user = nullptr;
  const Node* operand = nullptr;  // of the user: the node itself, or the last of the broadcasts
  std::vector<int32_t> dims;      // dimensions of `operand` that are the node's, in order
};

struct Drafts {
  Drafts(const Graph& graph, const std::set<const Node*>& apart);

  const Graph& graph;
  const std::set<const Node*>& apart;  // nodes that start a kernel of their own
  std::vector<const Node*> live;
  std::vector<std::vector<const Node*>> users;  // by node id
  std::unordered_set<const Node*> wanted;          // results and updates
  std::unordered_set<const Node*> free;  // computed in every group that uses them: see place
  std::unordered_set<const Node*> views;
  std::unordered_set<const Node*> prepared;        // from parameters and constants alone
  std::unordered_set<const Node*> contract_tails;  // see find_contract_tails
  std::unordered_map<const Node*, int> group_of;
  std::vector<Draft> drafts;
  int32_t last_of_several = -1;  // the highest id in a draft of several outputs

  bool is_wanted(const Node& node) const { return wanted.contains(&node); }
  bool is_prepared(const Node& node) const { return prepared.contains(&node); }
};

// ---- readers and positions (position.cpp) ----

std::vector<Reader> readers_of(const Drafts& all, const Node& node);
// Where the draft reads `node`, all of whose readers it holds.
Position position_in(const Draft& draft, const std::vector<Reader>& readers);
// 0, 1, ... rank - 1.
std::vector<int32_t> all_dims(size_t rank);

// ---- size of the text (copies.cpp) ----

// A kernel is cut where it would write more expressions than this.
extern const int64_t kMostWritten;
Copies copies_in(const Draft& draft, const Node& node, const std::vector<Reader>& readers);
bool is_in_parts(const Draft& draft, const std::vector<Reader>& readers);
// The draft's text when `node` has joined.
Text text_with(const Draft& draft, const Node& node, const std::vector<Reader>& readers);

// ---- kernels of several outputs (outputs.cpp) ----

// The nest of a draft's outputs, in Copies.
uint64_t nest_of(const Draft& draft);
// The draft of readers that can compute `node` for all of them, as one more output where some are
// elsewhere; -1: none. Drafts of other readers may have become part of it.
int join_readers(Drafts& all, const Node& node, const std::vector<Reader>& readers);
void join_as_output(Drafts& all, const Node& node, int group);

// ---- legality (legality.cpp) ----

// Why `node`, all of whose users are in `draft`, does not join it; empty: it joins.
Refusal refuse(const Drafts& all, const Node& node, const std::vector<Reader>& readers,
               const Draft& draft);
// A concat whose parts get a nest each when it joins; any other is an expression that chooses.
bool may_place(const Draft& draft, const Node& concat, const std::vector<Reader>& readers);

// ---- cost (cost.cpp) ----

// A chain of inlined nodes longer than this is cut.
extern const size_t kMostNodes;
// Reads an element of its operand more than once (windows); unknown sizes count as such.
bool repeats(const Graph& graph, const Node& reindex);
// Nodes that element-wise nodes of one shape and one user lead to from a contract.
std::unordered_set<const Node*> find_contract_tails(const Drafts& all);
// In a row block: an element-wise value of the full shape that more than one nest reads, or one
// value a row that is then broadcast over it.
bool worth_keeping(const Drafts& all, const Draft& draft, const Node& node);
extern const int64_t kMostKeptBytes;
// Of one row of a value of a row block, at most.
std::optional<int64_t> row_bytes(const Drafts& all, const Draft& draft, const Value& value);

// The items that `dims` does not name.
template <class T>
std::vector<T> without(const std::vector<T>& items, const std::vector<int32_t>& dims) {
  std::vector<T> kept;
  for (size_t d = 0; d < items.size(); ++d)
    if (std::ranges::find(dims, static_cast<int32_t>(d)) == dims.end()) kept.push_back(items[d]);
  return kept;
}
bool trailing(const std::vector<int32_t>& dims, size_t rank);

// ---- from drafts to groups ----

// All drafts as groups, with inputs and materialised values (materialise.cpp).
std::vector<Group> groups_from(Drafts& all);
// Contracts whose rows others make, joined with these as stages of one kernel (stages.cpp).
std::vector<Group> join_stages(const Drafts& all, std::vector<Group> groups);
// Topological order of groups; ties by the id of the first output (group_order.cpp).
std::vector<Group> in_order(const Drafts& all, std::vector<Group> groups);
// Group::name for all (names.cpp).
void name_groups(const Graph& graph, std::vector<Group>& groups);

}  // namespace mintor::fusion
