// SPDX-License-Identifier: Apache-2.0
// Takes a seed; gives a kernel. Keeps true: indices are not negative where their bounds are known;
// a parameter is as large as the largest index that occurs, so most kernels stay inside.
#include "tests/loop/random_kernels.h"

#include <algorithm>
#include <utility>

#include "compiler/loop/instruction.h"

namespace mintor::test {
namespace {

constexpr int64_t kMostSymbol = 9;
constexpr int kMostStatements = 14;
constexpr int kMostDepth = 4;

class Maker {
 public:
  explicit Maker(uint64_t seed) : dice_(seed) {
    kernel_.name = "f";
    kernel_.symbols.push_back({"n", 0, kMostSymbol, 1});
    ranges_.set("n", Index(0), Index(kMostSymbol));
    param("x", DType::f32, dice_.one_in(2) ? 2 : 1, false);
    param("w", DType::f32, 1, false);
    param("p", DType::i64, 1, false);
    param("y", DType::f32, dice_.one_in(3) ? 1 : 2, true);
    param("z", DType::f32, 1, true);
    symbolic_ = dice_.one_in(2);
    tidy_ = dice_.one_in(2);
  }

  Kernel run() {
    std::vector<Stmt> body;
    switch (dice_.pick(0, 3)) {
      case 0:
        body.push_back(loop());
        break;
      case 1:
        produce(body);
        if (dice_.one_in(3)) produce(body);
        body.push_back(loop());
        break;
      default:
        for (int64_t n = dice_.pick(1, 3); n > 0; --n) statement(body);
    }
    if (dice_.one_in(4)) body.push_back(instruction());
    kernel_.body = k::block(std::move(body));
    return kernel_;
  }

 private:
  struct Local {
    std::string name;
    std::vector<int64_t> shape;
  };

  Dice dice_;
  Kernel kernel_;
  Ranges ranges_;
  bool symbolic_ = false;              // some loops run to n
  bool tidy_ = false;                  // most stores have a place of their own in each iteration
  std::vector<std::string> integers_;  // in scope, innermost last
  std::vector<std::string> unknown_;   // integers read from p, in scope
  std::vector<std::string> lets_;      // f32, in scope
  std::vector<Local> locals_;          // in scope
  int names_ = 0, statements_ = 0, depth_ = 0;

  std::string fresh(const char* wish) { return wish + std::to_string(names_++); }

  void param(const std::string& name, DType dtype, size_t rank, bool written) {
    Param p;
    p.name = name;
    p.dtype = dtype;
    p.shape.assign(rank, Index(1));
    p.written = written;
    p.alignment = size_of(dtype);
    kernel_.params.push_back(p);
  }
  Param& param(const std::string& name) {
    return *std::find_if(kernel_.params.begin(), kernel_.params.end(),
                         [&](const Param& p) { return p.name == name; });
  }

  // ---- integers ----

  Index integer() {
    if (integers_.empty()) return dice_.pick(0, 3);
    const int64_t last = static_cast<int64_t>(integers_.size()) - 1;
    const int64_t first = dice_.one_in(4) ? 0 : std::max<int64_t>(0, last - 2);
    return Index::var(integers_[static_cast<size_t>(dice_.pick(first, last))]);
  }
  Index affine() {
    static const std::vector<int64_t> kCoefficients{1, 1, 1, 1, 2, 3, 4, -1};
    Index e = dice_.one_in(3) ? dice_.pick(0, 3) : 0;
    for (int64_t terms = dice_.pick(1, 2); terms > 0; --terms)
      e = e + Index(dice_.of(kCoefficients)) * integer();
    if (!unknown_.empty() && dice_.one_in(4)) e = e + Index::var(dice_.of(unknown_));
    if (dice_.one_in(8)) e = floordiv(e, dice_.pick(2, 4));
    if (dice_.one_in(8)) e = mod(e, dice_.pick(2, 5));
    return e;
  }
  Index not_negative(const Index& e) {
    const auto lo = ranges_.lower(e);
    return lo && *lo < 0 ? e - *lo : e;
  }
  // A place of its own for each iteration of the loops around: strides larger than most loops.
  std::vector<Index> place(const std::string& name, bool lane) {
    Param& p = param(name);
    std::vector<Index> at(p.shape.size(), Index(0));
    Index e = lane ? Index::var(kLane) : Index(0);
    int64_t stride = lane ? 8 : 1;
    for (size_t n = integers_.size(); n-- > 0 && stride < 200;) {
      const bool first = at.size() > 1 && n == 0;
      (first ? at[0] : e) =
          (first ? Index(0) : e) + Index(first ? 1 : stride) * Index::var(integers_[n]);
      stride *= 7;
    }
    at.back() = e;
    for (size_t d = 0; d < at.size(); ++d) grow(p, d, at[d] = not_negative(at[d]), 3000);
    return at;
  }
  void grow(Param& p, size_t d, const Index& e, int64_t limit) {
    const int64_t most = std::min<int64_t>(ranges_.upper(e).value_or(40), limit);
    p.shape[d] = std::max(p.shape[d].value(), most + 1);
  }
  // An access to a parameter, which grows with it.
  std::vector<Index> access(const std::string& name, bool lane) {
    Param& p = param(name);
    const size_t rank = p.shape.size();
    std::vector<Index> at;
    const bool plain = !lane && dice_.one_in(3) && integers_.size() >= rank;
    for (size_t d = 0; d < rank; ++d) {
      Index e = plain ? Index::var(integers_[integers_.size() - rank + d]) : affine();
      if (lane && d + 1 == rank) e = e + Index(dice_.one_in(4) ? 2 : 1) * Index::var(kLane);
      at.push_back(not_negative(e));
      grow(p, d, at[d], 200);
    }
    return at;
  }
  std::vector<Index> target(const std::string& name, bool lane) {
    return tidy_ && !dice_.one_in(6) ? place(name, lane) : access(name, lane);
  }
  std::vector<Index> access(const Local& local) {
    std::vector<Index> at;
    for (int64_t extent : local.shape) at.push_back(within(extent));
    return at;
  }
  Index within(int64_t extent) {
    for (int tries = 0; tries < 4; ++tries) {
      const Index e = not_negative(dice_.one_in(2) ? integer() : affine());
      if (const auto hi = ranges_.upper(e); hi && *hi < extent) return e;
    }
    return dice_.one_in(2) ? Index(dice_.pick(0, extent - 1)) : mod(not_negative(affine()), extent);
  }

  // ---- expressions ----

  Expr number() {
    static const std::vector<double> kValues{0.5, 0.3, 1.7, -2.25};
    return k::constant(Scalar::of(DType::f32, dice_.of(kValues)));
  }
  Expr load(bool lane) {
    if (!lane && !locals_.empty() && dice_.one_in(2)) {
      const Local& l = dice_.of(locals_);
      return k::load(l.name, DType::f32, access(l));
    }
    static const std::vector<std::string> kBuffers{"x", "x", "x", "w", "y"};
    std::string name = dice_.of(kBuffers);
    if (name == "y" && tidy_ && !dice_.one_in(4)) name = "w";
    std::optional<Index> count;
    auto at = access(name, lane);
    if (lane && dice_.one_in(4)) count = affine();
    return k::load(name, DType::f32, std::move(at), count);
  }
  Expr value(bool lane, int depth = 0) {
    const auto operand = [&] { return value(lane, depth + 1); };
    switch (dice_.pick(0, depth > 1 ? 3 : 9)) {
      case 0:
        return number();
      case 1:
        if (!lets_.empty()) return k::variable(dice_.of(lets_), DType::f32);
        return load(lane);
      case 2:
      case 3:
        return load(lane);
      case 4:
        return k::cast(k::index(lane ? affine() + Index::var(kLane) : affine()), DType::f32);
      case 5:
        return k::guard(condition(), operand(), operand());
      case 6:
        return k::op(ScalarOp::fma, {operand(), number(), operand()});
      default: {
        static const std::vector<ScalarOp> kOps{ScalarOp::add, ScalarOp::mul, ScalarOp::sub,
                                                ScalarOp::max};
        const ScalarOp op = dice_.of(kOps);
        Expr a = operand();
        return k::op(op, {a, operand()});
      }
    }
  }
  Expr condition() {
    const Index extent = symbolic_ && dice_.one_in(3) ? Index::var("n") : dice_.pick(1, 9);
    Expr out = k::in_range(affine() - dice_.pick(0, 3), extent);
    if (dice_.one_in(4))
      out = k::op(ScalarOp::and_, {out, k::in_range(affine() - dice_.pick(0, 2), extent + 1)});
    if (dice_.one_in(8))
      out = k::op(ScalarOp::and_, {out, k::op(ScalarOp::lt, {load(false), number()})});
    return out;
  }

  // ---- statements ----

  // What is bound by `body` is gone after it.
  std::vector<Stmt> scope(const std::function<void(std::vector<Stmt>&)>& body) {
    const auto integers = integers_, unknown = unknown_, lets = lets_;
    const auto locals = locals_;
    std::vector<Stmt> out;
    ++depth_;
    body(out);
    --depth_;
    integers_ = integers, unknown_ = unknown, lets_ = lets, locals_ = locals;
    return out;
  }

  std::pair<Index, Index> bounds() {
    const int64_t c = dice_.pick(1, 6), d = dice_.pick(1, 4);
    const Index n = Index::var("n");
    if (integers_.empty() || dice_.one_in(2)) {
      if (symbolic_ && dice_.one_in(3)) return {0, n};
      if (symbolic_ && dice_.one_in(6)) return {0, n - c};
      if (symbolic_ && dice_.one_in(6)) return {0, ceildiv(n, d + 1)};
      return dice_.one_in(6) ? std::pair<Index, Index>{d, d + c} : std::pair<Index, Index>{0, c};
    }
    const Index v = integer();
    switch (dice_.pick(0, 7)) {
      case 0:
        return {0, v + dice_.pick(0, 1)};  // triangles
      case 1:
        return {v, c};
      case 2:
        return {v, v + d};  // shifts
      case 3:
        return {Index(c) - v, Index(c) - v + d};
      case 4:
        return {Index(d) * v, Index(d) * v + d};  // blocks
      case 5:
        return {0, min(Index(d), Index(c) - Index(d) * v)};
      case 6:
        return {floordiv(v, 2), floordiv(v, 2) + d};
      default:
        return symbolic_ ? std::pair<Index, Index>{0, n - v}
                         : std::pair<Index, Index>{v + 1, c + d};
    }
  }
  Stmt loop() {
    const auto [begin, end] = bounds();
    const std::string var = fresh("i");
    const bool unrolled = (end - begin).is_const() && dice_.one_in(10);
    ranges_.set(var, begin, end - 1);
    const auto body = scope([&](std::vector<Stmt>& out) {
      integers_.push_back(var);
      if (depth_ < kMostDepth && dice_.one_in(2)) {
        out.push_back(loop());  // a perfect nest
        return;
      }
      for (int64_t n = dice_.pick(1, 3); n > 0; --n) statement(out);
    });
    ranges_.erase(var);
    return k::loop(var, begin, end, k::block(body),
                   unrolled ? LoopKind::unrolled : LoopKind::serial);
  }

  void statement(std::vector<Stmt>& out) {
    if (++statements_ > kMostStatements || depth_ > kMostDepth) return store(out);
    switch (dice_.pick(0, 12)) {
      case 0:
      case 1:
      case 2:
        out.push_back(loop());
        break;
      case 3:
        branch(out);
        break;
      case 4:
        let(out);
        break;
      case 5:
        accumulator(out);
        break;
      case 6:
        produce(out);
        break;
      case 7:
        vector_store(out);
        break;
      default:
        store(out);
    }
  }
  void branch(std::vector<Stmt>& out) {
    const Expr cond = condition();
    const auto some = [&](std::vector<Stmt>& body) { statement(body); };
    Stmt yes = k::block(scope(some));
    Stmt no = dice_.one_in(4) ? k::block(scope(some)) : nullptr;
    out.push_back(k::if_(cond, yes, no));
  }
  void let(std::vector<Stmt>& out) {
    if (dice_.one_in(3)) {
      const std::string name = fresh("a");
      const Index e = affine();
      out.push_back(k::let(name, k::index(e)));
      ranges_.set(name, e, e);
      integers_.push_back(name);
    } else if (dice_.one_in(4)) {
      const std::string name = fresh("d");
      out.push_back(k::let(name, k::load("p", DType::i64, access("p", false))));
      unknown_.push_back(name);
    } else {
      const std::string name = fresh("v");
      out.push_back(k::let(name, value(false)));
      lets_.push_back(name);
    }
  }
  void store(std::vector<Stmt>& out) {
    const bool local = !locals_.empty() && dice_.one_in(4);
    std::string name = dice_.one_in(4) ? "z" : "y";
    std::vector<Index> at;
    if (local) {
      const Local& l = dice_.of(locals_);
      name = l.name;
      at = access(l);
    } else {
      at = target(name, false);
    }
    Expr v = value(false);
    if (dice_.one_in(4)) v = k::op(ScalarOp::fma, {k::load(name, DType::f32, at), number(), v});
    out.push_back(k::store(name, at, v));
  }
  void vector_store(std::vector<Stmt>& out) {
    const int32_t lanes = dice_.one_in(2) ? 4 : 8;
    ranges_.set(kLane, Index(0), Index(lanes - 1));
    const std::string name = dice_.one_in(4) ? "z" : "y";
    const auto at = target(name, true);
    std::optional<Index> count;
    if (dice_.one_in(3)) count = affine();
    Expr v = k::with_lanes(value(true), lanes);
    if (dice_.one_in(3)) {
      const std::string let = fresh("u");
      out.push_back(k::let(let, v));
      v = k::op(ScalarOp::add, {k::variable(let, DType::f32, v->lanes), number()});
    }
    out.push_back(k::vector_store(name, at, v, lanes, count));
    ranges_.erase(kLane);
  }
  // acc = 0; for .. { acc = acc * c + value }; store
  void accumulator(std::vector<Stmt>& out) {
    const std::string acc = fresh("acc"), var = fresh("k");
    out.push_back(k::alloc(acc, DType::f32, {Index(1)}, Space::reg));
    out.push_back(k::store(acc, {Index(0)}, number()));
    const auto [begin, end] = bounds();
    ranges_.set(var, begin, end - 1);
    const auto body = scope([&](std::vector<Stmt>& inner) {
      integers_.push_back(var);
      const Expr sum = k::load(acc, DType::f32, {Index(0)});
      Stmt update = k::store(acc, {Index(0)}, k::op(ScalarOp::fma, {sum, number(), value(false)}));
      inner.push_back(dice_.one_in(3) ? k::if_(condition(), update) : update);
    });
    ranges_.erase(var);
    out.push_back(k::loop(var, begin, end, k::block(body)));
    const std::string name = dice_.one_in(4) ? "z" : "y";
    out.push_back(k::store(name, target(name, false), k::load(acc, DType::f32, {Index(0)})));
  }
  // for .. { clear; what an instruction means }, on rows of operands of its own. One in five is no
  // such nest: an operand moves by two elements.
  Stmt instruction() {
    const auto all = all_instructions();
    const int64_t number = dice_.pick(0, static_cast<int64_t>(all.size()) - 1);
    const Kernel meaning = parse_kernel(all[static_cast<size_t>(number)]->meaning);
    const auto [begin, end] = bounds();
    const std::string var = fresh("i");
    ranges_.set(var, begin, end - 1);
    integers_.push_back(var);
    std::map<std::string, std::string> names;
    std::map<std::string, Index> rows;
    for (Param operand : meaning.params) {
      operand.shape.insert(operand.shape.begin(), Index(1));
      names[operand.name] = fresh("q");
      operand.name = names[operand.name];
      rows[operand.name] = not_negative(affine());
      grow(operand, 0, rows[operand.name], 40);
      kernel_.params.push_back(operand);
    }
    visit(meaning.body, [&](const Stmt& s) {
      if (auto* f = std::get_if<For>(&s->node)) names[f->var] = fresh("i");
    });
    const std::string wide = dice_.one_in(5) ? names.at(dice_.of(meaning.params).name) : "";
    if (!wide.empty()) param(wide).shape.back() = param(wide).shape.back() * 2;
    const auto moved = [&](const std::string& buffer, std::vector<Index> at) {
      if (buffer == wide) at.back() = at.back() * 2;
      at.insert(at.begin(), rows.at(buffer));
      return at;
    };
    Stmt nest = rewrite(
        rename(meaning.body, names),
        [&](const Expr& e) -> Expr {
          auto* l = std::get_if<LoadExpr>(&e->node);
          return l ? k::load(l->buffer, e->dtype, moved(l->buffer, l->indices)) : nullptr;
        },
        [&](const Stmt& s) -> Stmt {
          auto* st = std::get_if<Store>(&s->node);
          return st ? k::store(st->buffer, moved(st->buffer, st->indices), st->value) : nullptr;
        });
    std::vector<Stmt> body;
    for (const Param& operand : meaning.params)
      if (operand.written) body.push_back(clear(param(names.at(operand.name)), rows));
    body.push_back(nest);
    integers_.pop_back();
    ranges_.erase(var);
    return k::loop(var, begin, end, k::block(std::move(body)));
  }
  // A row of a parameter is filled: updates need something there.
  Stmt clear(const Param& p, const std::map<std::string, Index>& rows) {
    std::vector<Index> at{rows.at(p.name)};
    std::vector<std::string> vars;
    for (size_t d = 1; d < p.shape.size(); ++d) {
      vars.push_back(fresh("c"));
      at.push_back(Index::var(vars.back()));
    }
    Stmt out = k::store(p.name, at, k::constant(Scalar::of(p.dtype, 3)));
    for (size_t d = vars.size(); d-- > 0;) out = k::loop(vars[d], 0, p.shape[d + 1], out);
    return out;
  }
  // A local and the nest that fills it; now and then another, or itself again, in the same nest.
  void produce(std::vector<Stmt>& out) {
    Local local{fresh("t"), {dice_.pick(2, 9)}};
    if (dice_.one_in(2)) local.shape.push_back(dice_.pick(1, 5));
    std::vector<Index> shape(local.shape.begin(), local.shape.end()), at;
    out.push_back(k::alloc(local.name, DType::f32, shape, Space::local));
    std::optional<Local> second;
    if (dice_.one_in(4)) {
      second = Local{fresh("t"), {local.shape[0]}};
      out.push_back(k::alloc(second->name, DType::f32, {shape[0]}, Space::local));
    }
    std::vector<std::string> vars;
    for (const Index& e : shape) {
      vars.push_back(fresh("j"));
      ranges_.set(vars.back(), Index(0), e - 1);
      at.push_back(Index::var(vars.back()));
    }
    const auto body = scope([&](std::vector<Stmt>& inner) {
      integers_.insert(integers_.end(), vars.begin(), vars.end());
      inner.push_back(k::store(local.name, at, value(false)));
      locals_.push_back(local);
      if (second) inner.push_back(k::store(second->name, {at[0]}, value(false)));
      if (dice_.one_in(3)) {
        const std::string var = fresh("k");
        ranges_.set(var, Index(0), Index(3));
        integers_.push_back(var);
        const Expr old = k::load(local.name, DType::f32, dice_.one_in(3) ? access(local) : at);
        const Expr sum = k::op(ScalarOp::fma, {old, number(), value(false)});
        inner.push_back(k::loop(var, 0, 4, k::store(local.name, at, sum)));
        ranges_.erase(var);
      } else if (dice_.one_in(3)) {
        statement(inner);
      }
    });
    Stmt nest = k::block(body);
    for (size_t d = shape.size(); d-- > 0;) nest = k::loop(vars[d], 0, shape[d], nest);
    for (const auto& var : vars) ranges_.erase(var);
    out.push_back(nest);
    locals_.push_back(local);
    if (second) locals_.push_back(*second);
  }
};

}  // namespace

Kernel random_kernel(uint64_t seed) { return Maker(seed).run(); }

std::optional<Kernel> without_statement(const Kernel& kernel, int n) {
  std::vector<Stmt> all;
  visit(kernel.body, [&](const Stmt& s) {
    if (!std::holds_alternative<Block>(s->node)) all.push_back(s);
  });
  if (n >= static_cast<int>(all.size())) return std::nullopt;
  const Stmt gone = all[static_cast<size_t>(n)];
  // Bottom-up rewriting gives the same node back where nothing below it changed.
  Kernel out = kernel;
  out.body = rewrite(kernel.body, nullptr,
                     [&](const Stmt& s) -> Stmt { return s == gone ? k::block({}) : nullptr; });
  return out;
}

}  // namespace mintor::test
