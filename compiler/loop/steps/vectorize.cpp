// SPDX-License-Identifier: Apache-2.0
// Turns a loop of constant extent into lanes; its iterations must be independent.
//| for j in 0..16 {                             acc: f32[1, 16]
//|   acc: f32[1]                                x16 acc[0, lane] = 0
//|   acc[0] = 0                 vectorize(j)    for k {
//|   for k { acc[0] = a[k] }        ->            x16 acc[0, lane] = a[k]
//|   r[j] = acc[0]                              }
//| }                                            x16 r[lane] = acc[0, lane]
// Inner loops and conditions that do not vary with the axis end up outside of the lanes; `if
// in_range(base + j, n)` becomes the count of the accesses inside.
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

class Vectorizer {
 public:
  Vectorizer(const For& loop, int32_t lanes, Ranges ranges)
      : axis_(loop.var),
        begin_(loop.begin),
        lanes_(lanes),
        ranges_(std::move(ranges)),
        varying_(varying_in(loop)) {
    visit(loop.body, [&](const Stmt& s) {
      if (auto* a = std::get_if<Alloc>(&s->node); a && varying_.count(a->name))
        private_.insert(a->name);
    });
  }

  std::string reason;  // set when it does not work

  Stmt run(const Stmt& s) {
    return std::visit([&](const auto& node) { return walk(node); }, s->node);
  }

 private:
  std::string axis_;
  Index begin_;
  int32_t lanes_;
  Ranges ranges_;
  std::set<std::string> varying_, private_;
  std::map<std::string, Index> inlined_;  // integer Lets that vary
  std::optional<Index> count_;            // lanes below it take part
  std::set<std::string>
      inside_guard_;  // private buffers of the current guard: all their lanes may be written

  Index at_lane(const Index& e) {
    Index out = inlined_.empty() ? e : e.substitute(inlined_);
    out = out.substitute({{axis_, begin_ + Index::var(kLane)}});
    for (const auto& v : out.vars())
      if (v != kLane && varying_.count(v))
        reason = "the address " + e.str() + " depends on " + v + ", which differs per lane";
    return out;
  }
  std::vector<Index> at_lane(const std::vector<Index>& in, const std::string& buffer) {
    std::vector<Index> out;
    for (const Index& e : in) out.push_back(at_lane(e));
    if (private_.count(buffer)) out.push_back(Index::var(kLane));
    return out;
  }
  // Does an access need the count of the guard around it? Not where each lane has a place of its
  // own, at an index that lanes which take no part share.
  std::optional<Index> counted(const std::string& buffer, const std::optional<Index>& own,
                               const std::vector<Index>& at) {
    const auto places = at.size() - (inside_guard_.count(buffer) ? 1 : 0);
    bool lane = false;
    for (size_t d = 0; d < places; ++d) lane |= at[d].mentions(kLane);
    if (!lane || !count_) return own;
    return own ? min(*own, *count_) : *count_;
  }

  Expr expr(const Expr& e) {
    Expr out = rewrite(e, [&](const Expr& x) -> Expr {
      if (auto* l = std::get_if<LoadExpr>(&x->node)) {
        auto at = at_lane(l->indices, l->buffer);
        auto count = counted(l->buffer, l->count, at);
        return k::with_lanes(k::load_like(x, l->buffer, std::move(at), count), lanes_);
      }
      if (auto* i = std::get_if<IndexExpr>(&x->node))
        return k::with_lanes(k::index(at_lane(i->value)), lanes_);
      if (auto* r = std::get_if<InRangeExpr>(&x->node))
        return k::with_lanes(k::in_range(at_lane(r->value), at_lane(r->extent)), lanes_);
      if (auto* v = std::get_if<VariableExpr>(&x->node); v && varying_.count(v->name)) {
        if (auto it = inlined_.find(v->name); it != inlined_.end())
          return k::with_lanes(k::index(at_lane(it->second)), lanes_);
        return k::variable(v->name, x->dtype, lanes_);
      }
      return nullptr;
    });
    return out;
  }

  Stmt walk(const Block& b) {
    std::vector<Stmt> out;
    for (const Stmt& s : b.body) out.push_back(run(s));
    return k::block(std::move(out));
  }
  Stmt walk(const For& f) {
    if (varies(f.begin, varying_) || varies(f.end, varying_)) {
      reason = "the bounds of the inner loop " + f.var + " differ per lane";
      return k::block({});
    }
    ranges_.set(f.var, f.begin, f.end - 1);
    return k::loop(f, run(f.body));
  }
  Stmt walk(const Let& l) {
    if (!varying_.count(l.name)) return k::let(l.name, l.value);
    if (l.value->lanes > 1) {
      reason = "a statement inside has lanes already";
      return k::block({});
    }
    if (auto* i = std::get_if<IndexExpr>(&l.value->node)) {
      inlined_[l.name] = inlined_.empty() ? i->value : i->value.substitute(inlined_);
      return k::block({});
    }
    return k::let(l.name, expr(l.value));
  }
  Stmt walk(const Store& s) {
    if (s.lanes > 1) {
      reason = "a statement inside has lanes already";
      return k::block({});
    }
    auto at = at_lane(s.indices, s.buffer);
    bool lane = false;
    for (const Index& e : at) lane |= e.mentions(kLane);
    Expr value = expr(s.value);
    if (!lane) return k::store(s.buffer, std::move(at), value);
    auto count = counted(s.buffer, s.count, at);
    return k::vector_store(s.buffer, std::move(at), value, lanes_, count);
  }
  Stmt walk(const Alloc& a) {
    if (!private_.count(a.name)) return k::alloc(a.name, a.dtype, a.shape, a.space);
    auto shape = a.shape;
    for (const Index& e : shape)
      if (varies(e, varying_)) reason = "the shape of " + a.name + " differs per lane";
    shape.push_back(Index(lanes_));
    if (count_) inside_guard_.insert(a.name);
    return k::alloc(a.name, a.dtype, std::move(shape), a.space);
  }
  Stmt walk(const If& i) {
    if (!varies(i.cond, varying_))
      return k::if_(i.cond, run(i.then_body), i.else_body ? run(i.else_body) : nullptr);
    std::vector<Expr> same, differ;
    for (const Expr& part : conjuncts(i.cond))
      (varies(part, varying_) ? differ : same).push_back(part);
    if (i.else_body) {
      reason = "the condition " + print(i.cond) + " differs per lane and has an else";
      return k::block({});
    }
    auto outer_count = count_;
    auto outer_inside = inside_guard_;
    std::vector<Expr> some;  // at least one lane takes part
    for (const Expr& part : differ) {
      auto* r = std::get_if<InRangeExpr>(&part->node);
      auto a = r ? at_lane(r->value).affine_in(kLane) : std::nullopt;
      if (!a || a->first < 1 || varies(r->extent, varying_) ||
          !ranges_.proves_nonnegative(a->second)) {
        reason = "the condition " + print(part) +
                 " does not leave the first lanes; peel or split so that it is decided";
        return k::block({});
      }
      Index count = ranges_.simplify(ceildiv(r->extent - a->second, a->first));
      count_ = count_ ? min(*count_, count) : count;
      if (!ranges_.proves_nonnegative(count - 1)) some.push_back(k::in_range(a->second, r->extent));
    }
    inside_guard_.clear();
    Stmt body = run(i.then_body);
    count_ = outer_count;
    inside_guard_ = outer_inside;
    for (const Expr& part : some) same.push_back(part);
    Expr cond = conjunction(same);
    return cond ? k::if_(cond, body) : body;
  }
  Stmt walk(const Code& c) {
    reason = "the user's code inside works on whole buffers";
    return k::code(c);
  }
  Stmt walk(const Prefetch& p) {
    reason = "the prefetch of " + p.buffer + " inside is of one line";
    return k::prefetch(p.buffer, p.indices);
  }
  Stmt walk(const Instr& i) {
    reason = "the instruction " + i.name + " inside works on vectors of its own";
    return k::instr(i.name, i.operands);
  }
};

}  // namespace

static Refusal vectorize(Kernel& kernel, StepArgs args) {
  const For* loop = &loop_named(kernel, args.name(0));
  if (loop->kind == LoopKind::parallel) return {"the loop " + args.name(0) + " is parallel"};
  Ranges ranges = ranges_at(kernel, loop->var);
  Index extent = ranges.simplify(loop->end - loop->begin);
  if (!extent.is_const() || extent.value() < 2 || extent.value() > 64)
    return {"the extent " + extent.str() + " is not between 2 and 64; split it first"};
  if (Refusal r = independent(kernel, *loop)) return r;
  Vectorizer vectorizer(*loop, static_cast<int32_t>(extent.value()), ranges);
  Stmt body = vectorizer.run(loop->body);
  if (!vectorizer.reason.empty()) return {vectorizer.reason};
  ranges.erase(loop->var);
  body = simplify_stmt(body, ranges);
  kernel.body = replace_loop(kernel.body, args.name(0), [&](const For&) { return body; });
  return {};
}

extern const Step step_vectorize;
const Step step_vectorize = {"vectorize",
                             {{"axis", StepParamKind::loop}},
                             "turns a loop of constant extent into lanes",
                             vectorize};

}  // namespace mintor
