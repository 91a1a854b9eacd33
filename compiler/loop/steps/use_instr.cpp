// SPDX-License-Identifier: Apache-2.0
// Replaces the nest at a loop by a target instruction whose meaning it is.
//| for j in 0..2 {
//|   for n in 0..16 {                  use_instr(dot2_i16, j)
//|     acc[n] = add(acc[n],                     ->             instr dot2_i16(
//|         mul(cast(i32, x[m, 2*k + j]),                           acc[0], x[m, 2*k], w[k, 0, 0])
//|             cast(i32, w[k, n, j])))
//|   }
//| }
// The nest must have the meaning's loops in its order, its statements, and operands that are
// contiguous where it says: the flat address of each access differs from the meaning's only by a
// base that the nest does not change.
#include "compiler/loop/instruction.h"
#include "compiler/loop/step_support.h"

namespace mintor {
namespace {

class Matcher {
 public:
  Matcher(const Kernel& kernel, const Kernel& meaning, const Ranges& ranges)
      : meaning_(meaning), buffers_(buffers_of(kernel)), ranges_(ranges) {
    for (const Param& p : meaning.params) params_[p.name] = &p;
  }

  Refusal run(const Stmt& pattern, const Stmt& stmt) {
    statement(pattern, stmt);
    return refusal_;
  }

  Refusal operands(std::vector<InstrOperand>& out) {
    for (const Param& p : meaning_.params) {
      auto it = found_.find(p.name);
      if (it == found_.end()) return {"the operand " + p.name + " is not used"};
      for (const auto& [name, other] : found_)
        if (name != p.name && p.written && other.buffer == it->second.buffer)
          return {"the operands " + p.name + " and " + name + " are one buffer"};
      out.push_back(it->second);
    }
    return {};
  }

 private:
  const Kernel& meaning_;
  std::map<std::string, BufferType> buffers_;
  Ranges ranges_;
  std::map<std::string, const Param*> params_;
  std::map<std::string, Index> vars_;   // of the meaning -> of the nest
  std::map<std::string, Index> start_;  // variables of the nest -> 0
  std::map<std::string, InstrOperand> found_;
  Refusal refusal_;

  bool fail(const std::string& reason) {
    if (!refusal_) refusal_ = {reason};
    return false;
  }

  bool statement(const Stmt& p, const Stmt& s) {
    if (p->node.index() != s->node.index())
      return fail("a statement is of another kind than in the meaning:\n" + print(s));
    if (auto* f = std::get_if<For>(&p->node)) {
      const auto& g = std::get<For>(s->node);
      if (!g.begin.is_const(0) || !(f->end == ranges_.simplify(g.end)))
        return fail("the loop " + g.var + " runs " + g.begin.str() + ".." + g.end.str() +
                    ", in the meaning 0.." + f->end.str());
      vars_[f->var] = Index::var(g.var);
      start_[g.var] = Index(0);
      ranges_.set(g.var, Index(0), g.end - 1);
      return statement(f->body, g.body);
    }
    if (auto* b = std::get_if<Block>(&p->node)) {
      const auto& c = std::get<Block>(s->node);
      if (b->body.size() != c.body.size())
        return fail("a block has another number of statements than in the meaning");
      for (size_t i = 0; i < c.body.size(); ++i)
        if (!statement(b->body[i], c.body[i])) return false;
      return true;
    }
    if (auto* st = std::get_if<Store>(&p->node)) {
      const auto& t = std::get<Store>(s->node);
      if (t.lanes != st->lanes || t.count)
        return fail("a store has other lanes than in the meaning");
      return access(st->buffer, st->indices, t.buffer, t.indices) && expr(st->value, t.value);
    }
    return fail("the meaning holds a statement that is not matched");
  }

  bool expr(const Expr& p, const Expr& e) {
    if (p->dtype != e->dtype || p->node.index() != e->node.index())
      return fail(print(e) + " is not " + print(p));
    if (auto* l = std::get_if<LoadExpr>(&p->node)) {
      const auto& m = std::get<LoadExpr>(e->node);
      return !m.count ? access(l->buffer, l->indices, m.buffer, m.indices) : fail("a partial load");
    }
    if (auto* o = std::get_if<OpExpr>(&p->node)) {
      const auto& q = std::get<OpExpr>(e->node);
      if (o->op != q.op) return fail(print(e) + " is not " + print(p));
      for (size_t i = 0; i < q.args.size(); ++i)
        if (!expr(o->args[i], q.args[i])) return false;
      return true;
    }
    if (auto* c = std::get_if<CastExpr>(&p->node))
      return expr(c->arg, std::get<CastExpr>(e->node).arg);
    if (auto* b = std::get_if<BitcastExpr>(&p->node))
      return expr(b->arg, std::get<BitcastExpr>(e->node).arg);
    if (auto* c = std::get_if<ConstantExpr>(&p->node))
      return c->value.same_bits(std::get<ConstantExpr>(e->node).value) ||
             fail("another constant than " + print(p));
    return fail(print(p) + " in a meaning is not matched");
  }

  static Index flat(const std::vector<Index>& at, const std::vector<Index>& shape) {
    Index out = 0;
    for (size_t d = 0; d < at.size(); ++d) out = out * shape[d] + at[d];
    return out;
  }

  bool access(const std::string& param, const std::vector<Index>& p, const std::string& buffer,
              const std::vector<Index>& at) {
    const Param& operand = *params_.at(param);
    const BufferType& type = buffers_.at(buffer);
    if (type.dtype != operand.dtype)
      return fail(buffer + " holds " + std::string(name_of(type.dtype)) + ", the operand " + param +
                  " " + std::string(name_of(operand.dtype)));
    InstrOperand base{buffer, {}};
    for (const Index& e : at) base.indices.push_back(ranges_.simplify(e.substitute(start_)));
    Index moved = ranges_.simplify(flat(at, type.shape) - flat(base.indices, type.shape));
    Index wanted = ranges_.simplify(flat(p, operand.shape).substitute(vars_));
    if (!(moved == wanted))
      return fail(buffer + " moves by " + moved.str() + " inside the nest, the operand " + param +
                  " by " + wanted.str());
    auto [it, made] = found_.try_emplace(param, base);
    if (!made && (it->second.buffer != buffer || !(it->second.indices == base.indices)))
      return fail("the operand " + param + " is read at two places");
    return true;
  }
};

}  // namespace

static Refusal use_instr(Kernel& kernel, StepArgs args) {
  const Instruction* instruction = find_instruction(args.name(0));
  if (!instruction) return {"there is no instruction '" + args.name(0) + "'"};
  const For* loop = &loop_named(kernel, args.name(1));
  if (loop->kind == LoopKind::parallel) return {"the loop " + args.name(1) + " is parallel"};
  const Kernel meaning = parse_kernel(instruction->meaning);
  Ranges ranges = ranges_at(kernel, loop->var);
  ranges.erase(loop->var);
  Matcher matcher(kernel, meaning, ranges);
  if (Refusal r = matcher.run(meaning.body, k::loop(*loop, loop->body))) return r;
  std::vector<InstrOperand> operands;
  if (Refusal r = matcher.operands(operands)) return r;
  kernel.body = replace_loop(kernel.body, args.name(1),
                             [&](const For&) { return k::instr(args.name(0), operands); });
  return {};
}

extern const Step step_use_instr;
const Step step_use_instr = {"use_instr",
                             {{"instruction", StepParamKind::name}, {"axis", StepParamKind::loop}},
                             "replaces a nest by the instruction that means it",
                             use_instr};

}  // namespace mintor
