// SPDX-License-Identifier: Apache-2.0
// if, loop and call by evaluating their regions; code and host are refused: their meaning lies
// outside the Graph. loop: iteration i runs the body on (i, carried..., slice i of each scanned
// operand, captures...); what it gives beyond the next carried values is slice i of the stacked
// results. A conditional one looks at its first carried value before each. No iterations: stacked
// results are empty, which needs their sizes to be known without running the body.
#include "compiler/ir/evaluate_node.h"

namespace mintor {

namespace {

Tensor slice(const Tensor& x, int64_t i) {
  std::vector<int64_t> shape(x.shape.begin() + 1, x.shape.end());
  const int64_t bytes = count_of(shape) * size_of(x.dtype);
  return Tensor::copy_of(x.dtype, std::move(shape), x.data + i * bytes);
}

Tensors evaluate_loop(const Node& node, std::span<const Tensor> operands,
                      EvaluateContext& context) {
  const RegionAttr& attr = node.as<RegionAttr>();
  const auto carried = static_cast<size_t>(attr.carried),
             scanned = static_cast<size_t>(attr.scanned);
  const int64_t trip = context.value(attr.trip);
  Tensors results(operands.begin(), operands.begin() + attr.carried);
  std::vector<std::byte*> stacked;
  for (size_t i = carried; i < node.results.size(); ++i) {
    auto [tensor, bytes] =
        Tensor::make(node.results[i].dtype, context.values(node.results[i].shape));
    results.push_back(tensor);
    stacked.push_back(bytes);
  }
  for (int64_t i = 0; i < trip; ++i) {
    if (attr.conditional && results[0].at(0).i == 0) break;
    Tensors inputs{Tensor::scalar(Scalar::of_int(DType::i64, i))};
    inputs.insert(inputs.end(), results.begin(), results.begin() + attr.carried);
    for (size_t s = carried; s < carried + scanned; ++s) inputs.push_back(slice(operands[s], i));
    inputs.insert(inputs.end(), operands.begin() + attr.carried + attr.scanned, operands.end());
    const Tensors given = evaluate_region(*attr.regions[0], inputs, context);
    for (size_t r = 0; r < given.size(); ++r) {
      if (r < carried) {
        results[r] = given[r];
        continue;
      }
      check(given[r].bytes() * trip == results[r].bytes(), "loop",
            "a slice has not the size of its stack");
      if (given[r].bytes() > 0) {
        std::memcpy(stacked[r - carried] + i * given[r].bytes(), given[r].data,
                    static_cast<size_t>(given[r].bytes()));
      }
    }
  }
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
