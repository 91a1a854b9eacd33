// SPDX-License-Identifier: Apache-2.0
// The Kernel: a function of loops. This comment is the semantics; interpret.h executes it, verify.h
// checks it.
//
// A Kernel has parameters (buffers in global memory, integer symbols) and a body of statements. All
// trees are immutable and shared; a step builds a new tree.
//
// Buffers are dense row-major arrays over their shape: parameters, and what Alloc makes, which
// lives until the end of the enclosing block and starts undefined. Its space is `local`, on the
// stack; `scratch`, memory of the context that no two tasks share at one time; or `reg`, which
// promises that, once unrolled loops are expanded, every index but `lane` is a constant, so each
// element (row of lanes) is a register. Integers in addresses and bounds are Index expressions over
// loop variables, symbols, and Let variables of dtype i64.
//
// Vectors are logical. A statement (Let, Store) with lanes = L > 1 is executed for all lanes 0 <=
// lane < L at once: the Index variable `lane` may occur in it, all loads read before the store
// writes. An expression without `lane` in it and without a vector variable is a scalar and means
// the same value in every lane. Store/load `count`: only lanes below count exist; a load gives zero
// elsewhere, a store leaves memory alone. Address ranges are never touched beyond that.
//
// A load of words reads i32 from a buffer of 8-bit integers, or f32 from one of bf16: the bits of
// the four or two elements from its index on, along the last dimension, the first in the lowest.
// Its `count` counts words.
//
// Loops: serial; parallel (iterations touch disjoint memory, any order, any threads; only at the
// outermost level, one per kernel); unrolled (constant extent, expanded in the text); vector is no
// loop kind: `vectorize` makes lanes. Guard{cond, value, fill}: value is evaluated (and its loads
// executed) only where cond holds. InRange(e, n): 0 <= e < n. Arithmetic is that of scalar_ops.def,
// exactly rounded per operation; nothing is reassociated or contracted; `fma` is a row of the
// table. Every variable name is bound once in a kernel (no shadowing).
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/scalar_op.h"
#include "compiler/support/dtype.h"
#include "compiler/support/index.h"

namespace mintor {

class Lexer;

inline constexpr std::string_view kLane = "lane";

// ---- expressions ----

struct ExprNode;
using Expr = std::shared_ptr<const ExprNode>;

struct ConstantExpr {
  Scalar value;
};
struct VariableExpr {  // of a Let
  std::string name;
};
struct IndexExpr {  // i64
  Index value;
};
struct LoadExpr {
  std::string buffer;
  std::vector<Index> indices;
  std::optional<Index> count;
  bool words = false;
};
struct OpExpr {
  ScalarOp op;
  std::vector<Expr> args;
};
struct CastExpr {  // to the node's dtype
  Expr arg;
};
struct BitcastExpr {
  Expr arg;
};
struct InRangeExpr {  // 0 <= value < extent, a boolean
  Index value, extent;
};
struct GuardExpr {
  Expr cond, value, fill;
};

struct ExprNode {
  DType dtype = DType::f32;
  int32_t lanes = 1;  // 1 or the statement's lanes
  std::variant<ConstantExpr, VariableExpr, IndexExpr, LoadExpr, OpExpr, CastExpr, BitcastExpr,
               InRangeExpr, GuardExpr>
      node;
};

// ---- statements ----

struct StmtNode;
using Stmt = std::shared_ptr<const StmtNode>;

enum class LoopKind : uint8_t { serial, parallel, unrolled };

// Where a loop comes from, which is what schedules ask for: names are for readers. Lowering gives
// the axis and its role; steps add the part that they made of it, so that a copy of a tile's tail
// is `out m inner tail` whatever it is called.
enum class LoopRole : uint8_t { axis, out, reduced, window, lane };
enum class LoopPart : uint8_t { outer, inner, first, last, tail, jammed, rest };
struct LoopOrigin {
  LoopRole role = LoopRole::axis;  // axis: nothing is known
  std::string axis;                // empty: the loop's own variable
  std::vector<LoopPart> parts;     // in the order of the steps
};
enum class Space : uint8_t { local, reg, scratch };

struct Block {
  std::vector<Stmt> body;
};
struct For {
  std::string var;
  Index begin, end;
  LoopKind kind = LoopKind::serial;
  Stmt body;
  LoopOrigin origin;
};
struct Let {  // dtype and lanes are the value's
  std::string name;
  Expr value;
};
struct Store {
  std::string buffer;
  std::vector<Index> indices;
  Expr value;
  int32_t lanes = 1;
  std::optional<Index> count;
};
struct Alloc {  // lives until the end of the enclosing block
  std::string name;
  DType dtype;
  std::vector<Index> shape;
  Space space = Space::local;
};
struct If {
  Expr cond;
  Stmt then_body, else_body;  // else_body may be null
};
// A target instruction: buffers with the indices of the first element each operand touches (see
// loop/instruction.h).
struct InstrOperand {
  std::string buffer;
  std::vector<Index> indices;
};
struct Instr {
  std::string name;
  std::vector<InstrOperand> operands;
};

// Asks for the line that holds an element to be brought near, for reading. It changes nothing and
// may lie outside of the buffer; indices are as for a load of one element.
struct Prefetch {
  std::string buffer;
  std::vector<Index> indices;
};

// The user's own C++ statements (ir/user_code.h) over whole buffers: it reads inputs and writes
// outputs, which are zeros before it, each under the name that the text has for it. It is what a
// kernel of its own does, outside of loops.
struct CodeOperand {
  std::string name, buffer;
};
struct Code {
  std::string text;
  std::vector<CodeOperand> inputs, outputs;
};

struct StmtNode {
  std::variant<Block, For, Let, Store, Alloc, If, Instr, Prefetch, Code> node;
};

// ---- kernel ----

struct Param {
  std::string name;
  DType dtype = DType::f32;
  std::vector<Index> shape;
  bool written = false;
  int64_t alignment = 1;  // bytes that the address is a multiple of, at least the element's
};

struct SymbolParam {
  std::string name;
  int64_t lo = 0, hi = -1, divisor = 1;
};

// The name of a loop, buffer, instruction or space, or a number.
using StepArg = std::variant<std::string, int64_t>;
struct StepCall {
  std::string name;
  std::vector<StepArg> args;
};

struct Kernel {
  std::string name;
  std::vector<Param> params;
  std::vector<SymbolParam> symbols;
  Stmt body;
  std::vector<StepCall> schedule;    // the steps that made it, in order
  std::vector<std::string> because;  // why this strategy; what refused
  std::string computes;              // one line: what it means, for the emitted comment
};

// What a load of words reads from a buffer of such elements, if there are words of them; and the
// number of elements in it.
std::optional<DType> word_of(DType element);
int elements_of_word(DType word);

// ---- builders: types are derived; InternalError when they do not fit ----

namespace k {
Expr constant(Scalar value);
Expr variable(std::string name, DType dtype, int32_t lanes = 1);
Expr index(Index value);
Expr load(const Kernel& kernel, const std::string& parameter, std::vector<Index> indices);
Expr load(std::string buffer, DType dtype, std::vector<Index> indices,
          std::optional<Index> count = {});
// A word of elements that the buffer holds.
Expr load_words(std::string buffer, DType held, std::vector<Index> indices);
// The same kind of load, elsewhere; of one lane.
Expr load_like(const Expr& like, std::string buffer, std::vector<Index> indices,
               std::optional<Index> count = {});
Expr op(ScalarOp op, std::vector<Expr> args);
Expr cast(Expr arg, DType dtype);
Expr bitcast(Expr arg, DType dtype);
Expr in_range(Index value, Index extent);
Expr guard(Expr cond, Expr value, Expr fill);

// Flattens nested blocks; a block of one is that statement unless it allocates.
Stmt block(std::vector<Stmt> body);
Stmt loop(std::string var, Index begin, Index end, Stmt body, LoopKind kind = LoopKind::serial,
          LoopOrigin origin = {});
// The same loop around another body, or from other bounds.
Stmt loop(const For& like, Stmt body);
Stmt loop(const For& like, Index begin, Index end, Stmt body);
Stmt let(std::string name, Expr value);
Stmt store(std::string buffer, std::vector<Index> indices, Expr value);
Stmt alloc(std::string name, DType dtype, std::vector<Index> shape, Space space);
Stmt if_(Expr cond, Stmt then_body, Stmt else_body = nullptr);
Stmt instr(std::string name, std::vector<InstrOperand> operands);
Stmt prefetch(std::string buffer, std::vector<Index> indices);
Stmt code(Code code);
// Vectors: leaves of `expr` that mention `lane` get these lanes; a store for all lanes at once.
Expr with_lanes(const Expr& expr, int32_t lanes);
Stmt vector_store(std::string buffer, std::vector<Index> indices, Expr value, int32_t lanes,
                  std::optional<Index> count = {});
}  // namespace k

// ---- walking and rewriting (loop/visit.cpp) ----

// Rebuilds bottom-up; a callback returns nullptr to keep the (already rebuilt) node. lanes are
// re-derived.
using ExprRewrite = std::function<Expr(const Expr&)>;
using StmtRewrite = std::function<Stmt(const Stmt&)>;
Expr rewrite(const Expr& expr, const ExprRewrite& on_expr);
Stmt rewrite(const Stmt& stmt, const ExprRewrite& on_expr, const StmtRewrite& on_stmt);
// Every Index of the tree (addresses, bounds, counts, IndexExpr, InRange) replaced by fn of it.
Stmt map_indices(const Stmt& stmt, const std::function<Index(const Index&)>& fn);
Expr map_indices(const Expr& expr, const std::function<Index(const Index&)>& fn);
Stmt substitute(const Stmt& stmt, const std::map<std::string, Index>& values);
// Pre-order visit of statements, and of all expressions in a statement (and, with `deep`, in its
// children).
void visit(const Stmt& stmt, const std::function<void(const Stmt&)>& fn);
void visit_exprs(const Stmt& stmt, const std::function<void(const Expr&)>& fn, bool deep = true);
const For* find_loop(const Stmt& body, std::string_view var);  // nullptr when there is none
// The tree with loop `var` (the whole For statement) replaced.
Stmt replace_loop(const Stmt& body, std::string_view var,
                  const std::function<Stmt(const For&)>& fn);
std::set<std::string> names_in(const Kernel& kernel);  // all bound names
std::string fresh_name(const Kernel& kernel, std::string_view wish);
// Ranges of symbols and, along the path to loop `var` (inclusive), of the loops around.
Ranges ranges_at(const Kernel& kernel, std::string_view var = "");
// Variables and buffers of these names, bound or used, get the new ones.
Stmt rename(const Stmt& stmt, const std::map<std::string, std::string>& names);
// Renames every variable and buffer bound inside `stmt` by appending `suffix` (for copies of a
// body); loops inside become that part of their axis.
Stmt rename_bound(const Stmt& stmt, std::string_view suffix, std::optional<LoopPart> part = {});
std::string_view name_of(LoopRole role);
std::string_view name_of(LoopPart part);
// With the axis by its name.
LoopOrigin origin_of(const For& loop);
// That part of what `of` is.
LoopOrigin part_of(LoopOrigin of, LoopPart part);
bool same_loop(const LoopOrigin& a, const LoopOrigin& b);  // axis and parts

// ---- text, verification ----

std::string print(const Kernel& kernel);
std::string print(const Stmt& stmt, int indent = 0);
std::string print(const Expr& expr);
// Exactly what print gives; CompileError with line and column.
Kernel parse_kernel(std::string_view text);
Kernel parse_kernel(Lexer& lexer);  // as part of a text
// InternalError naming the rule and the statement.
void verify(const Kernel& kernel);

}  // namespace mintor
