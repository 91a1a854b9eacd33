// SPDX-License-Identifier: Apache-2.0
// Moves the nest that fills a local buffer into a loop of its consumer, computing there what an
// iteration reads.
//| t: f32[64, 100]                                    for r {
//| for i, j { t[i, j] = exp(x[i, j]) }                  t: f32[1, 100]
//| for r {                        compute_at(t, r)      for j { t[0, j] = exp(x[r, j]) }
//|   for c { y[r, c] = t[r, c] }        ->              for c { y[r, c] = t[0, c] }
//| }                                                  }
// Bounds inference: per loop of the nest, the hull of what all loads inside the axis read, clipped
// to the loop's range. All local buffers that the nest fills move together. What several iterations
// read is computed in each of them.
#include <algorithm>

#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

struct Move {
  std::string axis;
  size_t producer = 0;            // place among the statements of `block`
  const Block* block = nullptr;   // holds the allocations, the nest and, further inside, the axis
  std::set<std::string> buffers;  // that the nest fills
  std::vector<For> loops;         // of the nest that index the buffers
  // Per buffer and dimension: the loop variable that its index is, plus a constant; or a constant
  // alone.
  struct Dim {
    std::string var;
    Index offset;
  };
  std::map<std::string, std::vector<Dim>> dims;
  std::set<std::string> whole;  // loops that do more than fill one element of each buffer a turn
  std::map<std::string, std::pair<Index, Index>> region;  // of a loop: first and last value read
};

// The block whose statement list allocates `buffer`.
const Block* block_of(const Stmt& body, const std::string& buffer) {
  const Block* found = nullptr;
  visit(body, [&](const Stmt& s) {
    if (auto* b = std::get_if<Block>(&s->node))
      for (const Stmt& one : b->body)
        if (auto* a = std::get_if<Alloc>(&one->node); a && a->name == buffer) found = b;
  });
  return found;
}

bool stores_to(const Stmt& s, const std::string& buffer) {
  bool found = false;
  visit(s, [&](const Stmt& x) {
    if (auto* st = std::get_if<Store>(&x->node)) found |= st->buffer == buffer;
    if (auto* i = std::get_if<Instr>(&x->node))
      for (const auto& o : i->operands) found |= o.buffer == buffer;
  });
  return found;
}

bool reads(const Stmt& s, const std::string& buffer) {
  bool found = false;
  visit_exprs(s, [&](const Expr& e) {
    if (auto* l = std::get_if<LoadExpr>(&e->node)) found |= l->buffer == buffer;
  });
  return found;
}

Refusal find_producer(const Kernel& kernel, const std::string& buffer, Move& move) {
  move.block = block_of(kernel.body, buffer);
  if (!move.block) return {"'" + buffer + "' is no local buffer that stands in a block"};
  const auto& body = move.block->body;
  int found = 0;
  for (size_t i = 0; i < body.size(); ++i)
    if (stores_to(body[i], buffer)) move.producer = i, ++found;
  if (found != 1)
    return {buffer + " is filled by " + std::to_string(found) + " statements, not by one nest"};
  const Stmt& nest = body[move.producer];
  if (!std::holds_alternative<For>(nest->node)) return {buffer + " is not filled by a loop"};
  auto own = bound_in(nest);
  std::set<std::string> here;  // buffers that live in the same block
  for (const Stmt& s : body)
    if (auto* a = std::get_if<Alloc>(&s->node)) here.insert(a->name);
  Refusal refusal;
  visit(nest, [&](const Stmt& s) {
    auto* st = std::get_if<Store>(&s->node);
    if (std::holds_alternative<Instr>(s->node))
      refusal = {"the nest of " + buffer + " holds an instruction"};
    if (!st || own.count(st->buffer)) return;
    if (!here.count(st->buffer))
      refusal = {"the nest of " + buffer + " also writes " + st->buffer + ", which stays"};
    move.buffers.insert(st->buffer);
  });
  if (refusal) return refusal;
  for (const auto& b : move.buffers)
    for (size_t i = 0; i < body.size(); ++i)
      if (i != move.producer && stores_to(body[i], b))
        return {b + " is filled by several statements"};
  return {};
}

// The loop variable that an index of a store is, plus a constant; or what no part of the nest
// binds.
Refusal find_dim(const std::string& buffer, const Index& at,
                 const std::map<std::string, For>& loops, const std::set<std::string>& own,
                 Move::Dim& dim) {
  dim = {"", at};
  const Refusal otherwise{"the store to " + buffer + " at " + at.str() +
                          " is no loop variable plus a constant"};
  for (const std::string& name : at.vars()) {
    if (!own.count(name)) continue;
    const auto loop = loops.find(name);
    const auto a = at.affine_in(name);
    const bool plain = loop != loops.end() && a && a->first == 1 && a->second.is_const() &&
                       dim.var.empty() && loop->second.begin.is_const(0);
    if (!plain) return otherwise;
    dim = {name, a->second};
  }
  return {};
}

bool same(const std::vector<Move::Dim>& a, const std::vector<Move::Dim>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Move::Dim& x, const Move::Dim& y) {
                      return x.var == y.var && x.offset == y.offset;
                    });
}

// Where the nest stores: one element of each buffer, whatever the other loops do.
Refusal find_dims(const Stmt& nest, Move& move) {
  const auto own = bound_in(nest);
  std::map<std::string, For> loops;
  Refusal refusal;
  visit(nest, [&](const Stmt& s) {
    if (auto* f = std::get_if<For>(&s->node)) loops.emplace(f->var, *f);
    auto* st = std::get_if<Store>(&s->node);
    if (!st || !move.buffers.count(st->buffer) || refusal) return;
    if (st->lanes > 1) refusal = {"the nest is already in vectors; move it first"};
    std::vector<Move::Dim> dims(st->indices.size());
    for (size_t d = 0; d < dims.size() && !refusal; ++d)
      refusal = find_dim(st->buffer, st->indices[d], loops, own, dims[d]);
    if (refusal) return;
    const auto [it, made] = move.dims.try_emplace(st->buffer, dims);
    if (!made && !same(it->second, dims))
      refusal = {"stores to " + st->buffer + " use different indices"};
  });
  if (refusal) return refusal;
  std::set<std::string> used;
  for (const auto& [buffer, dims] : move.dims)
    for (const auto& d : dims)
      if (!d.var.empty()) used.insert(d.var);
  for (const auto& var : used) {
    const For& loop = loops.at(var);
    if (varies(loop.begin, own) || varies(loop.end, own))
      return {"the bounds of " + var + " depend on what the nest binds"};
    // A loop inside a loop that depends on it could not be cut alone.
    for (const auto& [other, inner] : loops)
      if (other != var && (inner.begin.mentions(var) || inner.end.mentions(var)))
        return {"the bounds of " + other + " depend on " + var};
    move.loops.push_back(loop);
  }
  return {};
}

// An element must not depend on others: the nest reads of its own buffers only what it accumulates.
Refusal check_own_loads(const Stmt& nest, const Move& move) {
  Refusal refusal;
  visit_exprs(nest, [&](const Expr& e) {
    auto* l = std::get_if<LoadExpr>(&e->node);
    if (!l || !move.buffers.count(l->buffer)) return;
    const auto& dims = move.dims.at(l->buffer);
    for (size_t d = 0; d < dims.size(); ++d) {
      const Index stored =
          dims[d].var.empty() ? dims[d].offset : Index::var(dims[d].var) + dims[d].offset;
      if (!(l->indices[d] == stored))
        refusal = {"the nest reads " + print(e) + ", not only the element that it stores"};
    }
  });
  return refusal;
}

// Loops whose iterations leave something for the next one beside the element that they index: they
// run as a whole.
void find_whole(Move& move) {
  for (const For& f : move.loops) {
    const auto inside = bound_in(f.body);
    visit(f.body, [&](const Stmt& s) {
      auto* st = std::get_if<Store>(&s->node);
      if (!st || inside.count(st->buffer)) return;
      const auto dims = move.dims.find(st->buffer);
      const bool indexed = dims != move.dims.end() &&
                           std::any_of(dims->second.begin(), dims->second.end(),
                                       [&](const Move::Dim& d) { return d.var == f.var; });
      if (!indexed) move.whole.insert(f.var);
    });
  }
}

Refusal find_region(const Kernel& kernel, const For& axis, Move& move) {
  Ranges ranges = ranges_at(kernel, axis.var);
  std::set<std::string> inner;
  auto accesses = outer_accesses(kernel, axis.body, ranges, inner);
  std::map<std::string, std::pair<std::optional<Index>, std::optional<Index>>> hull;
  std::set<std::string> unbounded;
  for (const auto& a : accesses) {
    if (!move.buffers.count(a.buffer)) continue;
    const auto& dims = move.dims.at(a.buffer);
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d].var.empty()) continue;
      auto lo = ranges.lower_over(a.indices[d], inner), hi = ranges.upper_over(a.indices[d], inner);
      if (!lo || !hi || !defined_anywhere(*lo, ranges) || !defined_anywhere(*hi, ranges)) {
        unbounded.insert(dims[d].var);
        continue;
      }
      auto& [from, to] = hull[dims[d].var];
      Index first = *lo - dims[d].offset, last = *hi - dims[d].offset;
      from = from ? min(*from, first) : first;
      to = to ? max(*to, last) : last;
    }
  }
  for (const For& f : move.loops) {
    Index first = f.begin, last = f.end - 1;
    auto it = hull.find(f.var);
    if (it != hull.end() && !unbounded.count(f.var) && !move.whole.count(f.var)) {
      // Loads under a condition may be asked for elements that do not exist: they are not executed.
      first = ranges.simplify(max(*it->second.first, f.begin));
      last = ranges.simplify(min(*it->second.second, f.end - 1));
    }
    Index extent = ranges.simplify(last - first + 1);
    if (!ranges.proves_nonnegative(extent)) {  // clipped at both ends it may be empty
      first = f.begin;
      last = f.end - 1;
    }
    for (const auto& name : inner)
      if (first.mentions(name) || last.mentions(name))
        return {"the region of " + f.var + " depends on " + name + ", which is bound inside " +
                axis.var};
    move.region[f.var] = {first, last};
  }
  return {};
}

Refusal check_readers(const Move& move, const For& axis) {
  const auto& body = move.block->body;
  auto inside = bound_in(axis.body);
  for (size_t i = 0; i < body.size(); ++i) {
    if (i == move.producer) continue;
    for (const auto& b : move.buffers) {
      if (!reads(body[i], b)) continue;
      if (i < move.producer) return {b + " is read before it is filled"};
      if (!find_loop(body[i], axis.var)) return {b + " is also read outside of " + axis.var};
      Stmt without = replace_loop(body[i], axis.var, [](const For&) { return k::block({}); });
      if (reads(without, b)) return {b + " is also read outside of " + axis.var};
    }
  }
  // What the nest reads must still be what it was: no store between it and the axis, nor beside the
  // axis.
  std::set<std::string> inputs;
  visit_exprs(body[move.producer], [&](const Expr& e) {
    if (auto* l = std::get_if<LoadExpr>(&e->node)) inputs.insert(l->buffer);
  });
  auto own = bound_in(body[move.producer]);
  for (size_t i = move.producer + 1; i < body.size(); ++i)
    for (const auto& b : inputs)
      if (!own.count(b) && !move.buffers.count(b) && stores_to(body[i], b))
        return {"the nest reads " + b + ", which is written after it"};
  return {};
}

// What stands for the variable of a cut loop until the others have moved.
std::string mark(const std::string& var) { return var + "'"; }

// The nest over its region: loops from 0, their variables moved in all addresses but those of the
// buffers, which count from the region's start.
Stmt moved_nest(const Stmt& nest, const Move& move, const Ranges& ranges) {
  const auto at = [&](const std::string& buffer, std::vector<Index> indices) {
    const auto& dims = move.dims.at(buffer);
    for (size_t d = 0; d < dims.size(); ++d)
      if (!dims[d].var.empty()) indices[d] = Index::var(mark(dims[d].var));
    return indices;
  };
  Stmt out = rewrite(
      nest,
      [&](const Expr& e) -> Expr {
        auto* l = std::get_if<LoadExpr>(&e->node);
        if (!l || !move.buffers.count(l->buffer)) return nullptr;
        return k::load_like(e, l->buffer, at(l->buffer, l->indices));
      },
      [&](const Stmt& s) -> Stmt {
        if (auto* st = std::get_if<Store>(&s->node); st && move.buffers.count(st->buffer))
          return k::store(st->buffer, at(st->buffer, st->indices), st->value);
        auto* f = std::get_if<For>(&s->node);
        if (!f || !move.region.count(f->var)) return nullptr;
        const auto& [first, last] = move.region.at(f->var);
        const Index extent = ranges.simplify(last - first + 1);
        const LoopKind kind = extent.is_const() ? f->kind : LoopKind::serial;
        return k::loop(f->var, 0, extent, f->body, kind, f->origin);
      });
  std::map<std::string, Index> moved, marks;
  for (const auto& [var, bounds] : move.region) {
    moved[var] = bounds.first + Index::var(var);
    marks[mark(var)] = Index::var(var);
  }
  return substitute(substitute(out, moved), marks);
}

Stmt rebase_loads(const Stmt& body, const Move& move) {
  return rewrite(
      body,
      [&](const Expr& e) -> Expr {
        auto* l = std::get_if<LoadExpr>(&e->node);
        if (!l || !move.buffers.count(l->buffer)) return nullptr;
        std::vector<Index> at;
        const auto& dims = move.dims.at(l->buffer);
        for (size_t d = 0; d < dims.size(); ++d)
          at.push_back(dims[d].var.empty()
                           ? l->indices[d]
                           : l->indices[d] - dims[d].offset - move.region.at(dims[d].var).first);
        return k::with_lanes(k::load_like(e, l->buffer, at, l->count), e->lanes);
      },
      nullptr);
}

}  // namespace

static Refusal compute_at(Kernel& kernel, StepArgs args) {
  const For* axis = &loop_named(kernel, args.name(1));
  Move move;
  move.axis = args.name(1);
  if (Refusal r = find_producer(kernel, args.name(0), move)) return r;
  const Stmt nest = move.block->body[move.producer];
  if (find_loop(nest, axis->var))
    return {"the loop " + args.name(1) + " belongs to the nest that fills " + args.name(0)};
  if (Refusal r = find_dims(nest, move)) return r;
  if (Refusal r = check_own_loads(nest, move)) return r;
  find_whole(move);
  if (Refusal r = check_readers(move, *axis)) return r;
  if (Refusal r = find_region(kernel, *axis, move)) return r;
  if (!reads(axis->body, args.name(0)))
    return {args.name(0) + " is not read inside " + args.name(1)};
  for (const Stmt& s : move.block->body)
    if (auto* l = std::get_if<Let>(&s->node); l && reads(s, args.name(0)))
      return {args.name(0) + " is read by " + l->name};

  Ranges ranges = ranges_at(kernel, axis->var);
  const Stmt local = moved_nest(nest, move, ranges);
  std::set<std::string> names_in_loops;
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* f = std::get_if<For>(&s->node)) names_in_loops.insert(f->var);
  });
  std::vector<Stmt> inside, outside;
  for (const Stmt& s : move.block->body) {
    auto* a = std::get_if<Alloc>(&s->node);
    if (!a || !move.buffers.count(a->name)) {
      if (s != nest) outside.push_back(s);
      continue;
    }
    std::vector<Index> shape;
    const auto& dims = move.dims.at(a->name);
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d].var.empty()) {
        shape.push_back(a->shape[d]);
        continue;
      }
      const auto& [first, last] = move.region.at(dims[d].var);
      Index extent = ranges.simplify(last - first + 1);
      // A region that shrinks at a border keeps the place of the others: constant strides.
      bool moves = false;
      for (const auto& v : extent.vars()) moves |= names_in_loops.count(v) > 0;
      auto most = ranges.upper(extent);
      if (most && *most < 0) most = 0;
      if (!ranges.proves_nonnegative(extent)) extent = max(extent, Index(0));
      shape.push_back(moves && most ? Index(*most) : extent);
    }
    inside.push_back(k::alloc(a->name, a->dtype, shape, a->space));
  }
  inside.push_back(local);
  inside.push_back(rebase_loads(axis->body, move));
  Stmt new_body = simplify_stmt(k::block(inside), ranges);
  for (Stmt& s : outside)
    s = replace_loop(s, args.name(1), [&](const For& f) { return k::loop(f, new_body); });
  const Block* old = move.block;
  kernel.body = rewrite(kernel.body, nullptr, [&, done = false](const Stmt& s) mutable -> Stmt {
    auto* b = std::get_if<Block>(&s->node);
    if (done || b != old) return nullptr;
    done = true;
    return k::block(outside);
  });
  return {};
}

extern const Step step_compute_at;
const Step step_compute_at = {"compute_at",
                              {{"buffer", StepParamKind::name}, {"axis", StepParamKind::loop}},
                              "computes a local buffer where it is consumed",
                              compute_at};

}  // namespace mintor
