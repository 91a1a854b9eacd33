// SPDX-License-Identifier: Apache-2.0
// if, loop and call by evaluating their regions; code and host are refused: their meaning lies
// outside the Graph. loop: iteration i runs the body on (i, carried..., slice i of each scanned
// operand, captures...); what it gives beyond the next carried values is slice i of the stacked
// results. A conditional one looks at its first carried value before each. No iterations: stacked
// results are empty.
#include "compiler/ir/evaluate_node.h"
#include "compiler/ir/open_sizes.h"

namespace mintor {

namespace {

Tensor slice(const Tensor& x, int64_t i) {
  std::vector<int64_t> shape(x.shape.begin() + 1, x.shape.end());
  const int64_t bytes = count_of(shape) * size_of(x.dtype);
  return Tensor::copy_of(x.dtype, std::move(shape), x.data + i * bytes);
}

// The slices that the iterations gave, one behind the other.
class Stack {
 public:
  Stack(const Type& type, int64_t trip) : type_(type), trip_(trip) {}

  void add(const Tensor& slice) {
    if (slices_.empty() || slice.shape == slices_[0].shape) return slices_.push_back(slice);
    throw CompileError("loop", "result " + to_string(type_) + ": an iteration gives a slice of " +
                                   sizes_of(slice) + ", the first gave one of " +
                                   sizes_of(slices_[0]));
  }

  // Sizes that are open are 0 where there was no iteration.
  Tensor whole(const std::vector<OpenSize>& open, size_t result,
               const EvaluateContext& context) const {
    std::vector<int64_t> shape{trip_};
    if (!slices_.empty()) {
      shape.insert(shape.end(), slices_[0].shape.begin(), slices_[0].shape.end());
    } else {
      for (size_t d = 1; d < type_.shape.size(); ++d) {
        const bool is_open = std::ranges::any_of(
            open, [&](const OpenSize& size) { return size.result == result && size.dim == d; });
        shape.push_back(is_open ? 0 : context.value(type_.shape[d]));
      }
    }
    auto [tensor, bytes] = Tensor::make(type_.dtype, std::move(shape));
    for (const Tensor& slice : slices_) {
      if (slice.bytes() > 0) std::memcpy(bytes, slice.data, static_cast<size_t>(slice.bytes()));
      bytes += slice.bytes();
    }
    return tensor;
  }

 private:
  static std::string sizes_of(const Tensor& tensor) {
    return to_string(Shape(tensor.shape.begin(), tensor.shape.end()));
  }

  const Type& type_;
  int64_t trip_;
  std::vector<Tensor> slices_;
};

Tensors evaluate_loop(const Node& node, std::span<const Tensor> operands,
                      EvaluateContext& context) {
  const RegionAttr& attr = node.as<RegionAttr>();
  const auto carried = static_cast<size_t>(attr.carried),
             scanned = static_cast<size_t>(attr.scanned);
  const int64_t trip = context.value(attr.trip);
  Tensors results(operands.begin(), operands.begin() + attr.carried);
  std::vector<Stack> stacks;
  for (size_t i = carried; i < node.results.size(); ++i) stacks.emplace_back(node.results[i], trip);
  for (int64_t i = 0; i < trip; ++i) {
    if (attr.conditional && results[0].at(0).i == 0) break;
    Tensors inputs{Tensor::scalar(Scalar::of_int(DType::i64, i))};
    inputs.insert(inputs.end(), results.begin(), results.begin() + attr.carried);
    for (size_t s = carried; s < carried + scanned; ++s) inputs.push_back(slice(operands[s], i));
    inputs.insert(inputs.end(), operands.begin() + attr.carried + attr.scanned, operands.end());
    const Tensors given = evaluate_region(*attr.regions[0], inputs, context);
    for (size_t r = 0; r < given.size(); ++r) {
      if (r < carried)
        results[r] = given[r];
      else
        stacks[r - carried].add(given[r]);
    }
  }
  const std::vector<OpenSize> open = open_sizes(node);
  for (size_t s = 0; s < stacks.size(); ++s)
    results.push_back(stacks[s].whole(open, carried + s, context));
  return results;
}

}  // namespace

Tensors evaluate_control(const Node& node, std::span<const Tensor> operands,
                         EvaluateContext& context) {
  switch (node.kind) {
    case Kind::if_: {
      const bool taken = operands[0].at(0).i != 0;
      return evaluate_region(*node.as<RegionAttr>().regions[taken ? 0 : 1], operands.subspan(1),
                             context);
    }
    case Kind::loop:
      return evaluate_loop(node, operands, context);
    case Kind::call:
      return evaluate_region(*node.as<RegionAttr>().regions[0], operands, context);
    case Kind::code:
      throw CompileError("code", "the reference evaluator cannot run source text", "",
                         "compile it and run that");
    default:
      throw CompileError("host", "the reference evaluator cannot run the host function '" +
                                     node.as<HostAttr>().function + "'");
  }
}

}  // namespace mintor
