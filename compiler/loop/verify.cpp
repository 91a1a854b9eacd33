// SPDX-License-Identifier: Apache-2.0
// The rules of ir.h that can be checked without values; interpret() checks the others (bounds,
// defined-ness, races). Takes a Kernel; throws InternalError that names the rule and shows the
// statement.
#include <algorithm>
#include <utility>

#include "compiler/loop/instruction.h"
#include "compiler/loop/ir.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

// Copies of the body of an unrolled loop: more than any schedule makes, and it still compiles.
constexpr int64_t kMostCopies = 4096;

struct Buffer {
  DType dtype;
  size_t rank;
  bool writable;
};

class Verifier {
 public:
  explicit Verifier(const Kernel& kernel) : kernel_(kernel) {}

  void run() {
    for (const SymbolParam& s : kernel_.symbols) bind(s.name), integers_.insert(s.name);
    for (const Param& p : kernel_.params) {
      bind(p.name);
      buffers_[p.name] = {p.dtype, p.shape.size(), p.written};
      for (const Index& e : p.shape) index(e);
      require(p.alignment >= 1, "the alignment of " + p.name + " is not positive");
    }
    if (kernel_.body) statement(kernel_.body, true);
  }

 private:
  const Kernel& kernel_;
  std::set<std::string> bound_;
  std::set<std::string> integers_;                         // in scope, for Index
  std::map<std::string, std::pair<DType, int32_t>> lets_;  // in scope
  std::map<std::string, Buffer> buffers_;                  // in scope
  const Stmt* at_ = nullptr;
  int32_t lanes_ = 1;

  [[noreturn]] void fail(const std::string& rule) const {
    throw InternalError("verify kernel " + kernel_.name,
                        rule + (at_ ? "\n  in: " + print(*at_).substr(0, 600) : ""),
                        print(kernel_));
  }
  void require(bool ok, const std::string& rule) const {
    if (!ok) fail(rule);
  }
  void bind(const std::string& name) {
    require(name != kLane, "`lane` is bound");
    require(bound_.insert(name).second, "the name " + name + " is bound twice");
  }

  void index(const Index& e) const {
    for (const std::string& v : e.vars()) {
      if (v == kLane)
        require(lanes_ > 1, "`lane` outside of a vector statement");
      else
        require(integers_.count(v) > 0, "the integer " + v + " is not in scope");
    }
  }
  const Buffer& access(const std::string& buffer, const std::vector<Index>& indices) const {
    auto it = buffers_.find(buffer);
    require(it != buffers_.end(), "the buffer " + buffer + " is not in scope");
    require(indices.size() == it->second.rank,
            "the buffer " + buffer + " has " + std::to_string(it->second.rank) +
                " dimensions, the access " + std::to_string(indices.size()));
    for (const Index& e : indices) index(e);
    return it->second;
  }

  void expr(const Expr& e) const {
    require(e->lanes == 1 || e->lanes == lanes_,
            "an expression with other lanes than its statement");
    if (auto* v = std::get_if<VariableExpr>(&e->node)) {
      auto it = lets_.find(v->name);
      require(it != lets_.end(), "the variable " + v->name + " is not in scope");
      require(it->second.first == e->dtype && it->second.second == e->lanes,
              "the variable " + v->name + " has another type");
    } else if (auto* l = std::get_if<LoadExpr>(&e->node)) {
      const DType held = access(l->buffer, l->indices).dtype;
      require(e->dtype == (l->words ? word_of(held) : held),
              "a load of another dtype than " + l->buffer);
      bool lane = std::any_of(l->indices.begin(), l->indices.end(),
                              [](const Index& i) { return i.mentions(kLane); });
      require(lane == (e->lanes > 1), "a load whose lanes do not follow from its indices");
      if (l->count) {
        index(*l->count);
        require(e->lanes > 1 && !l->count->mentions(kLane),
                "the count of a load that is no vector, or mentions lane");
      }
    } else if (auto* i = std::get_if<IndexExpr>(&e->node)) {
      index(i->value);
      require(i->value.mentions(kLane) == (e->lanes > 1), "an index whose lanes do not follow");
    } else if (auto* r = std::get_if<InRangeExpr>(&e->node)) {
      index(r->value);
      index(r->extent);
    } else if (auto* o = std::get_if<OpExpr>(&e->node)) {
      for (const Expr& a : o->args) expr(a);
    } else if (auto* c = std::get_if<CastExpr>(&e->node)) {
      expr(c->arg);
    } else if (auto* b = std::get_if<BitcastExpr>(&e->node)) {
      expr(b->arg);
    } else if (auto* g = std::get_if<GuardExpr>(&e->node)) {
      expr(g->cond);
      expr(g->value);
      expr(g->fill);
    }
  }

  void statement(const Stmt& s, bool outermost) {
    require(s != nullptr, "an empty statement");
    const Stmt* before = std::exchange(at_, &s);
    std::visit([&](const auto& node) { check(node, outermost); }, s->node);
    at_ = before;
  }

  void check(const Block& b, bool outermost) {
    auto integers = integers_;
    auto lets = lets_;
    auto buffers = buffers_;
    // A parallel loop splits the kernel into tasks: what stands beside it would run in each of
    // them.
    bool alone = std::count_if(b.body.begin(), b.body.end(), [](const Stmt& s) {
                   return !std::holds_alternative<Let>(s->node);
                 }) == 1;
    for (const Stmt& s : b.body) statement(s, outermost && alone);
    integers_ = std::move(integers);
    lets_ = std::move(lets);
    buffers_ = std::move(buffers);
  }
  void check(const For& f, bool outermost) {
    bind(f.var);
    index(f.begin);
    index(f.end);
    require(f.kind != LoopKind::parallel || outermost,
            "a parallel loop that is not the outermost statement");
    require(f.kind != LoopKind::unrolled || (f.end - f.begin).is_const(),
            "an unrolled loop without a constant extent");
    require(f.kind != LoopKind::unrolled || (f.end - f.begin).value() <= kMostCopies,
            "an unrolled loop of more than " + std::to_string(kMostCopies) + " iterations");
    integers_.insert(f.var);
    statement(f.body, false);
    integers_.erase(f.var);
  }
  void check(const Let& l, bool) {
    bind(l.name);
    lanes_ = l.value->lanes;
    expr(l.value);
    lanes_ = 1;
    lets_[l.name] = {l.value->dtype, l.value->lanes};
    if (l.value->dtype == DType::i64 && l.value->lanes == 1) integers_.insert(l.name);
  }
  void check(const Store& s, bool) {
    lanes_ = s.lanes;
    const Buffer& buffer = access(s.buffer, s.indices);
    require(buffer.writable, "a store to " + s.buffer + ", which is not written");
    require(buffer.dtype == s.value->dtype, "a store of another dtype than " + s.buffer);
    expr(s.value);
    bool lane = std::any_of(s.indices.begin(), s.indices.end(),
                            [](const Index& i) { return i.mentions(kLane); });
    require(lane == (s.lanes > 1), "a store whose lanes do not follow from its indices");
    if (s.count) {
      index(*s.count);
      require(s.lanes > 1 && !s.count->mentions(kLane),
              "the count of a store that is no vector, or mentions lane");
    }
    lanes_ = 1;
  }
  void check(const Alloc& a, bool) {
    bind(a.name);
    for (const Index& e : a.shape) index(e);
    buffers_[a.name] = {a.dtype, a.shape.size(), true};
  }
  void check(const If& i, bool) {
    require(i.cond->lanes == 1, "the condition of an if has lanes");
    expr(i.cond);
    auto integers = integers_;
    auto lets = lets_;
    auto buffers = buffers_;
    statement(i.then_body, false);
    integers_ = integers, lets_ = lets, buffers_ = buffers;
    if (i.else_body) statement(i.else_body, false);
    integers_ = integers, lets_ = lets, buffers_ = buffers;
  }
  void check(const Instr& i, bool) {
    for (const auto& o : i.operands) access(o.buffer, o.indices);
    require(find_instruction(i.name) != nullptr, "the instruction " + i.name + " is unknown");
  }
  void check(const Prefetch& p, bool) { access(p.buffer, p.indices); }
  void check(const Code& c, bool outermost) {
    require(outermost, "user code inside a loop or a branch");
    for (const auto* operands : {&c.inputs, &c.outputs})
      for (const CodeOperand& o : *operands) {
        const auto param = std::find_if(kernel_.params.begin(), kernel_.params.end(),
                                        [&](const Param& p) { return p.name == o.buffer; });
        require(param != kernel_.params.end(), "user code over " + o.buffer + ", no parameter");
        require(operands != &c.outputs || param->written,
                "user code stores to " + o.buffer + ", which is not written");
      }
  }
};

}  // namespace

void verify(const Kernel& kernel) { Verifier(kernel).run(); }

}  // namespace mintor
