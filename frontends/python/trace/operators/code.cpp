// SPDX-License-Identifier: Apache-2.0
// The user's own C++ (mintor/code.py). Operands: what it reads. Attributes: how many results, dtype
// and shape of each, the source, then a source for each operand's gradient, or none.
// In a segment for several sizes the text is checked for all of them: one that needs to know them
// is compiled for each.
#include <algorithm>

#include "compiler/ir/user_code.h"
#include "compiler/jit/check_code.h"
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
struct GradientInputs {
  std::vector<std::string> names;
  std::vector<Type> types;
};

GradientInputs gradient_inputs(const std::vector<Type>& operands,
                               const std::vector<Type>& results) {
  GradientInputs inputs{numbered("in", operands.size()), operands};
  const auto add = [&](std::string name, const Type& type) {
    inputs.names.push_back(std::move(name));
    inputs.types.push_back(type);
  };
  for (size_t r = 0; r < results.size(); ++r) add("out" + std::to_string(r), results[r]);
  for (size_t r = 0; r < results.size(); ++r)
    if (is_float(results[r].dtype)) add("dout" + std::to_string(r), results[r]);
  return inputs;
}

// Checked where the call is made, rather than where its value is read.
UserFunction checked(UserFunction function, const std::vector<Type>& inputs,
                     const std::vector<Type>& outputs, const Ranges& ranges) {
  refuse_signatures(function.body);
  if (!function.body.ends_with("\n")) function.body += "\n";
  check_code(CompileContext{}, {function, inputs, outputs, "", ranges});
  return function;
}

Values code(SegmentGraph& g, Operands operands, AttributeReader& attributes) {
  const Ranges& ranges = g.builder().graph().ranges();
  std::vector<Type> results(static_cast<size_t>(attributes.integer()));
  for (Type& type : results) {
    type.dtype = dtype_attribute(attributes);
    type.shape = attributes.indices();
  }
  const std::vector<Type> types = types_of({operands.begin(), operands.end()});
  const UserFunction function =
      checked({numbered("in", types.size()), numbered("out", results.size()), attributes.text()},
              types, results, ranges);
  std::string gradient;
  const GradientInputs inputs = gradient_inputs(types, results);
  for (size_t i = 0; i < types.size(); ++i) {
    if (attributes.none()) continue;
    gradient += print(checked({inputs.names, {"din" + std::to_string(i)}, attributes.text()},
                              inputs.types, {types[i]}, ranges));
  }
  return g.builder().code(operands, results, function.body, gradient);
}

constexpr TracedOperator kOperators[] = {
    {.name = "code", .operands = -1, .build = code},
};

}  // namespace
}  // namespace mintor::trace

namespace mintor {
extern const trace::TracedGroup traced_code = {trace::kOperators};
}
