// SPDX-License-Identifier: Apache-2.0
// The slow, exact executor of Kernels, and the oracle of emitted code.
// Names are resolved to slots once; then every expression node computes its lanes into a buffer of
// its own with the functions that kernels use (scalar_eval.h). Takes buffers by name; writes them
// in place. Keeps true: every access is checked against its shape; reads of undefined elements and
// conflicts between parallel iterations throw InternalError with the kernel's and the buffer's
// name.
#include "compiler/loop/interpret.h"

#include <cstring>
#include <memory>
#include <utility>

#include "compiler/loop/instruction.h"
#include "compiler/loop/interpret_values.h"

namespace mintor {
namespace {

using namespace interpreter;

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
                                         maybe(l->count), lane_,
                                         l->words ? elements_of_word(e->dtype) : 1);
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
  ActionRef compile(const Prefetch&) { return std::make_unique<BlockAction>(); }  // does nothing
  ActionRef compile(const Code&) {
    throw CompileError("code", "the interpreter of kernels cannot run source text", "",
                       "compile it: its meaning is what a C++ compiler makes of it");
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
