// SPDX-License-Identifier: Apache-2.0
// Traced operators: what can be called on arrays. Each is a row of a group (operators/<group>.cpp);
// a row says how the call is written into a Graph when a segment is compiled. Keeps true: a row's
// build function depends on operands' types and attributes alone, so that equal calls mean the
// same.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/builder.h"
#include "compiler/support/error.h"
#include "frontends/python/trace/value.h"

namespace mintor::trace {

// Attributes of a call, written one after another: a letter, then the value.
class AttributeWriter {
 public:
  explicit AttributeWriter(std::string& bytes) : bytes_(bytes) {}
  void none() { bytes_ += 'n'; }
  void integer(int64_t value);
  void number(double value);
  void text(std::string_view value);
  void list(int64_t size);  // then its items
  void body(const std::array<uint64_t, 2>& hash);

 private:
  std::string& bytes_;
};

// An integer that has to be known was read where a segment is made for more than one value of it.
struct NotGeneral {};

struct Body;
// A function of control flow (body.h), and its integers as the reader has them.
struct BodyAttribute {
  const Body* body = nullptr;
  std::span<const Index> integers;
};

// Reads them back in order; CompileError where the caller gave something else. `integers`: what
// the integers are in a segment for more than one size, in order; empty: as written.
class AttributeReader {
 public:
  AttributeReader(std::string_view op, std::string_view bytes, std::span<const Index> integers = {})
      : op_(op), left_(bytes), general_(integers) {}
  bool at_end() const { return left_.empty(); }
  bool next_is_none() const { return !left_.empty() && left_[0] == 'n'; }
  bool none();        // takes a None if one is next
  int64_t integer();  // NotGeneral where it is not one number
  Index index();      // an integer that may be an expression
  bool flag() { return integer() != 0; }
  double number();  // an integer is taken too
  std::string text();
  std::vector<int64_t> integers();  // a list, or one integer
  std::vector<Index> indices();
  BodyAttribute body();

 private:
  void expect(char letter, const char* what);
  template <class T>
  T take();
  std::string_view op_, left_;
  std::span<const Index> general_;
  size_t next_integer_ = 0;
};

// The integers among written attributes, and the rest without them.
struct SplitAttributes {
  std::vector<int64_t> integers;
  std::vector<const Body*> bodies;
  std::string rest;
};
SplitAttributes split_attributes(std::string_view bytes);

// The Graph that a segment becomes, while its calls are written.
class SegmentGraph {
 public:
  virtual ~SegmentGraph() = default;
  virtual Builder& builder() = 0;
  // Of sum <ys, cotangents>, with respect to xs, through all that was traced; zeros where nothing
  // reaches. Nothing goes on through `stops`; a y that is one of them counts for what it was made
  // of.
  virtual std::vector<Value> gradients(std::span<const Value> ys, std::span<const Value> cotangents,
                                       std::span<const Value> xs,
                                       std::span<const Value> stops = {}) = 0;
};

// How gradients pass the results of a call.
enum class Flow : uint8_t {
  through,         // as the Graph says
  stops,           // they are constants for every gradient (detach)
  owned,           // the graph passes nothing; whoever made the call does (Call::owner)
  differentiates,  // as `through`; its operands are told apart from equal values
};

// Whether the call keeps what it was made of after it ran, for gradients that are asked for later.
enum class History : uint8_t { kept, dropped };

struct TracedOperator {
  std::string_view name;
  int operands = 1;  // -1: a list
  std::vector<Value> (*build)(SegmentGraph& graph, std::span<const Value> operands,
                              AttributeReader& attributes) = nullptr;
  int promoted_from = 0;  // operands from here on have one dtype: Python numbers take it
  Flow flow = Flow::through;
  History history = History::kept;
};

struct TracedGroup {
  std::span<const TracedOperator> operators;
};

const TracedOperator* find_traced_operator(std::string_view name);  // null: there is none

// The dtype of a result of operands with these dtypes: the array API standard's table; floats win
// over integers, f16 with bf16 is f32, u64 with a signed one is f64.
DType promote(DType a, DType b);
// The dtype that a Python number takes beside arrays of dtype `strong`; kind: 0 bool, 1 int,
// 2 float.
DType weak_dtype(int kind, DType strong);
DType default_dtype(int kind);  // where there is no array: bool, i64, f32

}  // namespace mintor::trace

namespace mintor {
std::span<const trace::TracedGroup* const> all_traced_groups();  // of the folder operators/
}
