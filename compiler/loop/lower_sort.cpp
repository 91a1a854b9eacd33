// SPDX-License-Identifier: Apache-2.0
// Nest of a stable sort by bytes: two walks over each line, the first counts, the second places.
//| for each line                        counts[256] = 0
//|   for i: counts[key[i]] += 1
//|   for b: counts[b] = how many keys are below b
//|   for i: y[counts[key[i]]++] = x[i]  of each operand
// Takes sorts of u8 keys, ascending, which graph/passes/sort_by_digits.cpp makes of all others.
#include "compiler/loop/lower_nest.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int64_t kDigits = 256;

class SortNest {
 public:
  SortNest(NestContext& ctx, const Node& node)
      : ctx_(ctx), node_(node), name_(value_name(ctx.graph, {&node, 0})) {
    const Shape& shape = node.results[0].shape;
    dim_ = static_cast<size_t>(node.as<SortAttr>().dim);
    for (size_t d = 0; d < shape.size(); ++d)
      if (d != dim_)
        lines_.push_back({axis_name(name_, lines_.size()), shape[d], {LoopRole::out, "", {}}});
  }

  Stmt operator()() {
    ctx_.exprs.begin(ctx_.ranges(lines_));
    counts_ = ctx_.exprs.fresh(name_ + "_counts");
    std::vector<Stmt> body = {k::alloc(counts_, DType::i64, {kDigits}, Space::local)};
    body.push_back(loop("_b", kDigits, [&](const Index& b, std::vector<Stmt>& inner) {
      inner.push_back(k::store(counts_, {b}, number(0)));
    }));
    body.push_back(loop("_i", extent(), [&](const Index& i, std::vector<Stmt>& inner) {
      const Index key = key_at(i, inner);
      inner.push_back(k::store(counts_, {key}, plus(count_of(key), number(1))));
    }));
    const std::string below = ctx_.exprs.fresh(name_ + "_below");
    body.push_back(k::alloc(below, DType::i64, {Index(1)}, Space::reg));
    body.push_back(k::store(below, {0}, number(0)));
    body.push_back(loop("_b", kDigits, [&](const Index& b, std::vector<Stmt>& inner) {
      const Expr own = named("_own", count_of(b), inner);
      const Expr before = named("_before", k::load(below, DType::i64, {0}), inner);
      inner.push_back(k::store(counts_, {b}, before));
      inner.push_back(k::store(below, {0}, plus(before, own)));
    }));
    body.push_back(loop("_i", extent(), [&](const Index& i, std::vector<Stmt>& inner) {
      const Index key = key_at(i, inner);
      const std::string place = ctx_.exprs.fresh(name_ + "_place");
      inner.push_back(k::let(place, count_of(key)));
      inner.push_back(k::store(counts_, {key}, plus(k::variable(place, DType::i64), number(1))));
      move(i, Index::var(place), inner);
    }));
    return wrap(lines_, k::block(std::move(body)));
  }

 private:
  static Expr number(int64_t value) { return k::constant(Scalar::of_int(DType::i64, value)); }
  static Expr plus(Expr a, Expr b) { return k::op(ScalarOp::add, {std::move(a), std::move(b)}); }
  Expr count_of(const Index& key) const { return k::load(counts_, DType::i64, {key}); }
  const Index& extent() const { return node_.results[0].shape[dim_]; }

  Stmt loop(const std::string& wish, const Index& count,
            const std::function<void(const Index&, std::vector<Stmt>&)>& body) {
    const std::string var = ctx_.exprs.fresh(name_ + wish);
    ctx_.exprs.begin(ctx_.ranges(lines_));
    ctx_.exprs.ranges().set(var, Index(0), count - 1);
    std::vector<Stmt> inner;
    body(Index::var(var), inner);
    return k::loop(var, 0, count, k::block(std::move(inner)), LoopKind::serial,
                   {LoopRole::reduced, "", {}});
  }

  Expr named(const std::string& wish, const Expr& value, std::vector<Stmt>& out) {
    const std::string name = ctx_.exprs.fresh(name_ + wish);
    out.push_back(k::let(name, value));
    return k::variable(name, value->dtype);
  }

  std::vector<Index> element(const Index& i) const {
    std::vector<Index> at = vars_of(lines_);
    at.insert(at.begin() + static_cast<std::ptrdiff_t>(dim_), i);
    return at;
  }

  Expr operand(size_t n, const Index& i, std::vector<Stmt>& out) {
    const Expr value = ctx_.exprs.at(node_.operands[n], element(i));
    for (Stmt& let : ctx_.exprs.take_lets()) out.push_back(std::move(let));
    return value;
  }

  Index key_at(const Index& i, std::vector<Stmt>& out) {
    const std::string name = ctx_.exprs.fresh(name_ + "_key");
    out.push_back(k::let(name, k::cast(operand(0, i, out), DType::i64)));
    ctx_.exprs.ranges().set(name, Index(0), Index(kDigits - 1));
    return Index::var(name);
  }

  void move(const Index& from, const Index& to, std::vector<Stmt>& out) {
    for (size_t n = 0; n < node_.operands.size(); ++n) {
      const Expr value = operand(n, from, out);
      const Value result{&node_, static_cast<int32_t>(n)};
      out.push_back(k::store(value_name(ctx_.graph, result), element(to), value));
    }
  }

  NestContext& ctx_;
  const Node& node_;
  std::string name_, counts_;
  size_t dim_ = 0;
  std::vector<LoopAxis> lines_;
};

}  // namespace

Stmt nest_sort(NestContext& ctx, const Node& node) {
  const bool by_bytes = node.operands[0].dtype() == DType::u8 && !node.as<SortAttr>().descending;
  check(by_bytes, "lower", "a sort that is not by bytes, ascending");
  return SortNest(ctx, node)();
}

}  // namespace mintor
