// SPDX-License-Identifier: Apache-2.0
// The slow, exact executor of Kernels, and the oracle of emitted code.
// Names are resolved to slots once; then every expression node computes its lanes into a buffer of
// its own with the functions that kernels use (scalar_eval.h). Takes buffers by name; writes them
// in place. Keeps true: every access is checked against its shape; reads of undefined elements and
// conflicts between parallel iterations throw InternalError with the kernel's and the buffer's
// name.
#include "compiler/loop/interpret.h"

#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <utility>

#include "compiler/ir/scalar_eval.h"
#include "compiler/loop/instruction.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"

namespace mintor {
namespace {

constexpr int kMostLanes = 1024;

// ---- integers ----

struct Int {
  struct Factor {
    int slot = -1;             // a variable, or
    Index::Atom::Kind kind{};  // floordiv, mod, min, max of
    std::unique_ptr<Int> a, b;
  };
  struct Term {
    int64_t coefficient;
    std::vector<Factor> factors;
  };
  std::vector<Term> terms;

  int64_t operator()(const int64_t* slots) const {
    int64_t sum = 0;
    for (const Term& t : terms) {
      int64_t product = t.coefficient;
      for (const Factor& f : t.factors) product *= f.slot >= 0 ? slots[f.slot] : atom(f, slots);
      sum += product;
    }
    return sum;
  }
  static int64_t atom(const Factor& f, const int64_t* slots) {
    using Kind = Index::Atom::Kind;
    int64_t a = (*f.a)(slots), b = (*f.b)(slots);
    if (f.kind == Kind::min) return std::min(a, b);
    if (f.kind == Kind::max) return std::max(a, b);
    if (b <= 0) throw InternalError("interpret", "a divisor is " + std::to_string(b));
    return f.kind == Kind::floordiv ? index_detail::floor_div(a, b) : index_detail::floor_mod(a, b);
  }
};

// ---- memory ----

struct BufferState {
  std::string name;
  DType dtype = DType::f32;
  size_t element = 4;
  std::vector<int64_t> shape;
  std::byte* data = nullptr;
  std::vector<std::byte> own;            // of a local buffer
  std::vector<bool>* defined = nullptr;  // null: all defined
  std::vector<bool> own_defined;
  bool outside = true;  // of the parallel loop: watched for races
  // Per element: which parallel iteration wrote it, or read it (-1 none, -2 several readers).
  std::vector<int64_t> writer, reader;
  bool live = false;
};

struct Scope {  // one per kernel being executed (instructions nest)
  std::string kernel;
  std::deque<BufferState> buffers;
  std::vector<int64_t> slots;
  int64_t iteration = -1;  // of the parallel loop, -1 outside
};

[[noreturn]] void fail(const Scope& s, const std::string& what) {
  throw InternalError("interpret", "kernel " + s.kernel + ": " + what);
}

std::string element_text(const BufferState& b, int64_t flat) {
  std::string out;
  for (size_t d = b.shape.size(); d-- > 0;) {
    int64_t extent = std::max<int64_t>(b.shape[d], 1);
    out = std::to_string(flat % extent) + (out.empty() ? "" : ", ") + out;
    flat /= extent;
  }
  return b.name + "[" + out + "]";
}

void note_read(Scope& s, BufferState& b, int64_t flat) {
  if (b.defined && !(*b.defined)[static_cast<size_t>(flat)])
    fail(s, "read of the undefined element " + element_text(b, flat));
  if (s.iteration < 0 || b.writer.empty()) return;
  int64_t w = b.writer[static_cast<size_t>(flat)];
  if (w >= 0 && w != s.iteration)
    fail(s, "race: one parallel iteration reads " + element_text(b, flat) + ", another writes it");
  int64_t& r = b.reader[static_cast<size_t>(flat)];
  r = r == -1 || r == s.iteration ? s.iteration : -2;
}

void note_write(Scope& s, BufferState& b, int64_t flat) {
  if (b.defined) (*b.defined)[static_cast<size_t>(flat)] = true;
  if (s.iteration < 0 || b.writer.empty()) return;
  int64_t& w = b.writer[static_cast<size_t>(flat)];
  int64_t r = b.reader[static_cast<size_t>(flat)];
  if ((w >= 0 && w != s.iteration) || (r != -1 && r != s.iteration))
    fail(s, "race: two parallel iterations touch " + element_text(b, flat) + " and one writes it");
  w = s.iteration;
}

struct Access {
  int buffer = -1;
  std::vector<Int> indices;

  int64_t flat(Scope& s) const {
    const BufferState& b = s.buffers[static_cast<size_t>(buffer)];
    if (!b.live) fail(s, "access to " + b.name + " outside of its scope");
    int64_t out = 0;
    for (size_t d = 0; d < indices.size(); ++d) {
      int64_t i = indices[d](s.slots.data());
      if (i < 0 || i >= b.shape[d])
        fail(s, "index " + std::to_string(i) + " of dimension " + std::to_string(d) + " of " +
                    b.name + " is outside of 0.." + std::to_string(b.shape[d]));
      out = out * b.shape[d] + i;
    }
    return out;
  }
};

// ---- expressions ----

// Lane l of a node is at out[l * size]; a node of one lane has only lane 0.
struct Value {
  DType dtype;
  int lanes;
  size_t size;
  std::vector<std::byte> out;

  Value(DType t, int n)
      : dtype(t),
        lanes(n),
        size(static_cast<size_t>(size_of(t))),
        out(size * static_cast<size_t>(n)) {}
  virtual ~Value() = default;
  // mask: null, or one byte per lane (of `width` lanes): lanes that are 0 need no value and execute
  // no load.
  virtual void run(Scope& s, const uint8_t* mask, int width) = 0;
};
using ValueRef = std::unique_ptr<Value>;

const void* widened(const Value& v, int lanes, std::vector<std::byte>& scratch) {
  if (v.lanes == lanes) return v.out.data();
  scratch.resize(v.size * static_cast<size_t>(lanes));
  for (int l = 0; l < lanes; ++l)
    std::memcpy(&scratch[v.size * static_cast<size_t>(l)], v.out.data(), v.size);
  return scratch.data();
}

struct ConstantValue : Value {
  explicit ConstantValue(const Scalar& c) : Value(c.dtype, 1) { c.write(out.data()); }
  void run(Scope&, const uint8_t*, int) override {}
};

struct IndexValue : Value {
  Int value;
  int lane_slot;
  IndexValue(Int v, int n, int slot) : Value(DType::i64, n), value(std::move(v)), lane_slot(slot) {}
  void run(Scope& s, const uint8_t*, int) override {
    for (int l = 0; l < lanes; ++l) {
      s.slots[static_cast<size_t>(lane_slot)] = l;
      int64_t x = value(s.slots.data());
      std::memcpy(&out[8 * static_cast<size_t>(l)], &x, 8);
    }
  }
};

struct InRangeValue : Value {
  Int value, extent;
  int lane_slot;
  InRangeValue(Int v, Int e, int n, int slot)
      : Value(DType::boolean, n), value(std::move(v)), extent(std::move(e)), lane_slot(slot) {}
  void run(Scope& s, const uint8_t*, int) override {
    for (int l = 0; l < lanes; ++l) {
      s.slots[static_cast<size_t>(lane_slot)] = l;
      int64_t x = value(s.slots.data());
      out[static_cast<size_t>(l)] = std::byte(x >= 0 && x < extent(s.slots.data()));
    }
  }
};

struct VariableValue : Value {
  const Value* let;
  VariableValue(const Value* source, int n) : Value(source->dtype, n), let(source) {}
  void run(Scope&, const uint8_t*, int) override {
    std::memcpy(out.data(), let->out.data(), out.size());
  }
};

struct LoadValue : Value {
  Access access;
  std::optional<Int> count;
  int lane_slot;
  LoadValue(DType t, int n, Access a, std::optional<Int> c, int slot)
      : Value(t, n), access(std::move(a)), count(std::move(c)), lane_slot(slot) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    int64_t limit = lanes;
    if (count) limit = (*count)(s.slots.data());
    bool wanted = lanes > 1 || !mask;
    for (int l = 0; !wanted && l < width; ++l) wanted = mask[l] != 0;
    for (int l = 0; l < lanes; ++l) {
      std::byte* to = &out[size * static_cast<size_t>(l)];
      if (l >= limit || !wanted || (lanes > 1 && mask && !mask[l])) {
        std::memset(to, 0, size);
        continue;
      }
      s.slots[static_cast<size_t>(lane_slot)] = l;
      BufferState& b = s.buffers[static_cast<size_t>(access.buffer)];
      int64_t at = access.flat(s);
      note_read(s, b, at);
      std::memcpy(to, b.data + static_cast<size_t>(at) * size, size);
    }
  }
};

struct OpValue : Value {
  ScalarOp op;
  std::vector<ValueRef> args;
  std::vector<std::vector<std::byte>> scratch;
  std::vector<const void*> pointers;
  DType operand;
  OpValue(DType t, int n, ScalarOp o, std::vector<ValueRef> a)
      : Value(t, n),
        op(o),
        args(std::move(a)),
        scratch(args.size()),
        pointers(args.size()),
        operand(args.back()->dtype) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    for (size_t i = 0; i < args.size(); ++i) {
      args[i]->run(s, mask, width);
      pointers[i] = widened(*args[i], lanes, scratch[i]);
    }
    evaluate_array(op, operand, pointers, out.data(), lanes);
  }
};

struct CastValue : Value {
  ValueRef arg;
  CastValue(DType t, ValueRef a) : Value(t, a->lanes), arg(std::move(a)) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    arg->run(s, mask, width);
    cast_array(arg->dtype, arg->out.data(), dtype, out.data(), lanes);
  }
};

struct BitcastValue : Value {
  ValueRef arg;
  BitcastValue(DType t, ValueRef a) : Value(t, a->lanes), arg(std::move(a)) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    arg->run(s, mask, width);
    for (int l = 0; l < lanes; ++l) {
      const std::byte* from = &arg->out[size * static_cast<size_t>(l)];
      std::byte* to = &out[size * static_cast<size_t>(l)];
      Scalar in = Scalar::read(arg->dtype, from);
      bool nan = is_float(arg->dtype) && !is_float(dtype) && in.f != in.f;
      if (nan)  // numerics: a NaN becomes the one positive quiet NaN
        Scalar::of(arg->dtype, std::numeric_limits<double>::quiet_NaN()).write(to);
      else
        std::memcpy(to, from, size);
    }
  }
};

struct GuardValue : Value {
  ValueRef cond, value, fill;
  std::vector<uint8_t> yes, no;
  GuardValue(DType t, int n, ValueRef c, ValueRef v, ValueRef f)
      : Value(t, n), cond(std::move(c)), value(std::move(v)), fill(std::move(f)) {}
  void run(Scope& s, const uint8_t* mask, int width) override {
    cond->run(s, mask, width);
    yes.assign(static_cast<size_t>(width), 0);
    no.assign(static_cast<size_t>(width), 0);
    bool any_yes = false, any_no = false;
    for (int l = 0; l < width; ++l) {
      if (mask && !mask[l]) continue;
      bool holds = cond->out[cond->lanes > 1 ? static_cast<size_t>(l) : 0] != std::byte(0);
      (holds ? yes : no)[static_cast<size_t>(l)] = 1;
      (holds ? any_yes : any_no) = true;
    }
    if (any_yes) value->run(s, yes.data(), width);
    if (any_no) fill->run(s, no.data(), width);
    for (int l = 0; l < lanes; ++l) {
      bool holds = lanes > 1 ? yes[static_cast<size_t>(l)] != 0 : any_yes;
      const Value& from = holds ? *value : *fill;
      std::memcpy(&out[size * static_cast<size_t>(l)],
                  &from.out[from.lanes > 1 ? size * static_cast<size_t>(l) : 0], size);
    }
  }
};

// ---- statements ----

struct Action {
  virtual ~Action() = default;
  virtual void run(Scope& s) = 0;
};
using ActionRef = std::unique_ptr<Action>;

struct BlockAction : Action {
  std::vector<ActionRef> body;
  std::vector<int> allocs;  // end of life with the block
  void run(Scope& s) override {
    for (auto& a : body) a->run(s);
    for (int b : allocs) s.buffers[static_cast<size_t>(b)].live = false;
  }
};

struct ForAction : Action {
  int slot;
  Int begin, end;
  bool parallel;
  ActionRef body;
  void run(Scope& s) override {
    int64_t from = begin(s.slots.data()), to = end(s.slots.data());
    if (parallel)
      for (BufferState& b : s.buffers)
        if (b.live && b.outside) {
          int64_t n = 1;
          for (int64_t e : b.shape) n *= e;
          b.writer.assign(static_cast<size_t>(n), -1);
          b.reader.assign(static_cast<size_t>(n), -1);
        }
    for (int64_t i = from; i < to; ++i) {
      s.slots[static_cast<size_t>(slot)] = i;
      if (parallel) s.iteration = i - from;
      body->run(s);
    }
    if (parallel) s.iteration = -1;
  }
};

struct LetAction : Action {
  Value* value;
  int slot;  // of an i64 scalar, or -1
  void run(Scope& s) override {
    value->run(s, nullptr, value->lanes);
    if (slot >= 0) std::memcpy(&s.slots[static_cast<size_t>(slot)], value->out.data(), 8);
  }
};

struct StoreAction : Action {
  Access access;
  ValueRef value;
  std::optional<Int> count;
  int lanes, lane_slot;
  void run(Scope& s) override {
    int64_t limit = lanes;
    if (count) limit = (*count)(s.slots.data());
    if (limit <= 0) return;
    // Loads of lanes that are not stored obey their own counts only, as in emitted text.
    value->run(s, nullptr, lanes);
    for (int l = 0; l < lanes && l < limit; ++l) {
      s.slots[static_cast<size_t>(lane_slot)] = l;
      BufferState& b = s.buffers[static_cast<size_t>(access.buffer)];
      int64_t at = access.flat(s);
      note_write(s, b, at);
      std::memcpy(b.data + static_cast<size_t>(at) * b.element,
                  &value->out[value->lanes > 1 ? value->size * static_cast<size_t>(l) : 0],
                  b.element);
    }
  }
};

struct AllocAction : Action {
  int buffer;
  std::vector<Int> shape;
  void run(Scope& s) override {
    BufferState& b = s.buffers[static_cast<size_t>(buffer)];
    b.shape.clear();
    int64_t n = 1;
    for (const Int& e : shape) {
      b.shape.push_back(e(s.slots.data()));
      if (b.shape.back() < 0) fail(s, "a dimension of " + b.name + " is negative");
      n *= b.shape.back();
    }
    b.own.resize(static_cast<size_t>(n) * b.element);
    b.own_defined.assign(static_cast<size_t>(n), false);
    b.data = b.own.data();
    b.defined = &b.own_defined;
    b.outside = s.iteration < 0;
    b.writer.clear();
    b.reader.clear();
    b.live = true;
  }
};

struct IfAction : Action {
  ValueRef cond;
  ActionRef then_body, else_body;
  void run(Scope& s) override {
    cond->run(s, nullptr, 1);
    if (cond->out[0] != std::byte(0))
      then_body->run(s);
    else if (else_body)
      else_body->run(s);
  }
};

// Operands are contiguous from their first element, as the instruction's text sees them.
struct InstrAction : Action {
  Kernel meaning;
  std::vector<Access> operands;
  void run(Scope& s) override {
    std::map<std::string, Memory> inner;
    std::vector<std::pair<BufferState*, int64_t>> places;
    for (size_t i = 0; i < operands.size(); ++i) {
      const Param& p = meaning.params[i];
      BufferState& b = s.buffers[static_cast<size_t>(operands[i].buffer)];
      if (b.dtype != p.dtype)
        fail(s, "operand " + p.name + " of an instruction has another dtype than " + b.name);
      int64_t at = operands[i].flat(s), n = 1, size = 1;
      for (const Index& e : p.shape) n *= e.value();
      for (int64_t e : b.shape) size *= e;
      if (at + n > size) fail(s, "operand " + p.name + " of an instruction leaves " + b.name);
      Memory m{p.dtype,
               std::vector<std::byte>(b.data + static_cast<size_t>(at) * b.element,
                                      b.data + static_cast<size_t>(at + n) * b.element),
               {}};
      m.defined.assign(static_cast<size_t>(n), true);
      for (int64_t e = 0; b.defined && e < n; ++e)
        m.defined[static_cast<size_t>(e)] = (*b.defined)[static_cast<size_t>(at + e)];
      inner[p.name] = std::move(m);
      places.push_back({&b, at});
    }
    interpret(meaning, inner, {});
    for (size_t i = 0; i < operands.size(); ++i) {
      const Param& p = meaning.params[i];
      auto [b, at] = places[i];
      const Memory& m = inner[p.name];
      for (size_t e = 0; e < m.defined.size(); ++e) {
        int64_t flat = at + static_cast<int64_t>(e);
        if (!p.written && m.defined[e]) note_read(s, *b, flat);
        if (p.written && m.defined[e]) note_write(s, *b, flat);
      }
      if (p.written)
        std::memcpy(b->data + static_cast<size_t>(at) * b->element, m.bytes.data(), m.bytes.size());
    }
  }
};

// ---- compilation of names to slots ----

class Compiler {
 public:
  explicit Compiler(Scope& scope) : scope_(scope) { lane_ = slot(std::string(kLane)); }

  int slot(const std::string& name) {
    auto [it, made] = slots_.try_emplace(name, static_cast<int>(scope_.slots.size()));
    if (made) scope_.slots.push_back(0);
    return it->second;
  }
  int buffer(const std::string& name, DType dtype) {
    int id = static_cast<int>(scope_.buffers.size());
    scope_.buffers.emplace_back();
    BufferState& b = scope_.buffers.back();
    b.name = name;
    b.dtype = dtype;
    b.element = static_cast<size_t>(size_of(dtype));
    buffers_[name] = id;
    return id;
  }

  Int integer(const Index& e) {
    Int out;
    for (const auto& term : e.poly().terms) {
      Int::Term t{term.coefficient, {}};
      for (const auto& f : term.factors) {
        Int::Factor factor;
        if (f->kind == Index::Atom::Kind::variable) {
          auto it = slots_.find(f->name);
          if (it == slots_.end()) mintor::fail(scope_, "the integer " + f->name + " is unknown");
          factor.slot = it->second;
        } else {
          factor.kind = f->kind;
          factor.a = std::make_unique<Int>(integer(f->a));
          factor.b = std::make_unique<Int>(integer(f->b));
        }
        t.factors.push_back(std::move(factor));
      }
      out.terms.push_back(std::move(t));
    }
    return out;
  }

  ActionRef statement(const Stmt& stmt) {
    return std::visit([&](const auto& node) { return compile(node); }, stmt->node);
  }

 private:
  Scope& scope_;
  int lane_;
  std::map<std::string, int> slots_, buffers_;
  std::map<std::string, Value*> lets_;
  std::vector<std::unique_ptr<Value>> let_values_;
  BlockAction* block_ = nullptr;

 public:
  std::vector<std::unique_ptr<Value>> take_lets() { return std::move(let_values_); }

 private:
  std::optional<Int> maybe(const std::optional<Index>& e) {
    return e ? std::optional<Int>(integer(*e)) : std::nullopt;
  }
  Access access(const std::string& name, const std::vector<Index>& indices) {
    auto it = buffers_.find(name);
    if (it == buffers_.end()) mintor::fail(scope_, "the buffer " + name + " is unknown");
    Access out{it->second, {}};
    for (const Index& e : indices) out.indices.push_back(integer(e));
    return out;
  }

  ValueRef value(const Expr& e) {
    if (auto* c = std::get_if<ConstantExpr>(&e->node))
      return std::make_unique<ConstantValue>(c->value);
    if (auto* v = std::get_if<VariableExpr>(&e->node))
      return std::make_unique<VariableValue>(lets_.at(v->name), e->lanes);
    if (auto* i = std::get_if<IndexExpr>(&e->node))
      return std::make_unique<IndexValue>(integer(i->value), e->lanes, lane_);
    if (auto* l = std::get_if<LoadExpr>(&e->node))
      return std::make_unique<LoadValue>(e->dtype, e->lanes, access(l->buffer, l->indices),
                                         maybe(l->count), lane_);
    if (auto* r = std::get_if<InRangeExpr>(&e->node))
      return std::make_unique<InRangeValue>(integer(r->value), integer(r->extent), e->lanes, lane_);
    if (auto* c = std::get_if<CastExpr>(&e->node))
      return std::make_unique<CastValue>(e->dtype, value(c->arg));
    if (auto* b = std::get_if<BitcastExpr>(&e->node))
      return std::make_unique<BitcastValue>(e->dtype, value(b->arg));
    if (auto* g = std::get_if<GuardExpr>(&e->node))
      return std::make_unique<GuardValue>(e->dtype, e->lanes, value(g->cond), value(g->value),
                                          value(g->fill));
    const auto& o = std::get<OpExpr>(e->node);
    std::vector<ValueRef> args;
    for (const Expr& a : o.args) args.push_back(value(a));
    return std::make_unique<OpValue>(e->dtype, e->lanes, o.op, std::move(args));
  }

  ActionRef compile(const Block& b) {
    auto out = std::make_unique<BlockAction>();
    BlockAction* outer = std::exchange(block_, out.get());
    for (const Stmt& s : b.body) out->body.push_back(statement(s));
    block_ = outer;
    return out;
  }
  ActionRef compile(const For& f) {
    auto out = std::make_unique<ForAction>();
    out->begin = integer(f.begin);
    out->end = integer(f.end);
    out->slot = slot(f.var);
    out->parallel = f.kind == LoopKind::parallel;
    out->body = statement(f.body);
    return out;
  }
  ActionRef compile(const Let& l) {
    auto out = std::make_unique<LetAction>();
    let_values_.push_back(value(l.value));
    out->value = let_values_.back().get();
    lets_[l.name] = out->value;
    out->slot = l.value->dtype == DType::i64 && l.value->lanes == 1 ? slot(l.name) : -1;
    return out;
  }
  ActionRef compile(const Store& s) {
    if (s.lanes > kMostLanes)
      mintor::fail(scope_, "more than " + std::to_string(kMostLanes) + " lanes");
    auto out = std::make_unique<StoreAction>();
    out->access = access(s.buffer, s.indices);
    out->value = value(s.value);
    out->count = maybe(s.count);
    out->lanes = s.lanes;
    out->lane_slot = lane_;
    return out;
  }
  ActionRef compile(const Alloc& a) {
    auto out = std::make_unique<AllocAction>();
    out->buffer = buffer(a.name, a.dtype);
    for (const Index& e : a.shape) out->shape.push_back(integer(e));
    if (block_) block_->allocs.push_back(out->buffer);
    return out;
  }
  ActionRef compile(const If& i) {
    auto out = std::make_unique<IfAction>();
    out->cond = value(i.cond);
    out->then_body = statement(i.then_body);
    if (i.else_body) out->else_body = statement(i.else_body);
    return out;
  }
  ActionRef compile(const Instr& i) {
    const Instruction* instruction = find_instruction(i.name);
    if (!instruction) mintor::fail(scope_, "the instruction " + i.name + " is unknown");
    auto out = std::make_unique<InstrAction>();
    out->meaning = parse_kernel(instruction->meaning);
    if (out->meaning.params.size() != i.operands.size())
      mintor::fail(scope_, "the instruction " + i.name + " takes " +
                               std::to_string(out->meaning.params.size()) + " operands");
    for (const auto& o : i.operands) out->operands.push_back(access(o.buffer, o.indices));
    return out;
  }
};

}  // namespace

void interpret(const Kernel& kernel, std::map<std::string, Memory>& buffers,
               const std::map<std::string, int64_t>& symbols) {
  Scope scope;
  scope.kernel = kernel.name;
  Compiler compiler(scope);
  for (const SymbolParam& s : kernel.symbols) {
    auto it = symbols.find(s.name);
    if (it == symbols.end()) fail(scope, "no value for the symbol " + s.name);
    if (it->second < s.lo || (s.hi >= s.lo && it->second > s.hi) || it->second % s.divisor != 0)
      fail(scope, "the value " + std::to_string(it->second) + " of the symbol " + s.name +
                      " is outside of its range");
    scope.slots[static_cast<size_t>(compiler.slot(s.name))] = it->second;
  }
  for (const Param& p : kernel.params) {
    auto it = buffers.find(p.name);
    if (it == buffers.end()) fail(scope, "no buffer for the parameter " + p.name);
    Memory& m = it->second;
    if (m.dtype != p.dtype) fail(scope, "the buffer of " + p.name + " has another dtype");
    int id = compiler.buffer(p.name, p.dtype);
    BufferState& b = scope.buffers[static_cast<size_t>(id)];
    int64_t n = 1;
    for (const Index& e : p.shape) {
      b.shape.push_back(e.evaluate([&](std::string_view name) {
        auto s = symbols.find(std::string(name));
        if (s == symbols.end()) fail(scope, "no value for the symbol " + std::string(name));
        return s->second;
      }));
      n *= b.shape.back();
    }
    if (m.bytes.size() != static_cast<size_t>(n) * b.element)
      fail(scope, "the buffer of " + p.name + " has " + std::to_string(m.bytes.size()) +
                      " bytes, its shape needs " +
                      std::to_string(static_cast<size_t>(n) * b.element));
    b.data = m.bytes.data();
    b.defined = m.defined.empty() ? nullptr : &m.defined;
    b.live = true;
  }
  if (!kernel.body) return;
  ActionRef body = compiler.statement(kernel.body);
  auto lets = compiler.take_lets();
  body->run(scope);
}

}  // namespace mintor
