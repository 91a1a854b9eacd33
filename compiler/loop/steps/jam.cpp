// SPDX-License-Identifier: Apache-2.0
// Unroll-and-jam as loop distribution: a loop of constant extent sinks to the innermost statements
// of its body, which must be independent.
//| for i in 0..14 {                  acc: f32[14, 1]
//|   acc: f32[1]                     unrolled i { acc[i, 0] = 0 }
//|   acc[0] = 0             jam(i)   for k {
//|   for k { acc[0] = .. }    ->       unrolled i_2 { acc[i_2, 0] = .. }
//|   r[i] = acc[0]                   }
//| }                                 unrolled i_3 { r[i_3] = acc[i_3, 0] }
// Private buffers that vary with the axis get a leading dimension; Lets stay with the statements
// that use them, or become such buffers. Loops and conditions that do not vary stay around.
#include <utility>

#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

class Jammer {
 public:
  Jammer(const Kernel& kernel, const For& loop, int64_t extent)
      : loop_(loop),
        extent_(extent),
        ranges_(ranges_at(kernel, loop.var)),
        varying_(varying_in(loop)),
        names_(names_in(kernel)) {
    names_.erase(loop.var);
    find_crossing_lets(loop.body);
  }

  std::string reason;  // set when it does not work

  // The body without the loop, which is inside now.
  Stmt run(const Stmt& s) {
    std::vector<Stmt> out;
    distribute(s, out);
    return k::block(std::move(out));
  }

 private:
  const For& loop_;
  int64_t extent_;
  Ranges ranges_;
  std::set<std::string> varying_, names_;
  std::set<std::string>
      crossing_;  // Lets that vary and are used outside of their run of statements
  std::map<std::string, std::pair<DType, int32_t>> lets_;
  std::map<std::string, Space> spaces_;

  static std::vector<Stmt> statements(const Stmt& s) {
    if (auto* b = std::get_if<Block>(&s->node)) return b->body;
    return {s};
  }

  // Leaves are what the loop is put around: stores, Lets, and what varies in its own shape.
  bool is_leaf(const Stmt& s) const {
    if (std::holds_alternative<Store>(s->node) || std::holds_alternative<Let>(s->node) ||
        std::holds_alternative<Instr>(s->node))
      return true;
    if (auto* f = std::get_if<For>(&s->node))
      return varies(f->begin, varying_) || varies(f->end, varying_);
    if (auto* i = std::get_if<If>(&s->node)) {
      if (!varies(i->cond, varying_)) return false;
      if (i->else_body) return true;
      for (const Expr& part : conjuncts(i->cond))
        if (!varies(part, varying_)) return false;
      return true;
    }
    return false;
  }
  bool stays_outside(const Stmt& s) const {
    if (auto* l = std::get_if<Let>(&s->node)) return !varying_.count(l->name);
    if (auto* st = std::get_if<Store>(&s->node)) {
      if (varies(st->value, varying_) || varying_.count(st->buffer)) return false;
      if (st->count && varies(*st->count, varying_)) return false;
      for (const Index& e : st->indices)
        if (varies(e, varying_)) return false;
      return true;
    }
    return false;
  }

  // Runs of leaves; `run_of` numbers them, so that a Let used in another run is known.
  void find_crossing_lets(const Stmt& body) {
    std::map<std::string, int> defined;
    int run = 0;
    number_runs(body, run, defined);
  }
  void number_runs(const Stmt& s, int& run, std::map<std::string, int>& defined) {
    ++run;
    for (const Stmt& one : statements(s)) {
      if (is_leaf(one) && !stays_outside(one)) {
        note_uses(one, run, defined);
        if (auto* l = std::get_if<Let>(&one->node)) {
          defined[l->name] = run;
          lets_[l->name] = {l->value->dtype, l->value->lanes};
        }
        continue;
      }
      ++run;
      if (auto* f = std::get_if<For>(&one->node)) number_runs(f->body, run, defined);
      if (auto* i = std::get_if<If>(&one->node)) {
        if (is_leaf(one)) continue;
        if (varies(i->cond, varying_)) {  // a leaf below the conditions that do not vary
          note_uses(one, run, defined);
        } else {
          number_runs(i->then_body, run, defined);
          if (i->else_body) number_runs(i->else_body, run, defined);
        }
      }
      ++run;
    }
    ++run;
  }
  void note_uses(const Stmt& s, int run, const std::map<std::string, int>& defined) {
    auto use = [&](const std::string& name) {
      auto it = defined.find(name);
      if (it != defined.end() && it->second != run) crossing_.insert(name);
    };
    visit_exprs(s, [&](const Expr& e) {
      if (auto* v = std::get_if<VariableExpr>(&e->node)) use(v->name);
    });
    map_indices(s, [&](const Index& e) {
      for (const auto& v : e.vars()) use(v);
      return e;
    });
  }

  void distribute(const Stmt& s, std::vector<Stmt>& out) {
    std::vector<Stmt> run;
    for (const Stmt& one : statements(s)) {
      if (auto* a = std::get_if<Alloc>(&one->node)) {
        out.push_back(alloc(*a));
      } else if (stays_outside(one)) {
        flush(run, out);
        out.push_back(one);
      } else if (is_leaf(one)) {
        if (auto* l = std::get_if<Let>(&one->node); l && crossing_.count(l->name))
          out.push_back(buffer_of(*l));
        run.push_back(one);
      } else {
        flush(run, out);
        out.push_back(inside(one));
      }
    }
    flush(run, out);
  }

  Stmt inside(const Stmt& s) {
    if (auto* f = std::get_if<For>(&s->node)) return around(*f, run(f->body));
    const auto& i = std::get<If>(s->node);
    std::vector<Expr> same, differ;
    for (const Expr& part : conjuncts(i.cond))
      (varies(part, varying_) ? differ : same).push_back(part);
    if (differ.empty())
      return k::if_(i.cond, run(i.then_body), i.else_body ? run(i.else_body) : nullptr);
    std::vector<Stmt> leaf{k::if_(conjunction(differ), i.then_body)}, body;
    flush(leaf, body);
    return k::if_(conjunction(same), k::block(std::move(body)));
  }

  // Conditions that sinking the axis has freed leave the loops that do not affect them: one test
  // for all channels.
  Stmt around(const For& f, const Stmt& body) const {
    auto* i = std::get_if<If>(&body->node);
    if (!i || i->else_body || has_loads(i->cond)) return k::loop(f, body);
    std::vector<Expr> inside, outside;
    for (const Expr& part : conjuncts(i->cond))
      (varies(part, {f.var}) || !defined_anywhere(part, ranges_) ? inside : outside)
          .push_back(part);
    Stmt guarded = inside.empty() ? i->then_body : k::if_(conjunction(inside), i->then_body);
    Stmt loop = k::loop(f, guarded);
    return outside.empty() ? loop : k::if_(conjunction(outside), loop);
  }

  Stmt alloc(const Alloc& a) {
    if (!varying_.count(a.name)) return k::alloc(a.name, a.dtype, a.shape, a.space);
    auto shape = a.shape;
    for (const Index& e : shape)
      if (varies(e, varying_)) reason = "the shape of " + a.name + " differs per iteration";
    shape.insert(shape.begin(), Index(extent_));
    return k::alloc(a.name, a.dtype, std::move(shape), a.space);
  }
  static std::string slots(const std::string& let) { return let + "_all"; }
  Stmt buffer_of(const Let& l) {
    std::vector<Index> shape{Index(extent_)};
    if (l.value->lanes > 1) shape.push_back(Index(l.value->lanes));
    return k::alloc(slots(l.name), l.value->dtype, std::move(shape), Space::reg);
  }

  // One copy of the loop around these statements.
  void flush(std::vector<Stmt>& run, std::vector<Stmt>& out) {
    if (run.empty()) return;
    std::string var = loop_.var;
    for (int n = 2; names_.count(var); ++n) var = loop_.var + "_" + std::to_string(n);
    names_.insert(var);
    Stmt body = k::block(std::exchange(run, {}));
    body = substitute(body, {{loop_.var, loop_.begin + Index::var(var)}});
    const Index slot = Index::var(var);
    std::set<std::string> own;  // allocated inside a leaf: they stay as they are
    visit(body, [&](const Stmt& s) {
      if (auto* a = std::get_if<Alloc>(&s->node)) own.insert(a->name);
    });
    auto expanded = [&](const std::string& buffer) {
      return varying_.count(buffer) && !own.count(buffer);
    };
    body = rewrite(
        body,
        [&](const Expr& e) -> Expr {
          if (auto* l = std::get_if<LoadExpr>(&e->node); l && expanded(l->buffer)) {
            auto at = l->indices;
            at.insert(at.begin(), slot);
            return k::with_lanes(k::load_like(e, l->buffer, std::move(at), l->count), e->lanes);
          }
          if (auto* v = std::get_if<VariableExpr>(&e->node); v && crossing_.count(v->name)) {
            std::vector<Index> at{slot};
            if (e->lanes > 1) at.push_back(Index::var(kLane));
            return k::with_lanes(k::load(slots(v->name), e->dtype, std::move(at)), e->lanes);
          }
          return nullptr;
        },
        [&](const Stmt& s) -> Stmt {
          if (auto* st = std::get_if<Store>(&s->node); st && expanded(st->buffer)) {
            auto at = st->indices;
            at.insert(at.begin(), slot);
            return k::vector_store(st->buffer, std::move(at), st->value, st->lanes, st->count);
          }
          if (auto* i = std::get_if<Instr>(&s->node)) {
            auto operands = i->operands;
            for (auto& o : operands)
              if (expanded(o.buffer)) o.indices.insert(o.indices.begin(), slot);
            return k::instr(i->name, std::move(operands));
          }
          if (auto* l = std::get_if<Let>(&s->node); l && crossing_.count(l->name)) {
            std::vector<Index> at{slot};
            if (l->value->lanes > 1) at.push_back(Index::var(kLane));
            return k::vector_store(slots(l->name), std::move(at), l->value, l->value->lanes);
          }
          return nullptr;
        });
    out.push_back(k::loop(var, 0, Index(extent_), body, LoopKind::unrolled,
                          part_of(origin_of(loop_), LoopPart::jammed)));
  }

 public:
  // A Let that crosses runs and is an address cannot become a buffer.
  std::string crossing_address() const {
    for (const auto& name : crossing_) {
      auto it = lets_.find(name);
      if (it != lets_.end() && it->second.first == DType::i64 && it->second.second == 1)
        return name;
    }
    return "";
  }
  std::string taken_slot() const {
    for (const auto& name : crossing_)
      if (names_.count(slots(name))) return slots(name);
    return "";
  }
};

}  // namespace

static Refusal jam(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind == LoopKind::parallel) return {"the loop " + args.name(0) + " is parallel"};
  Ranges ranges = ranges_at(kernel, loop->var);
  Index extent = ranges.simplify(loop->end - loop->begin);
  if (!extent.is_const() || extent.value() < 1 || extent.value() > 256)
    return {"the extent " + extent.str() + " is not a constant up to 256; split it first"};
  if (Refusal r = independent(kernel, *loop)) return r;
  Jammer jammer(kernel, *loop, extent.value());
  if (auto name = jammer.crossing_address(); !name.empty())
    return {"the address " + name + " differs per iteration and is used by several inner loops"};
  if (auto name = jammer.taken_slot(); !name.empty()) return {"the name '" + name + "' is taken"};
  Stmt body = jammer.run(loop->body);
  if (!jammer.reason.empty()) return {jammer.reason};
  ranges.erase(loop->var);
  body = simplify_stmt(body, ranges);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) { return body; });
  return {};
}

extern const Step step_jam;
const Step step_jam = {"jam",
                       {{"axis", StepParamKind::loop}},
                       "sinks a loop of constant extent into its body, statement by statement",
                       jam};

}  // namespace mintor
