// SPDX-License-Identifier: Apache-2.0
// Dependence analysis of loops, by address: two accesses cannot meet in different iterations when some linear
// combination of their indices has the form c * v + rest with the same c, and the rests stay closer than c.
// Combinations are single dimensions, the flat address, and D * a + b where b holds something mod D (fused loops).
// Keeps true: an empty Refusal is a proof; "could not show" is a refusal.
#include "compiler/loop/analysis.h"

#include <algorithm>

#include "compiler/loop/instruction.h"
#include "compiler/support/index_poly.h"

namespace mintor {

std::map<std::string, BufferType> buffers_of(const Kernel& kernel) {
  std::map<std::string, BufferType> out;
  for (const Param& p : kernel.params) out[p.name] = {p.dtype, p.shape};
  visit(kernel.body, [&](const Stmt& s) {
    if (auto* a = std::get_if<Alloc>(&s->node)) out[a->name] = {a->dtype, a->shape};
  });
  return out;
}

std::set<std::string> bound_in(const Stmt& stmt) {
  std::set<std::string> out;
  visit(stmt, [&](const Stmt& s) {
    if (auto* f = std::get_if<For>(&s->node)) out.insert(f->var);
    if (auto* l = std::get_if<Let>(&s->node)) out.insert(l->name);
    if (auto* a = std::get_if<Alloc>(&s->node)) out.insert(a->name);
  });
  return out;
}

std::vector<Expr> conjuncts(const Expr& cond) {
  if (auto* o = std::get_if<OpExpr>(&cond->node); o && o->op == ScalarOp::and_) {
    auto out = conjuncts(o->args[0]);
    auto more = conjuncts(o->args[1]);
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  return {cond};
}

Expr conjunction(const std::vector<Expr>& parts) {
  Expr out;
  for (const Expr& p : parts) out = out ? k::op(ScalarOp::and_, {out, p}) : p;
  return out;
}

bool has_loads(const Expr& e) {
  bool found = false;
  rewrite(e, [&](const Expr& x) -> Expr {
    found |= std::holds_alternative<LoadExpr>(x->node);
    return nullptr;
  });
  return found;
}

namespace {

void walk(const Stmt& stmt, const std::set<std::string>& own, const std::map<std::string, BufferType>& buffers,
          std::vector<BufferAccess>& out, Ranges& ranges, std::set<std::string>& inner) {
  int64_t lanes = 1;
  auto add = [&](const std::string& buffer, const std::vector<Index>& indices, bool write) {
    if (!own.count(buffer)) out.push_back({buffer, indices, write});
  };
  visit(stmt, [&](const Stmt& s) {
    int64_t here = 1;
    if (auto* f = std::get_if<For>(&s->node)) {
      ranges.set(f->var, f->begin, f->end - 1);
      inner.insert(f->var);
    } else if (auto* l = std::get_if<Let>(&s->node)) {
      inner.insert(l->name);
      here = l->value->lanes;
      auto* e = std::get_if<IndexExpr>(&l->value->node);
      if (e && here == 1) ranges.set(l->name, e->value, e->value);
    } else if (auto* st = std::get_if<Store>(&s->node)) {
      here = st->lanes;
      add(st->buffer, st->indices, true);
    } else if (auto* i = std::get_if<Instr>(&s->node)) {
      const Instruction* instruction = find_instruction(i->name);
      Kernel meaning = instruction ? parse_kernel(instruction->meaning) : Kernel{};
      for (size_t n = 0; n < i->operands.size(); ++n) {
        auto indices = i->operands[n].indices;
        Index count = 1;
        bool known = n < meaning.params.size();
        if (known)
          for (const Index& e : meaning.params[n].shape) count = count * e;
        std::string element = "operand_element_" + std::to_string(n);
        ranges.set(element, known ? Range{Index(0), count - 1, 1} : Range{});
        inner.insert(element);
        if (!indices.empty()) indices.back() = indices.back() + Index::var(element);
        add(i->operands[n].buffer, indices, !known || meaning.params[n].written);
      }
    }
    lanes = std::max(lanes, here);
    visit_exprs(s, [&](const Expr& e) {
      if (auto* load = std::get_if<LoadExpr>(&e->node)) add(load->buffer, load->indices, false);
    }, false);
  });
  if (lanes > 1) {
    ranges.set(kLane, Index(0), Index(lanes - 1));
    inner.insert(std::string(kLane));
  }
  (void)buffers;
}

// Coefficients of a linear combination of indices.
using Combination = std::vector<Index>;

Index combine(const Combination& c, const std::vector<Index>& indices) {
  Index out = 0;
  for (size_t d = 0; d < indices.size(); ++d)
    if (!c[d].is_const(0)) out = out + c[d] * indices[d];
  return index_detail::recombine(out);
}

void collect_mod_divisors(const Index& e, std::string_view var, std::vector<Index>& out) {
  for (const auto& atom : index_detail::atoms_of(e)) {
    if (atom->kind == Index::Atom::Kind::mod && index_detail::atom_mentions(*atom, var)) out.push_back(atom->b);
  }
}

std::vector<Combination> combinations(const std::vector<Index>& indices, const std::vector<Index>& shape,
                                      std::string_view var) {
  size_t n = indices.size();
  std::vector<Combination> out;
  for (size_t d = 0; d < n; ++d) {
    if (!indices[d].mentions(var)) continue;
    Combination c(n, Index(0));
    c[d] = 1;
    out.push_back(c);
  }
  size_t singles = out.size();
  for (int round = 0; round < 2; ++round)
    for (size_t i = 0, known = out.size(); i < known && out.size() < 64; ++i) {
      std::vector<Index> divisors;
      collect_mod_divisors(combine(out[i], indices), var, divisors);
      for (const Index& d : divisors)
        for (size_t j = 0; j < singles; ++j) {
          Combination c = out[i];
          for (size_t k = 0; k < n; ++k) c[k] = c[k] + d * out[j][k];
          out.push_back(std::move(c));
        }
    }
  if (shape.size() == n && n > 1) {
    Combination flat(n, Index(1));
    for (size_t d = n - 1; d-- > 0;) flat[d] = flat[d + 1] * shape[d + 1];
    out.push_back(flat);
  }
  return out;
}

bool disjoint(const BufferAccess& a, const BufferAccess& b, const std::vector<Index>& shape, const std::string& var,
              const Ranges& ranges, const std::set<std::string>& inner) {
  if (a.indices.size() != b.indices.size()) return false;
  auto simple = [&](std::vector<Index> e) {
    for (Index& i : e) i = ranges.simplify(i);
    return e;
  };
  auto x = simple(a.indices), y = simple(b.indices);
  for (const Combination& c : combinations(x, shape, var)) {
    auto p = ranges.simplify(combine(c, x)).linear_in(var), q = ranges.simplify(combine(c, y)).linear_in(var);
    if (!p || !q || !(p->first == q->first)) continue;
    const Index& step = p->first;
    bool fixed = true;
    for (const auto& name : inner) fixed &= !step.mentions(name);
    if (!fixed) continue;
    Index size = step;
    if (ranges.proves_nonnegative(Index(0) - step - 1))
      size = Index(0) - step;
    else if (!ranges.proves_nonnegative(step - 1))
      continue;
    auto lo_p = ranges.lower_over(p->second, inner), hi_p = ranges.upper_over(p->second, inner);
    auto lo_q = ranges.lower_over(q->second, inner), hi_q = ranges.upper_over(q->second, inner);
    if (!lo_p || !hi_p || !lo_q || !hi_q) continue;
    if (ranges.proves_nonnegative(size - 1 - (*hi_p - *lo_q)) && ranges.proves_nonnegative(size - 1 - (*hi_q - *lo_p)))
      return true;
  }
  return false;
}

}  // namespace

std::vector<BufferAccess> outer_accesses(const Kernel& kernel, const Stmt& stmt, Ranges& ranges,
                                         std::set<std::string>& inner) {
  std::vector<BufferAccess> out;
  walk(stmt, bound_in(stmt), buffers_of(kernel), out, ranges, inner);
  return out;
}

Refusal independent(const Kernel& kernel, const For& loop, const std::set<std::string>& also_inner) {
  Ranges ranges = ranges_at(kernel, loop.var);
  std::set<std::string> inner = also_inner;
  auto accesses = outer_accesses(kernel, loop.body, ranges, inner);
  inner.erase(loop.var);
  auto buffers = buffers_of(kernel);
  std::set<std::string> written;
  for (const auto& a : accesses)
    if (a.write) written.insert(a.buffer);
  std::vector<const BufferAccess*> relevant;   // without repetitions, which statements of a tile make many of
  for (const auto& a : accesses) {
    if (!written.count(a.buffer)) continue;
    bool seen = std::any_of(relevant.begin(), relevant.end(), [&](const BufferAccess* r) {
      return r->buffer == a.buffer && r->write == a.write && r->indices == a.indices;
    });
    if (!seen) relevant.push_back(&a);
  }
  for (const auto* a : relevant)
    for (const auto* b : relevant) {
      if (a > b || a->buffer != b->buffer || (!a->write && !b->write)) continue;
      if (!disjoint(*a, *b, buffers[a->buffer].shape, loop.var, ranges, inner))
        return {"iterations of " + loop.var + " may touch one element of " + a->buffer +
                "; it could be if an index of every access to it moved with " + loop.var};
    }
  return {};
}

bool varies(const Index& e, const std::set<std::string>& varying) {
  for (const auto& v : e.vars())
    if (varying.count(v)) return true;
  return false;
}

bool varies(const Expr& expr, const std::set<std::string>& varying) {
  bool found = false;
  auto any = [&](const std::vector<Index>& indices) {
    for (const Index& e : indices) found |= varies(e, varying);
  };
  rewrite(expr, [&](const Expr& e) -> Expr {
    if (auto* v = std::get_if<VariableExpr>(&e->node)) found |= varying.count(v->name) > 0;
    if (auto* i = std::get_if<IndexExpr>(&e->node)) any({i->value});
    if (auto* r = std::get_if<InRangeExpr>(&e->node)) any({r->value, r->extent});
    if (auto* l = std::get_if<LoadExpr>(&e->node)) {
      found |= varying.count(l->buffer) > 0;
      any(l->indices);
      if (l->count) any({*l->count});
    }
    return nullptr;
  });
  return found;
}

namespace {

class Varying {
 public:
  Varying(const For& loop) : own_(bound_in(loop.body)) {
    names.insert(loop.var);
    for (size_t before = 0; before != names.size();) {
      before = names.size();
      walk(loop.body, false);
    }
  }
  std::set<std::string> names;

 private:
  std::set<std::string> own_;

  void mark(const std::string& name, bool is) {
    if (is && own_.count(name)) names.insert(name);
  }
  void walk(const Stmt& stmt, bool under) {
    if (!stmt) return;
    if (auto* b = std::get_if<Block>(&stmt->node)) {
      for (const Stmt& s : b->body) walk(s, under);
    } else if (auto* f = std::get_if<For>(&stmt->node)) {
      bool moves = varies(f->begin, names) || varies(f->end, names);
      mark(f->var, moves);
      walk(f->body, under || moves);
    } else if (auto* i = std::get_if<If>(&stmt->node)) {
      bool moves = varies(i->cond, names);
      walk(i->then_body, under || moves);
      walk(i->else_body, under || moves);
    } else if (auto* l = std::get_if<Let>(&stmt->node)) {
      mark(l->name, varies(l->value, names));
    } else if (auto* s = std::get_if<Store>(&stmt->node)) {
      bool moves = under || varies(s->value, names) || (s->count && varies(*s->count, names));
      for (const Index& e : s->indices) moves |= varies(e, names);
      mark(s->buffer, moves);
    } else if (auto* a = std::get_if<Alloc>(&stmt->node)) {
      for (const Index& e : a->shape) mark(a->name, varies(e, names));
    } else if (auto* in = std::get_if<Instr>(&stmt->node)) {
      bool moves = under;
      for (const auto& o : in->operands) {
        moves |= names.count(o.buffer) > 0;
        for (const Index& e : o.indices) moves |= varies(e, names);
      }
      for (const auto& o : in->operands) mark(o.buffer, moves);
    }
  }
};

}  // namespace

std::set<std::string> varying_in(const For& loop) { return Varying(loop).names; }

}  // namespace mintor
