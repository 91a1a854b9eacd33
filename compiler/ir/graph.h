// SPDX-License-Identifier: Apache-2.0
// The Graph: meta-operators with symbolic shapes. This header is the contract; see verify.h for
// what is legal.
//
// A Graph holds immutable, hash-consed nodes: two nodes with equal kind, attributes, operands and
// result types are one node (scope names are no part of identity; a merged node keeps all of them).
// A Value is one result of a node. Nodes are kept in creation order, which is a topological order:
// operands come before users. Passes never edit a node: they build another Graph with a Builder and
// a map from old to new values (graph/rewrite.h). The two share nodes as far as they begin alike.
//
// Meaning of each kind, in terms of row-major index tuples i:
// clang-format off
//   unary, binary, ternary  y[i] = f(x[i], ...); same shape in and out; f a row of scalar_ops.def
//   cast, bitcast           y[i] = x[i] as the dtype of the result; bitcast: the same bits
//   pack, unpack            4- or 2-bit integers in bytes, along the last dimension
//   broadcast               y[i] = x[i[dims[0]], i[dims[1]], ...]; dims ascending, one per dim of x
//   reindex                 y[i] = inside ? x[coords(i)] : fill; see IndexMap
//   concat                  operands side by side along dim
//   reindex_reduce          z = init; z[map(i)] = f(z[map(i)], y[i]) in row-major order of i; what
//                           the map puts outside of z is skipped
//   reduce, scan            combiner over `dims`, nested as listed; see Order
//   contract                out[o] = sum over the k axes of x[x_coords] * y[y_coords], with fused
//                           multiply-adds; see Contract and Order
// clang-format on
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "compiler/ir/id_table.h"
#include "compiler/ir/scalar_op.h"
#include "compiler/ir/tensor.h"
#include "compiler/support/dtype.h"
#include "compiler/support/index.h"

namespace mintor {

class Graph;
struct Node;

using Shape = std::vector<Index>;

struct Type {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const Type&) const = default;
};

struct Value {
  const Node* node = nullptr;
  int32_t result = 0;
  const Type& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  bool operator==(const Value&) const = default;
  explicit operator bool() const { return node != nullptr; }
};

// A named size. Bound by the first input dimension that is exactly this symbol, or by
// `bind`/`compact`; or computed from symbols before it.
struct Symbol {
  std::string name;
  int64_t lo = 0;
  int64_t hi = -1;  // inclusive; -1: no bound
  int64_t divisor = 1;
  int64_t hint = 0;                           // a typical value; 0: none
  std::optional<Index> value = std::nullopt;  // what computes it; none: it is bound
  bool operator==(const Symbol&) const = default;
};

// Sizes that operators need to be equal and that the symbols alone do not make so. Checked when
// the symbols are bound; everything else in the graph takes it as given (Graph::ranges). In a
// broadcast the left one, or either, may be 1 instead; where only a 0 matters, the left one may be
// anything positive.
struct Condition {
  enum class Form : uint8_t { equal, left_or_one, either_or_one, left_or_positive };
  Index left, right;
  Form form = Form::equal;
  std::string because = "";  // operator and place; no part of what it says
};

enum class Kind : uint8_t {
  input,
  parameter,
  constant,
  iota,
  random,
  unary,
  binary,
  ternary,
  cast,
  bitcast,
  pack,
  unpack,
  broadcast,
  reindex,
  concat,
  reindex_reduce,
  reduce,
  scan,
  contract,
  sort,
  compact,
  size,
  bind,
  if_,
  loop,
  call,
  code,
  host,
};
std::string_view name_of(Kind kind);  // "input", ..., "if", "loop"

// Coordinates of an operand as integer expressions. Variables: `i0..i{r-1}` (the result's index),
// symbols, and `l0..` = the integer loaded by loads[k] (an integer operand of the node, indexed by
// expressions over i* and earlier l*).
struct IndexLoad {
  int32_t operand = 1;        // which operand of the node
  std::vector<Index> coords;  // one per dimension of that operand; must be in range
  bool operator==(const IndexLoad&) const = default;
};
struct IndexCondition {  // 0 <= value < extent
  Index value, extent;
  bool operator==(const IndexCondition&) const = default;
};
struct IndexMap {
  std::vector<IndexLoad> loads;
  std::vector<Index>
      coords;  // one per dimension of operand 0 (reindex) or of the result (reindex_reduce)
  std::vector<IndexCondition> conditions;
  bool operator==(const IndexMap&) const = default;
};

enum class Combiner : uint8_t { add, mul, min, max, and_, or_, xor_, argmin, argmax, last, custom };
std::string_view name_of(Combiner combiner);

// The order of summation, decided by the numerics pass `order` and obeyed by every later level.
// unset: not decided yet (before `order`). lanes: blocks of `block`, `lanes` (a power of two),
// tree (reduce).
// serial: scan and argmin/argmax. chain: chunks of `chunk` positions, each one serial chain of FMA
// from +0, chunk sums added ascending; `inner` > 1: the sequence is (c / inner, window row-major, c
// mod inner), c being the one k axis with role k; `pairs`: two neighbours along c, an even one and
// the next, may be added by an instruction of the CPU that rounds in its own way (native-bf16).
// winograd: tiles of `tile` results along each window (ir/winograd.h), whose products are one chain
// of FMA over the k axis.
struct Order {
  enum class Form : uint8_t { unset, lanes, serial, chain, winograd } form = Form::unset;
  bool pairs = false;
  int64_t block = 0;
  int64_t lanes = 0;
  int64_t chunk = 0;
  int64_t inner = 0;
  int64_t tile = 0;
  bool operator==(const Order&) const = default;
};

enum class AxisRole : uint8_t { batch, m, n, k, window };
struct ContractAxis {
  std::string name;  // a variable of the maps
  AxisRole role = AxisRole::k;
  Index extent;
  bool operator==(const ContractAxis&) const = default;
};
// out has one dimension per batch/m/n axis, in the order listed; k and window axes are summed, in
// the order listed. x_coords/y_coords: one expression over the axis names per dimension of the
// operand; a term whose x or y coordinate lies outside its operand is counted in the order and
// skipped (padding, off-stride taps: see `conditions`).
struct Contract {
  std::vector<ContractAxis> axes;
  std::vector<Index> x_coords, y_coords;
  std::vector<IndexCondition> conditions;  // further terms to skip
  Order order;
  bool operator==(const Contract&) const = default;
};

struct InputAttr {
  std::string name;
  bool operator==(const InputAttr&) const = default;
};
struct ParameterAttr {
  std::string name;
  Tensor value;
  bool operator==(const ParameterAttr& o) const { return name == o.name; }
};
struct ConstantAttr {
  Tensor value;
  std::string sha256;
  bool operator==(const ConstantAttr& o) const { return sha256 == o.sha256; }
};
struct IotaAttr {
  int32_t dim = 0;
  bool operator==(const IotaAttr&) const = default;
};
struct RandomAttr {
  std::string distribution;  // bits, uniform, normal
  bool operator==(const RandomAttr&) const = default;
};
struct ScalarAttr {  // unary, binary, ternary
  ScalarOp op;
  bool operator==(const ScalarAttr&) const = default;
};
// cast, bitcast: the type of the result says all.
struct CastAttr {
  bool operator==(const CastAttr&) const = default;
};
// pack: low bits first along the last dimension, whose size is rounded up to bytes; unpack: its
// inverse, to i8 or u8.
struct PackAttr {
  int32_t bits = 4;
  bool is_signed = false;
  bool operator==(const PackAttr&) const = default;
};
struct BroadcastAttr {
  std::vector<int32_t> dims;
  bool operator==(const BroadcastAttr&) const = default;
};
struct ReindexAttr {
  IndexMap map;
  Scalar fill;
  bool operator==(const ReindexAttr& o) const { return map == o.map && fill.same_bits(o.fill); }
};
struct ConcatAttr {
  int32_t dim = 0;
  bool operator==(const ConcatAttr&) const = default;
};
struct ReindexReduceAttr {  // operands: init, y, index operands
  Combiner combiner;
  IndexMap map;
  bool operator==(const ReindexReduceAttr&) const = default;
};
// `body`: for Combiner::custom, a Graph of scalars with inputs a0.. b0.. and results; identities
// one per operand.
struct ReduceAttr {
  Combiner combiner = Combiner::add;
  std::vector<int32_t> dims;  // reduced dims, outermost first; results drop them
  std::vector<Scalar> identities;
  std::shared_ptr<const Graph> body;
  Order order;
  bool operator==(const ReduceAttr& o) const;
};
struct ScanAttr {
  ReduceAttr reduce;
  bool reverse = false, exclusive = false;
  bool operator==(const ScanAttr&) const = default;
};
struct SortAttr {
  int32_t dim = 0;
  bool descending = false;
  bool operator==(const SortAttr&) const = default;
};
struct CompactAttr {  // operands: x, mask (1-d, or of the same rank, flattened)
  std::string symbol;
  bool operator==(const CompactAttr&) const = default;
};
struct SizeAttr {
  Index expr;
  bool operator==(const SizeAttr&) const = default;
};
struct BindAttr {
  std::string symbol;
  int64_t lo = 0, hi = -1;
  bool operator==(const BindAttr&) const = default;
};
// if: operands cond, captures...; regions then, else take the captures. loop: operands carried...,
// scanned..., captures...; the body takes the iteration number (i64[]), carried..., slices of
// scanned along dim 0, captures, by position, and gives carried..., slices to stack. A conditional
// loop's first carried value, bool[], says before each iteration whether there is one; `trip` is
// then the most that there are, and nothing is scanned or stacked: how many there are is not known
// before the loop has run. call: region, optional gradient. More in derive_control.cpp.
struct RegionAttr {
  static constexpr int64_t kNoBound = INT64_MAX;  // a conditional loop's trip: as many as it wants

  std::vector<std::shared_ptr<const Graph>> regions;
  Index trip;                        // loop: number of iterations
  int32_t carried = 0, scanned = 0;  // loop: operand counts; results are carried..., stacked...
  bool conditional = false;          // loop: carried value 0 says whether it goes on
  bool bounded() const { return !(trip == Index(kNoBound)); }
  bool operator==(const RegionAttr& o) const;
};
struct CodeAttr {
  std::string source, gradient;
  bool operator==(const CodeAttr&) const = default;
};
struct HostAttr {
  std::string function;
  bool operator==(const HostAttr&) const = default;
};

using Attr = std::variant<std::monostate, InputAttr, ParameterAttr, ConstantAttr, IotaAttr,
                          RandomAttr, ScalarAttr, CastAttr, PackAttr, BroadcastAttr, ReindexAttr,
                          ConcatAttr, ReindexReduceAttr, ReduceAttr, ScanAttr, Contract, SortAttr,
                          CompactAttr, SizeAttr, BindAttr, RegionAttr, CodeAttr, HostAttr>;

struct Node {
  int32_t id = 0;  // position in Graph::nodes()
  Kind kind = Kind::constant;
  Attr attr;
  std::vector<Value> operands;
  std::vector<Type> results;
  template <class T>
  const T& as() const {
    return std::get<T>(attr);
  }
};

std::string to_string(const Type& type);    // "f32[batch, 256]"
std::string to_string(const Shape& shape);  // "[batch, 256]"
std::optional<Kind> parse_kind(std::string_view name);
std::optional<Combiner> parse_combiner(std::string_view name);
std::string_view name_of(AxisRole role);  // "batch", "m", "n", "k", "window"
std::optional<AxisRole> parse_role(std::string_view name);
// The spelling of a node: the scalar function's name, else the kind's.
std::string_view op_name(Kind kind, const Attr& attr);

inline const Type& Value::type() const { return node->results[result]; }

struct Result {
  std::string name;
  Value value;
};
struct Update {  // parameter := value after the entry has run
  std::string parameter;
  Value value;
};

class Graph {
 public:
  explicit Graph(std::string name = "graph") : name_(std::move(name)) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  std::span<const std::shared_ptr<const Node>> nodes() const { return nodes_; }
  const std::vector<Symbol>& symbols() const { return symbols_; }
  const Symbol* find_symbol(std::string_view name) const;
  void add_symbol(Symbol symbol);  // replaces one of the same name
  const std::vector<Condition>& conditions() const { return conditions_; }
  void add_condition(Condition condition);  // one that is there already is not added again
  void copy_sizes(const Graph& from);       // its symbols and conditions, for those of this graph
  const Ranges& ranges() const { return ranges_; }  // of all symbols, under the conditions

  // Interns: returns the node that exists with these contents, or a new one. Types are given by the
  // caller (Builder).
  const Node* add(Kind kind, Attr attr, std::vector<Value> operands, std::vector<Type> results,
                  std::string_view scope = "");
  // The node of another graph on this one's operands, with its scopes: shared where it is the next
  // here as it was there and its operands are shared, else added.
  const Node* keep(const Graph& from, const Node& node, std::vector<Value> operands);
  // Whether both are made of the same nodes, by identity, and say the same beside them.
  bool is_same(const Graph& other) const;
  // The input or parameter of that name; null: there is none.
  const Node* find_leaf(Kind kind, std::string_view name) const;
  const Node* find_definer(std::string_view symbol) const;         // see definer_of
  const std::vector<std::string>& scopes(const Node* node) const;  // sorted, unique; may be empty
  void add_scope(const Node* node, std::string_view scope);

  std::vector<Result> results;
  std::vector<Update> updates;
  // Parameters of this graph that another entry of the model updates (graph/join_entries.h), by
  // name: they keep their values no more than those that it updates itself.
  std::vector<std::string> states;
  std::string numerics_hash;  // of the frozen Graph that this one was made from; "" before that

 private:
  using Names = std::vector<std::string>;

  int32_t find_equal(size_t hash, Kind kind, const Attr& attr, std::span<const Value> operands,
                     std::span<const Type> results) const;
  const Node* append(size_t hash, std::shared_ptr<const Node> node,
                     std::shared_ptr<const Names> scopes);
  void define_symbols(const Node& node);

  std::string name_;
  // By id; a node's hash is that of what it is, which no Graph changes; no scopes: null.
  std::vector<std::shared_ptr<const Node>> nodes_;
  std::vector<size_t> hashes_;
  std::vector<std::shared_ptr<const Names>> scopes_;
  std::vector<Symbol> symbols_;
  std::vector<Condition> conditions_;
  Ranges ranges_;
  IdTable interned_, leaves_;
  std::map<std::string, const Node*, std::less<>> definers_;  // by symbol
};

// Nodes that the results and updates need, in order; the `bind`, `compact` or `input` that defines
// a size symbol is needed by whatever mentions the symbol.
std::vector<const Node*> live_nodes(const Graph& graph);
// Whether runs change a parameter: nothing that is made of it can be kept from run to run.
bool is_state(const Graph& graph, std::string_view parameter);
// All inputs in creation order, live or not: the signature of a region (operands are passed by
// position).
std::vector<const Node*> inputs_of(const Graph& graph);
// The node that defines a symbol: its `bind` or `compact`, else the first input with a dimension
// that is the symbol.
const Node* definer_of(const Graph& graph, std::string_view symbol);
// The symbols that a node's types and attributes mention (maps and regions included, their own
// variables not).
std::set<std::string> symbols_of(const Node& node);
// For each node id, the live nodes that use it.
std::vector<std::vector<const Node*>> users_of(const Graph& graph);

}  // namespace mintor
