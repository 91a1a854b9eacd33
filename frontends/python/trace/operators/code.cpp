// SPDX-License-Identifier: Apache-2.0
// The user's own C++ (mintor/code.py). Operands: what it reads. Attributes: how many results, dtype
// and shape of each, the source, then a source for each operand's gradient, or none.
// The text is compiled for the sizes at hand: a segment for several sizes is none of its.
#include <algorithm>

#include "compiler/ir/user_code.h"
#include "frontends/python/trace/operators/common.h"

namespace mintor::trace {
namespace {

// Lines that begin with @ are signatures; no C++ begins so.
void refuse_signatures(const std::string& source) {
  if (!source.starts_with("@") && source.find("\n@") == std::string::npos) return;
  throw CompileError("code", "a line of the source begins with '@'", "",
                     "the names of operands are given: in0, in1, ... and out0, out1, ...");
}

// What a gradient takes: operands, results, gradients of results.
std::vector<std::string> gradient_inputs(size_t operands, const std::vector<Type>& results) {
  std::vector<std::string> names = numbered("in", operands);
  for (const std::string& name : numbered("out", results.size())) names.push_back(name);
  for (size_t r = 0; r < results.size(); ++r)
    if (is_float(results[r].dtype)) names.push_back("dout" + std::to_string(r));
  return names;
}

Values code(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  for (const Value& operand : operands)
    if (!std::ranges::all_of(operand.shape(), [](const Index& e) { return e.is_const(); }))
      throw NotGeneral{};
  std::vector<Type> results(static_cast<size_t>(attributes.integer()));
  for (Type& type : results) {
    type.dtype = dtype_attribute(attributes);
    for (const int64_t size : attributes.integers()) type.shape.push_back(size);
  }
  const std::string source = attributes.text();
  refuse_signatures(source);
  std::string gradient;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (attributes.none()) continue;
    UserFunction function{
        gradient_inputs(operands.size(), results), {"din" + std::to_string(i)}, attributes.text()};
    refuse_signatures(function.body);
    if (!function.body.ends_with("\n")) function.body += "\n";
    gradient += print(function);
  }
  return g.builder().code(operands, results, source, gradient);
}

constexpr TracedOperator kOperators[] = {
    {.name = "code", .operands = -1, .build = code},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_code = {trace::kOperators};
}
