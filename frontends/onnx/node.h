// SPDX-License-Identifier: Apache-2.0
// One node of the model while it is converted: checked access to its attributes and inputs, and its
// outputs. Whatever does not fit throws CompileError naming the operator and the actual value; the
// importer adds the place.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ops/library.h"
#include "frontends/onnx/known.h"

namespace onnx {
class NodeProto;
class AttributeProto;
class GraphProto;
}  // namespace onnx

namespace mintor {

struct OnnxOp;     // op_group.h
struct OnnxState;  // import_state.h

class OnnxNode {
 public:
  OnnxNode(OnnxState& state, const onnx::NodeProto& proto, const OnnxOp& row, int opset);

  Builder& builder();
  OnnxState& state() { return state_; }
  const onnx::NodeProto& proto() const { return proto_; }
  int opset() const { return opset_; }
  const std::string& op() const;

  // Attributes. A wrong attribute type or a value out of 64 bits is an error, absence gives the
  // default.
  bool has(std::string_view name) const;
  int64_t integer(std::string_view name, int64_t default_value) const;
  int64_t positive(std::string_view name) const;  // must be there, and at least 1
  double real(std::string_view name, double default_value) const;
  std::string text(std::string_view name, std::string_view default_value) const;
  std::vector<int64_t> integers(std::string_view name) const;  // empty when absent
  std::vector<double> reals(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  const onnx::AttributeProto* attribute(std::string_view name) const;

  // Inputs. An optional input that is absent is null.
  size_t inputs() const { return values_.size(); }
  bool given(size_t i) const;
  // As nodes; throws when absent. Where its element type has no dtype, it throws as well, unless
  // the operator moves elements: then outputs have that type, and strings are numbers of rows.
  Value in(size_t i);
  // The same with any element type of numbers: bits of small floats in u8, integers in i8 or u8.
  Value stored(size_t i);
  bool is_strings(size_t i) const;
  Value strings(size_t i);          // u8[.., width] (ops/strings.h); throws where they are none
  int32_t element(size_t i) const;  // 0: its dtype says it
  const std::vector<OnnxValue>& sequence(size_t i);  // throws where it is none
  OnnxValue input(size_t i) const;                   // as it is; nothing where it is absent
  Value optional_in(size_t i) { return given(i) ? in(i) : Value{}; }
  // An optional zero point: null also where it is a weight of nothing but zeros.
  Value zero_point(size_t i);
  Shape shape(size_t i);  // of strings: without the dimension of their bytes
  DType dtype(size_t i);
  const Known* known(size_t i);     // null when its values are not known, or not whole numbers
  const Known* fraction(size_t i);  // the same with a denominator
  // Sizes, repeats and the like, at least 0: known, or bound by the run to what the data say.
  std::vector<Index> sizes(size_t i, std::string_view what);
  Index size_of(Value number);  // an i64[] that is not negative: a symbol that the run binds
  bool is_list(size_t i);       // known, or of a length that is
  // What the importer must know: "<what> depends on data" otherwise.
  std::vector<Index> indices(size_t i, std::string_view what);      // 0-d or 1-d
  std::vector<int64_t> constants(size_t i, std::string_view what);  // numbers, not symbols
  // A short float weight as numbers, for arithmetic with sizes.
  std::optional<Known> short_weight(size_t i);
  double number(size_t i, std::string_view what);  // one constant number, float or integer
  // Axes, sizes and the like: an input since `version`, an attribute of that name before.
  std::vector<int64_t> constants_since(int version, size_t i, std::string_view name);

  // Outputs.
  size_t outputs() const;
  bool wants(size_t i) const;  // the output has a name
  void out(size_t i, Value value);
  void out(size_t i, Known known);
  void out_stored(size_t i, Value value, int32_t element);
  void out_strings(size_t i, Value value);
  void out(size_t i, std::vector<OnnxValue> items);  // a sequence
  void out_alias(size_t i, size_t input);            // the output is that input
  std::vector<OnnxValue>& results() { return results_; }

  [[noreturn]] void fail(std::string problem, std::string help = "") const;
  void need_inputs(size_t least, size_t most) const;

 private:
  Value moved(size_t i);
  Value numbers_of(Value strings);

  OnnxState& state_;
  const onnx::NodeProto& proto_;
  const OnnxOp& row_;
  int opset_;
  int32_t moved_ = 0;        // the element type of what is moved; 0: its dtype says it
  std::vector<Value> rows_;  // strings that are moved: u8[n, width], the first one empty
  std::vector<OnnxValue> values_;
  std::vector<OnnxValue> results_;
};

// What binds the sizes that a library operator finds in data (ops/by_data.h).
std::function<Index(Value)> bind_of(OnnxNode& n);

// Text from the file as it may appear in a message or a scope: control and odd characters replaced,
// bounded.
std::string printable(std::string_view text);

}  // namespace mintor
