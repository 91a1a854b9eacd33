// SPDX-License-Identifier: Apache-2.0
// A sort as sorts by bytes, the least significant first: each is stable, so the last one decides.
//| ys = sort (key, xs..)
//|   ->  u = unsigned integers that order as key does, p = iota
//|       u, p = sort (byte 0 of u; u, p), then by byte 1, ...
//|       ys = key, xs.. at p
// Of short lines each element counts those before it, which is where it goes.
//|       p[count of j with u[j] < u[i], or u[j] == u[i] and j < i] = i
// Takes keys of any dtype; NaN goes last in both directions. Sorts by ascending bytes stay, for
// they are what kernels compute.
#include "compiler/graph/index_map.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"
#include "compiler/ir/evaluate.h"

namespace mintor {
namespace {

constexpr int64_t kByte = 8;  // bits
// Elements of a line of which every pair is compared: a sort by bytes goes through its 256 counts
// for each byte of the key.
constexpr int64_t kMostCounted = 128;

DType integer_of(int64_t bytes, bool is_signed) {
  switch (bytes) {
    case 1:
      return is_signed ? DType::i8 : DType::u8;
    case 2:
      return is_signed ? DType::i16 : DType::u16;
    case 4:
      return is_signed ? DType::i32 : DType::u32;
    default:
      return is_signed ? DType::i64 : DType::u64;
  }
}

// The element of `shape` whose position along `dim` operand `operand` says.
IndexMap map_by(const Shape& shape, int32_t dim, int32_t operand) {
  IndexMap map;
  for (size_t d = 0; d < shape.size(); ++d) map.coords.push_back(dim_index(d));
  map.loads.push_back({operand, map.coords});
  map.coords[static_cast<size_t>(dim)] = Index::var("l0");
  return map;
}

class Places {
 public:
  Places(Builder& b, Value key, const SortAttr& attr)
      : b_(b), shape_(key.shape()), attr_(attr), bytes_(size_of(key.dtype())) {
    unsigned_ = integer_of(bytes_, false);
    signed_ = integer_of(bytes_, true);
    ordered_ = ordered(key);
  }

  // Where each element of the sorted line lay.
  Value operator()() {
    const Index& extent = shape_[static_cast<size_t>(attr_.dim)];
    return extent.is_const() && extent.value() <= kMostCounted ? counted() : by_digits();
  }

 private:
  Value by_digits() {
    Value place = b_.iota(DType::i64, shape_, attr_.dim), word = ordered_;
    for (int64_t byte = 0; byte < bytes_; ++byte) {
      const Value digit = b_.cast(shifted(word, byte * kByte), DType::u8);
      const bool last = byte + 1 == bytes_;
      const Value operands[] = {digit, place, word};
      const auto moved = b_.sort(std::span(operands, last ? 2 : 3), attr_.dim, false);
      place = moved[1];
      if (!last) word = moved[2];
    }
    return place;
  }

  // x[.., i, ..] or x[.., j, ..] of each pair, j behind all.
  Value of_pairs(Value x, bool first) {
    Shape pairs = shape_;
    pairs.push_back(shape_[static_cast<size_t>(attr_.dim)]);
    IndexMap map = own_map();
    if (!first) map.coords[static_cast<size_t>(attr_.dim)] = dim_index(shape_.size());
    return b_.reindex(x, pairs, map, Scalar::of_int(x.dtype(), 0));
  }

  // Over j, in the order of all sums.
  Value sum_of_pairs(Value x) {
    const Node& sum = *b_.reduce(Combiner::add, x, {static_cast<int32_t>(shape_.size())}).node;
    ReduceAttr attr = sum.as<ReduceAttr>();
    attr.order = default_order(sum);
    return b_.node(Kind::reduce, attr, {&x, 1}, {})[0];
  }

  Value counted() {
    const Value place = b_.iota(DType::i32, shape_, attr_.dim);
    const auto pairs = [&](ScalarOp op, Value x) {
      return b_.apply(op, {of_pairs(x, false), of_pairs(x, true)});
    };
    const Value tied =
        b_.apply(ScalarOp::and_, {pairs(ScalarOp::eq, ordered_), pairs(ScalarOp::lt, place)});
    const Value before = b_.apply(ScalarOp::or_, {pairs(ScalarOp::lt, ordered_), tied});
    const Value count = sum_of_pairs(b_.cast(before, DType::i32));
    return b_.reindex_reduce(Combiner::last, number(DType::i64, 0),
                             b_.iota(DType::i64, shape_, attr_.dim), map_by(shape_, attr_.dim, 2),
                             {&count, 1});
  }

  IndexMap own_map() const {
    IndexMap map;
    for (size_t d = 0; d < shape_.size(); ++d) map.coords.push_back(dim_index(d));
    return map;
  }
  Value number(DType dtype, int64_t value) {
    return b_.broadcast(b_.constant_int(dtype, value), shape_, {});
  }
  Value shifted(Value word, int64_t bits) {
    return bits == 0 ? word : b_.apply(ScalarOp::shr, {word, number(unsigned_, bits)});
  }
  Value flipped(Value word, Value bits) { return b_.apply(ScalarOp::bit_xor, {word, bits}); }

  Value ordered(Value key) {
    if (key.dtype() == DType::boolean) key = b_.cast(key, DType::u8);
    const int64_t sign = static_cast<int64_t>(uint64_t{1} << (bytes_ * kByte - 1));
    const bool has_nan = is_float(key.dtype());
    Value word = has_nan ? by_magnitude(key) : key;
    if (!is_unsigned_int(word.dtype()))
      word = flipped(b_.bitcast(word, unsigned_), number(unsigned_, sign));
    if (attr_.descending) word = b_.apply(ScalarOp::bit_not, {word});
    if (!has_nan) return word;
    const Value wide = is_storage_float(key.dtype()) ? b_.cast(key, DType::f32) : key;
    return b_.apply(ScalarOp::where,
                    {b_.apply(ScalarOp::is_nan, {wide}), number(unsigned_, -1), word});
  }

  // Signed integers that order as floats do: -0 as +0, and negative ones by falling magnitude.
  Value by_magnitude(Value key) {
    const Value bits = b_.bitcast(key, signed_);
    const int64_t least = -static_cast<int64_t>((uint64_t{1} << (bytes_ * kByte - 1)) - 1) - 1;
    const Value none = number(signed_, 0);
    const Value above = flipped(bits, number(signed_, -(least + 1)));
    const Value negative = b_.apply(ScalarOp::lt, {bits, none});
    const Value is_zero = b_.apply(ScalarOp::eq, {bits, number(signed_, least)});
    return b_.apply(ScalarOp::where,
                    {is_zero, none, b_.apply(ScalarOp::where, {negative, above, bits})});
  }

  Builder& b_;
  Shape shape_;
  SortAttr attr_;
  int64_t bytes_;
  DType unsigned_, signed_;
  Value ordered_;
};

std::vector<Value> in_order(Builder& b, const SortAttr& attr, std::span<const Value> operands) {
  const Value place = Places(b, operands[0], attr)();
  const Shape& shape = operands[0].shape();
  const IndexMap map = map_by(shape, attr.dim, 1);
  std::vector<Value> sorted;
  for (const Value& x : operands)
    sorted.push_back(b.reindex(x, shape, map, Scalar::of_int(x.dtype(), 0), {&place, 1}));
  return sorted;
}

Graph run(CompileContext&, const Graph& graph) {
  return rewrite(graph,
                 [](Builder& b, const Node& node,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (node.kind != Kind::sort) return std::nullopt;
                   const SortAttr& attr = node.as<SortAttr>();
                   if (operands[0].dtype() == DType::u8 && !attr.descending) return std::nullopt;
                   return in_order(b, attr, operands);
                 });
}

}  // namespace

extern const GraphPass pass_sort_by_digits;
const GraphPass pass_sort_by_digits = {"sort_by_digits", "writes sorts as stable sorts by bytes",
                                       run};

}  // namespace mintor
