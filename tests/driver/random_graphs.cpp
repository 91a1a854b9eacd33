// SPDX-License-Identifier: Apache-2.0
// Takes a seed; builds node after node from a pool of values. A step that does not fit its operands
// (CompileError) adds nothing. Keeps true: values stay small, so that interpreters are quick.
#include "tests/driver/random_graphs.h"

#include <algorithm>
#include <functional>

#include "compiler/graph/rewrite.h"
#include "compiler/ir/seeded.h"
#include "compiler/ops/library.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

constexpr int64_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 16, 17, 20, 33, 48};
constexpr int64_t kThinSizes[] = {1, 2, 3, 5};
// Of one value, at n = 5. A thin graph has n in one dimension and little in the others, so that n
// can be thousands.
constexpr int64_t kMostElements = 6000, kMostThinElements = 25;
constexpr DType kDTypes[] = {DType::f32, DType::f32, DType::f32,     DType::f64, DType::i32,
                             DType::i64, DType::i8,  DType::u8,      DType::f16, DType::bf16,
                             DType::i16, DType::u32, DType::boolean, DType::u64, DType::u16};

class Maker {
 public:
  Maker(Graph& graph, uint64_t seed, bool thin, int depth = 0)
      : graph_(graph), b_(graph), state_(seed), thin_(thin), depth_(depth) {}

  void make(int steps) {
    if (thin_ || below(2) == 0) {
      const int64_t least = below(thin_ ? 4 : 2) == 0 ? 1 : 0;
      graph_.add_symbol({"n", least, thin_ || below(2) == 0 ? -1 : 40, 1, 5});
    }
    const int inputs = 2 + static_cast<int>(below(2));
    for (int i = 0; i < inputs; ++i)
      keep(b_.input("x" + std::to_string(i), one_of(kDTypes), random_shape(i == 0)));
    take_steps(steps);
    graph_.results = {{"last", pool_.back()}};
    for (const char* name : {"a", "b"}) graph_.results.push_back({name, pick()});
  }

 private:
  void take_steps(int steps) {
    for (int i = 0; i < steps; ++i) {
      const bool sum = thin_ && below(2) == 0;  // what a thin graph is for
      const auto [name, step] = sum ? sums_[below(sums_.size())] : steps_[below(steps_.size())];
      const Builder::Scope scope(b_, name + std::to_string(i));
      try {
        (this->*step)();
      } catch (const CompileError&) {
        continue;
      }
    }
  }

  uint64_t below(uint64_t n) { return (next_random(state_) >> 20) % n; }
  template <class T, size_t N>
  T one_of(const T (&list)[N]) {
    return list[below(N)];
  }
  Value pick() { return pool_[below(pool_.size())]; }
  // Later values more often, so that chains grow long.
  Value pick_late() {
    if (below(3) == 0) return pick();
    return pool_[pool_.size() - 1 - below(std::min<size_t>(3, pool_.size()))];
  }

  Shape random_shape(bool symbolic) {
    Shape shape;
    const uint64_t rank = thin_ ? 1 + below(3) : below(5);
    for (uint64_t d = 0; d < rank; ++d)
      shape.push_back(thin_ ? one_of(kThinSizes) : one_of(kSizes));
    while (elements(shape) > most_elements()) shape.pop_back();
    if (symbolic && !shape.empty() && graph_.find_symbol("n"))
      shape[thin_ ? below(shape.size()) : 0] = Index::var("n");
    return shape;
  }

  int64_t most_elements() const { return thin_ ? kMostThinElements : kMostElements; }

  static int64_t elements(const Shape& shape) {
    int64_t count = 1;
    for (const Index& e : shape) count *= std::max<int64_t>(1, e.evaluate([](auto) { return 5; }));
    return count;
  }

  void keep(Value v) {
    if (elements(v.shape()) <= most_elements()) pool_.push_back(v);
  }

  int rank(Value v) { return static_cast<int>(v.shape().size()); }
  int64_t axis(Value v) { return rank(v) == 0 ? 0 : static_cast<int64_t>(below(rank(v))); }

  Value as(Value v, DType dtype) { return b_.cast(v, dtype); }
  Value as_float(Value v) { return v.dtype() == DType::f64 ? v : as(v, DType::f32); }
  Value as_number(Value v) {
    if (v.dtype() == DType::boolean) return as(v, DType::i32);
    return is_storage_float(v.dtype()) ? as(v, DType::f32) : v;
  }

  // A value of this type: one of the pool, or something made of numbers.
  Value like(Value v) {
    std::vector<Value> fitting;
    for (const Value& p : pool_)
      if (p.shape() == v.shape()) fitting.push_back(p);
    if (below(3) != 0) return as(fitting[below(fitting.size())], v.dtype());
    if (rank(v) > 0 && below(2) == 0)
      return as(b_.iota(DType::i32, v.shape(), static_cast<int>(axis(v))), v.dtype());
    return as(b_.full(DType::f32, v.shape(), static_cast<double>(below(9)) - 4), v.dtype());
  }

  void scalar() {
    const ScalarOpRow& row = scalar_op_rows()[below(scalar_op_rows().size())];
    Value x = pick_late();
    switch (row.signature) {
      case Signature::numeric:
      case Signature::compare:
        x = as_number(x);
        break;
      case Signature::floating:
      case Signature::test:
        x = as_float(x);
        break;
      case Signature::single:
        x = as(x, DType::f32);
        break;
      case Signature::integer:
        if (!is_int(x.dtype())) x = as(x, DType::i32);
        break;
      case Signature::logical:
        x = as(x, DType::boolean);
        break;
      case Signature::equality:
        x = is_storage_float(x.dtype()) ? as_float(x) : x;
        break;
      case Signature::select:
        break;
    }
    std::vector<Value> operands{x};
    while (static_cast<int>(operands.size()) < row.arity) operands.push_back(like(x));
    if (row.signature == Signature::select) operands[0] = as(operands[0], DType::boolean);
    keep(b_.apply(*parse_scalar_op(row.name), operands));
  }

  void cast() { keep(b_.cast(pick_late(), one_of(kDTypes))); }

  void bitcast() {
    const Value x = pick_late();
    for (int tries = 0; tries < 8; ++tries) {
      const DType to = one_of(kDTypes);
      if (size_of(to) == size_of(x.dtype()) && to != DType::boolean) return keep(b_.bitcast(x, to));
    }
  }

  void reduce() {
    static constexpr Combiner kCombiners[] = {Combiner::add,    Combiner::mul,   Combiner::min,
                                              Combiner::max,    Combiner::and_,  Combiner::or_,
                                              Combiner::argmin, Combiner::argmax, Combiner::add,
                                              Combiner::max};
    const Combiner combiner = one_of(kCombiners);
    const bool logical = combiner == Combiner::and_ || combiner == Combiner::or_;
    Value x = logical ? as(pick_late(), DType::boolean) : as_number(pick_late());
    std::vector<int32_t> dims;
    for (int d = 0; d < rank(x); ++d)
      if (below(2) == 0) dims.push_back(d);
    keep(b_.reduce(combiner, x, dims));
  }

  void centred() {  // x - reduce(x): what soft rows look like
    const Value x = as_float(pick_late());
    if (rank(x) == 0) return;
    const int64_t axes[] = {axis(x)};
    const auto kind = below(2) == 0 ? ops::Reduction::mean : ops::Reduction::max;
    keep(ops::sub(b_, x, ops::reduce(b_, kind, x, axes, true)));
  }

  void scan() {
    const Value x = as_number(pick_late());
    const Combiner combiner = below(2) == 0 ? Combiner::add : Combiner::max;
    keep(b_.scan(combiner, std::vector<Value>{x}, static_cast<int>(axis(x)),
                 {identity_of(combiner, x.dtype())}, below(2) == 0, below(2) == 0)[0]);
  }

  void broadcast() {
    const Value x = pick_late(), y = pick();
    keep(below(2) == 0 ? b_.broadcast_to(x, y.shape())
                       : ops::unsqueeze(b_, x, std::vector<int64_t>{axis(x)}));
  }

  void transpose() {
    const Value x = pick_late();
    std::vector<int32_t> perm;
    for (int d = 0; d < rank(x); ++d) perm.push_back(d);
    for (size_t d = perm.size(); d > 1; --d) std::swap(perm[d - 1], perm[below(d)]);
    keep(b_.transpose(x, perm));
  }

  void reshape() {
    const Value x = pick_late();
    Shape shape = x.shape();
    if (shape.size() >= 2 && below(2) == 0) {  // two neighbours become one
      const size_t d = below(shape.size() - 1);
      shape[d] = shape[d] * shape[d + 1];
      shape.erase(shape.begin() + static_cast<int64_t>(d) + 1);
    } else if (!shape.empty()) {
      const size_t d = below(shape.size());
      if (!shape[d].is_const() || shape[d].value() % 4 != 0) return;
      shape.insert(shape.begin() + static_cast<int64_t>(d), shape[d].value() / 4);
      shape[d + 1] = 4;
    }
    keep(b_.reshape(x, shape));
  }

  void slice() {
    const Value x = pick_late();
    std::vector<Index> start, size;
    std::vector<int64_t> step;
    for (const Index& e : x.shape()) {
      const bool whole = !e.is_const() || below(2) == 0;
      const int64_t by = whole ? 1 : (below(2) == 0 ? 2 : -1);
      start.push_back(whole ? Index(0) : by < 0 ? e - 1 : Index(0));
      size.push_back(whole ? e : by < 0 ? e : ceildiv(e, 2));
      step.push_back(by);
    }
    keep(ops::slice(b_, x, start, size, step));
  }

  void pad() {
    const Value x = pick_late();
    std::vector<Index> before, after;
    for (int d = 0; d < rank(x); ++d) {
      before.push_back(static_cast<int64_t>(below(3)));
      after.push_back(static_cast<int64_t>(below(3)));
    }
    static constexpr ops::PadMode kModes[] = {ops::PadMode::constant, ops::PadMode::constant,
                                              ops::PadMode::edge, ops::PadMode::wrap};
    keep(ops::pad(b_, x, before, after, one_of(kModes), Value{}));
  }

  void concat() {
    const Value x = pick_late();
    keep(b_.concat(std::vector<Value>{x, like(x), like(x)}, static_cast<int>(axis(x))));
  }

  // Many parts, some of them concats along the same dim, some empty or computed.
  void concat_many() {
    const Value x = pick_late();
    const int64_t dim = axis(x);
    if (rank(x) == 0) return;
    std::vector<Value> parts;
    const uint64_t count = 3 + below(30);
    for (uint64_t n = 0; n < count; ++n) {
      const Value part = like(x);
      const auto size = static_cast<int64_t>(below(3));
      const std::vector<Index> start(x.shape().size(), Index(0));
      std::vector<Index> sizes = x.shape();
      sizes[dim] = sizes[dim].is_const() ? min(Index(size), sizes[dim]) : Index(0);
      const std::vector<int64_t> step(x.shape().size(), 1);
      const Value some = below(4) == 0 ? part : ops::slice(b_, part, start, sizes, step);
      if (parts.empty() || below(6) != 0)
        parts.push_back(some);
      else
        parts.back() = b_.concat(std::vector<Value>{parts.back(), some}, static_cast<int>(dim));
    }
    keep(b_.concat(parts, static_cast<int>(dim)));
  }

  void doubled() {  // each step reads the last one twice
    Value x = as_number(pick_late());
    for (uint64_t n = 6 + below(12); n > 0; --n)
      x = b_.apply(below(2) == 0 ? ScalarOp::add : ScalarOp::max, {x, x});
    keep(x);
  }

  void gather_wide() {  // by a run-time index, along a dimension that a broadcast made
    const Value x = pick_late();
    const size_t at = below(x.shape().size() + 1);
    Shape wide = x.shape();
    wide.insert(wide.begin() + static_cast<int64_t>(at), 3);
    std::vector<int32_t> dims;
    for (size_t d = 0; d < wide.size(); ++d)
      if (d != at) dims.push_back(static_cast<int32_t>(d));
    keep(b_.gather(b_.broadcast(x, wide, dims), indices(pick()), static_cast<int>(at)));
  }

  Value indices(Value like_value) { return as(as_number(like_value), DType::i64); }

  void gather() {
    const Value x = pick_late();
    keep(below(2) == 0 ? b_.gather(x, indices(pick()), static_cast<int>(axis(x)))
                       : ops::gather_elements(b_, x, indices(like(x)), axis(x)));
  }

  void scatter() {
    const Value x = as_number(pick_late());
    static constexpr Combiner kCombiners[] = {Combiner::last, Combiner::add, Combiner::max};
    keep(ops::scatter_elements(b_, x, indices(like(x)), like(x), axis(x), one_of(kCombiners)));
  }

  Value weights(Shape shape) {
    std::vector<int64_t> sizes;
    for (const Index& e : shape) sizes.push_back(e.value());
    return b_.parameter("w" + std::to_string(weight_++),
                        seeded_tensor(DType::f32, sizes, below(1000)));
  }

  void matmul() {
    const Value x = as_float(pick_late());
    if (rank(x) == 0) return;
    if (!x.shape().back().is_const() || below(3) == 0) {
      std::vector<int32_t> perm;
      for (int d = 0; d < rank(x); ++d) perm.push_back(d);
      if (perm.size() > 1) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
      return keep(ops::matmul(b_, x, b_.transpose(like(x), perm)));
    }
    keep(ops::matmul(b_, as(x, DType::f32), weights({x.shape().back(), one_of(kSizes)})));
  }

  void matmul_integer() {
    const Value x = as(pick_late(), below(2) == 0 ? DType::i8 : DType::u8);
    if (rank(x) < 2 || !x.shape().back().is_const()) return;
    const std::vector<int64_t> sizes{x.shape().back().value(), one_of(kSizes)};
    const Value w = b_.parameter("w" + std::to_string(weight_++),
                                 seeded_tensor(DType::i8, sizes, below(1000),
                                               SeededFloats::plain, 200));
    keep(ops::matmul_integer(b_, x, w, Value{}, Value{}));
  }

  void conv() {
    Value x = as(pick_late(), DType::f32);
    while (rank(x) < 4) x = ops::unsqueeze(b_, x, std::vector<int64_t>{1});
    if (!x.shape()[1].is_const()) return;
    const int64_t channels = x.shape()[1].value();
    ops::ConvAttr attr;
    attr.groups = channels % 4 == 0 && below(2) == 0 ? channels / (below(2) == 0 ? 1 : 2) : 1;
    const int64_t kernel = 1 + static_cast<int64_t>(below(3));
    attr.pad_before = {static_cast<int64_t>(below(2)), static_cast<int64_t>(below(2))};
    attr.pad_after = {2, 2};
    attr.stride = {1 + static_cast<int64_t>(below(2)), 1 + static_cast<int64_t>(below(2))};
    const int64_t out = attr.groups * (1 + static_cast<int64_t>(below(5)));
    keep(ops::conv(b_, x, weights({out, channels / attr.groups, kernel, kernel}), Value{}, attr));
  }

  void pool() {
    Value x = as(pick_late(), DType::f32);
    while (rank(x) < 3) x = ops::unsqueeze(b_, x, std::vector<int64_t>{0});
    ops::PoolAttr attr;
    attr.kernel.assign(static_cast<size_t>(rank(x) - 2), 2);
    attr.pad_before.assign(attr.kernel.size(), 1);
    attr.pad_after.assign(attr.kernel.size(), 1);
    keep(below(2) == 0 ? ops::max_pool(b_, x, attr) : ops::avg_pool(b_, x, attr));
  }

  void rows() {
    const Value x = as_float(pick_late());
    if (below(2) == 0) return keep(ops::softmax(b_, x, {axis(x)}));
    keep(ops::layer_norm(b_, x, Value{}, Value{}, axis(x), 1e-5));
  }

  void packing() {
    const Value x = as(pick_late(), below(2) == 0 ? DType::i8 : DType::u8);
    if (rank(x) == 0) return;
    const PackAttr attr{below(2) == 0 ? 4 : 2, x.dtype() == DType::i8};
    const Index per_byte = 8 / attr.bits;
    Type bytes{DType::u8, x.shape()};
    bytes.shape.back() = ceildiv(bytes.shape.back(), per_byte);
    const Value packed = b_.node(Kind::pack, attr, {{x}}, {{bytes}})[0];
    keep(below(2) == 0 ? packed : b_.node(Kind::unpack, attr, {{packed}}, {{x.type()}})[0]);
  }

  void quantize() {
    const Value x = as(pick_late(), DType::f32);
    const Value scale = ops::scalar(b_, DType::f32, 0.05);
    const Value q = ops::quantize_linear(b_, x, scale, Value{}, DType::u8, 0);
    keep(below(2) == 0 ? q : ops::dequantize_linear(b_, q, scale, Value{}, 0));
  }

  // A region of a few steps on these types: results of given types, then one more value.
  std::shared_ptr<const Graph> region(const std::vector<Type>& inputs,
                                      const std::vector<Type>& results) {
    auto graph = std::make_shared<Graph>("region");
    graph->copy_sizes(graph_);
    Maker inner(*graph, state_, thin_, depth_ + 1);
    below(2);
    for (const Type& type : inputs)
      inner.keep(inner.b_.input("v" + std::to_string(inner.pool_.size()), type.dtype, type.shape));
    inner.take_steps(1 + static_cast<int>(below(4)));
    for (const Type& type : results)
      graph->results.push_back(
          {"r" + std::to_string(graph->results.size()), inner.last_like(type)});
    graph->results.push_back({"more", inner.pool_.back()});
    return graph;
  }

  Value last_like(const Type& type) {
    for (size_t n = pool_.size(); n-- > 0;)
      if (pool_[n].shape() == type.shape) return as(pool_[n], type.dtype);
    return b_.full(type.dtype, type.shape, 1);
  }

  std::vector<Type> types_of(const std::vector<Value>& values) {
    std::vector<Type> types;
    for (const Value& v : values) types.push_back(v.type());
    return types;
  }

  void branch() {
    if (depth_ > 2) return;
    const Value x = as(pick(), DType::boolean);
    std::vector<int32_t> dims;
    for (int d = 0; d < rank(x); ++d) dims.push_back(d);
    const Value condition = b_.reduce(Combiner::or_, x, dims);
    const std::vector<Value> captures{pick_late(), pick()};
    const std::vector<Type> types = types_of(captures), wanted{pick_late().type()};
    auto yes = region(types, wanted), no = region(types, wanted);
    keep(b_.if_(condition, captures, without_last(*yes), without_last(*no))[0]);
  }

  // The regions of a branch give values of the same types.
  static std::shared_ptr<const Graph> without_last(const Graph& region) {
    auto same = std::make_shared<Graph>(rewrite(region, nullptr));
    same->results.pop_back();
    return same;
  }

  // A size that the run decides, and something that long.
  void counted() {
    Value x = as(as_number(pick()), DType::i64);
    std::vector<int32_t> dims;
    for (int d = 0; d < rank(x); ++d) dims.push_back(d);
    const Value three = b_.constant_int(DType::i64, 3);
    x = b_.apply(ScalarOp::bit_and, {b_.reduce(Combiner::max, x, dims), three});
    const std::string size = "k" + std::to_string(below(1000000));
    b_.bind(x, size, 0, 3);
    const Value row = pick();
    Shape shape = row.shape();
    shape.insert(shape.begin(), Index::var(size));
    std::vector<int32_t> kept;
    for (int d = 0; d < rank(row); ++d) kept.push_back(d + 1);
    keep(b_.broadcast(row, shape, kept));
  }

  void repeat() {
    if (depth_ > 2) return;
    const std::vector<Value> carried{pick_late(), as_number(pick())}, captures{pick(), pick()};
    std::vector<Value> scanned;
    Index trip = static_cast<int64_t>(below(4));
    const Value x = pick();
    const bool quick = rank(x) > 0 && (!thin_ || x.shape()[0].is_const());
    if (quick && below(3) != 0) {
      scanned = {x};
      trip = x.shape()[0];
    }
    std::vector<Type> types{{DType::i64, {}}};
    for (const std::vector<Value>& values : {carried, scanned, captures})
      for (Type type : types_of(values)) {
        if (!scanned.empty() && values == scanned) type.shape.erase(type.shape.begin());
        types.push_back(type);
      }
    for (const Value& v :
         b_.loop(trip, carried, scanned, captures, region(types, types_of(carried))))
      keep(v);
  }

  struct Step {
    std::string name;
    void (Maker::*make)();
  };
  const std::vector<Step> steps_ = {
      {"scalar", &Maker::scalar},
      {"scalar", &Maker::scalar},
      {"scalar", &Maker::scalar},
      {"cast", &Maker::cast},
      {"bitcast", &Maker::bitcast},
      {"reduce", &Maker::reduce},
      {"reduce", &Maker::reduce},
      {"centred", &Maker::centred},
      {"scan", &Maker::scan},
      {"broadcast", &Maker::broadcast},
      {"broadcast", &Maker::broadcast},
      {"transpose", &Maker::transpose},
      {"reshape", &Maker::reshape},
      {"slice", &Maker::slice},
      {"pad", &Maker::pad},
      {"concat", &Maker::concat},
      {"gather", &Maker::gather},
      {"scatter", &Maker::scatter},
      {"many", &Maker::concat_many},
      {"doubled", &Maker::doubled},
      {"wide", &Maker::gather_wide},
      {"matmul", &Maker::matmul},
      {"matmul", &Maker::matmul},
      {"integer", &Maker::matmul_integer},
      {"conv", &Maker::conv},
      {"pool", &Maker::pool},
      {"rows", &Maker::rows},
      {"packing", &Maker::packing},
      {"quantize", &Maker::quantize},
      {"branch", &Maker::branch},
      {"repeat", &Maker::repeat},
      {"counted", &Maker::counted},
  };

  const std::vector<Step> sums_ = {{"matmul", &Maker::matmul}, {"matmul", &Maker::matmul},
                                   {"reduce", &Maker::reduce}, {"reduce", &Maker::reduce},
                                   {"rows", &Maker::rows},     {"centred", &Maker::centred}};

  Graph& graph_;
  Builder b_;
  uint64_t state_;
  bool thin_;
  int depth_;  // regions around it
  std::vector<Value> pool_;
  int weight_ = 0;
};

}  // namespace

bool is_thin(uint64_t seed) { return seed % 3 == 0; }

Graph random_graph(uint64_t seed, int steps) {
  Graph graph("random_" + std::to_string(seed));
  Maker(graph, seed, is_thin(seed)).make(steps);
  return graph;
}

}  // namespace mintor
