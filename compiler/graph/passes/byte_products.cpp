// SPDX-License-Identifier: Apache-2.0
// Sums of products of bytes, the zero points taken off the sums: a contract whose operands are the
// bytes themselves, one u8 and one i8, as dot-product instructions take them.
//| y = contract (cast i16 (x: u8[m, k]) - zx, cast i16 (w: i8[k, n]))
//|   ->  y = contract (x, w) - zx * contract (1, w)
// The second contract has the axes of w alone: of a parameter `prepare` makes it. Of two u8 or two
// i8 the operand that is no parameter is moved by 128, which is a zero point more. Exact: integer
// sums wrap, and a difference of bytes fits i16. Terms that are skipped are skipped in both.
#include <algorithm>

#include "compiler/graph/dequantised.h"
#include "compiler/graph/from_parameters.h"
#include "compiler/graph/pass.h"
#include "compiler/graph/rewrite.h"

namespace mintor {
namespace {

bool is_summed(const ContractAxis& a) {
  return a.role == AxisRole::k || a.role == AxisRole::window;
}

Value number_like(Builder& b, const Shape& shape, DType dtype, int64_t number) {
  return b.broadcast(b.constant_int(dtype, number), shape, {});
}

// The same differences, of the other kind of byte.
void turn(Builder& b, Bytes& bytes) {
  const bool is_signed = bytes.value.dtype() == DType::i8;
  const DType from = bytes.value.dtype(), to = is_signed ? DType::u8 : DType::i8;
  const Value high = number_like(b, bytes.value.shape(), from, is_signed ? -128 : 128);
  bytes.value = b.bitcast(b.apply(ScalarOp::bit_xor, {bytes.value, high}), to);
  const int64_t moved = is_signed ? 128 : -128;
  if (!bytes.zero) bytes.zero = b.constant_int(DType::i32, 0);
  bytes.zero =
      b.apply(ScalarOp::add, {bytes.zero, number_like(b, bytes.zero.shape(), DType::i32, moved)});
}

class Corrections {
 public:
  Corrections(Builder& b, const Contract& c, const Shape& result)
      : b_(b), c_(c), result_(result), ranges_(b.graph().ranges()) {
    for (const ContractAxis& a : c.axes) {
      ranges_.set(a.name, Index(0), a.extent - 1);
      if (!is_summed(a)) out_.push_back(a.name);
    }
  }

  // Can the zero point of this operand be taken off the sums?
  bool is_outside(const Bytes& bytes, size_t side) const {
    return !bytes.dim || axis_of(bytes, side).has_value();
  }

  // zero * sum of the other operand, over the result's shape.
  Value of(const Bytes& bytes, size_t side, const Value& other) {
    std::vector<int32_t> dims;
    const Value sums = sums_of(side, bytes.value.shape(), other, dims);
    std::vector<int32_t> small = dims;
    std::optional<int32_t> own;
    if (bytes.dim) {
      own = static_cast<int32_t>(*axis_of(bytes, side));
      if (!std::ranges::binary_search(small, *own))
        small.insert(std::ranges::lower_bound(small, *own), *own);
    }
    Shape shape;
    for (const int32_t d : small) shape.push_back(result_[static_cast<size_t>(d)]);
    const auto among = [&](const std::vector<int32_t>& of) {
      std::vector<int32_t> at;
      for (const int32_t d : of)
        at.push_back(static_cast<int32_t>(std::ranges::find(small, d) - small.begin()));
      return at;
    };
    const Value zero =
        b_.broadcast(bytes.zero, shape, own ? among({*own}) : std::vector<int32_t>{});
    const Value product = b_.apply(ScalarOp::mul, {zero, b_.broadcast(sums, shape, among(dims))});
    return b_.broadcast(product, result_, small);
  }

 private:
  // The out axis along which the zero points differ, by its position.
  std::optional<size_t> axis_of(const Bytes& bytes, size_t side) const {
    const auto& coords = side == 0 ? c_.x_coords : c_.y_coords;
    const auto var = coords[*bytes.dim].as_var();
    const auto at = var ? std::ranges::find(out_, *var) : out_.end();
    if (at == out_.end()) return std::nullopt;
    return static_cast<size_t>(at - out_.begin());
  }

  // The contract with ones in place of an operand: of its coordinates those count that may leave
  // it, of the out axes those that something still moves along, which are `dims` of the result.
  Value sums_of(size_t side, const Shape& shape, const Value& other, std::vector<int32_t>& dims) {
    Contract c = c_;
    auto& coords = side == 0 ? c.x_coords : c.y_coords;
    const auto& others = side == 0 ? c.y_coords : c.x_coords;
    std::vector<Index> kept;
    Shape kept_shape;
    for (size_t d = 0; d < coords.size(); ++d) {
      if (ranges_.proves_nonnegative(coords[d]) && ranges_.proves_less(coords[d], shape[d]))
        continue;
      kept.push_back(coords[d]);
      kept_shape.push_back(shape[d]);
    }
    if (kept.empty()) {
      kept.emplace_back(0);
      kept_shape.emplace_back(1);
    }
    coords = kept;
    const auto used = [&](const std::string& axis) {
      const auto in = [&](const Index& e) { return e.mentions(axis); };
      return std::ranges::any_of(kept, in) || std::ranges::any_of(others, in) ||
             std::ranges::any_of(c.conditions,
                                 [&](const IndexCondition& e) { return e.value.mentions(axis); });
    };
    int32_t dim = 0;
    std::erase_if(c.axes, [&](const ContractAxis& a) {
      if (is_summed(a)) return false;
      const bool stays = used(a.name);
      if (stays) dims.push_back(dim);
      ++dim;
      return !stays;
    });
    const Value ones = number_like(b_, kept_shape, DType::i8, 1);
    return side == 0 ? b_.contract(ones, other, c) : b_.contract(other, ones, c);
  }

  Builder& b_;
  const Contract& c_;
  const Shape& result_;
  Ranges ranges_;
  std::vector<std::string> out_;
};

std::optional<std::vector<Value>> of_bytes(Builder& b, FromParameters& from_parameters,
                                           const Node& old, std::span<const Value> operands) {
  if (old.kind != Kind::contract || old.results[0].dtype != DType::i32) return std::nullopt;
  const Contract& c = old.as<Contract>();
  if (c.order.form != Order::Form::unset) return std::nullopt;
  // Of activations alone the sums of both would have to be made in every run.
  const bool x_made = from_parameters(operands[0]), y_made = from_parameters(operands[1]);
  if (x_made == y_made) return std::nullopt;
  auto x = bytes_of(b, operands[0]), y = bytes_of(b, operands[1]);
  if (!x || !y) return std::nullopt;
  if (x->value.dtype() == y->value.dtype())
    turn(b, x_made ? *y : *x);
  else if (!x->zero && !y->zero && x->value == operands[0] && y->value == operands[1])
    return std::nullopt;
  Corrections corrections(b, c, old.results[0].shape);
  if ((x->zero && !corrections.is_outside(*x, 0)) || (y->zero && !corrections.is_outside(*y, 1)))
    return std::nullopt;
  Value sum = b.contract(x->value, y->value, c);
  // (x - zx) (y - zy) = x y - zy x - zx (y - zy)
  if (y->zero) sum = b.apply(ScalarOp::sub, {sum, corrections.of(*y, 1, x->value)});
  if (x->zero) {
    const Value other = y->zero ? operands[1] : y->value;
    sum = b.apply(ScalarOp::sub, {sum, corrections.of(*x, 0, other)});
  }
  return std::vector<Value>{sum};
}

Graph run(CompileContext&, const Graph& graph) {
  FromParameters from_parameters(graph);
  return rewrite(graph, [&](Builder& b, const Node& old, std::span<const Value> operands) {
    return of_bytes(b, from_parameters, old, operands);
  });
}

}  // namespace

extern const GraphPass pass_byte_products;
const GraphPass pass_byte_products = {"byte_products",
                                      "takes zero points off sums of products of bytes", run};

}  // namespace mintor
