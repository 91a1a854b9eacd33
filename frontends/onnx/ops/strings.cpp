// SPDX-License-Identifier: Apache-2.0
// ONNX operators on strings (compiler/ops/strings.h).
// Takes tensors of strings and attributes; a pattern becomes a table while importing. Case follows
// Unicode, whatever the attribute `locale` says.
#include "compiler/ops/strings.h"

#include "compiler/ops/order.h"
#include "frontends/onnx/import_state.h"
#include "frontends/onnx/node.h"
#include "frontends/onnx/op_group.h"

namespace mintor {

namespace {

void string_concat(OnnxNode& n) {
  n.need_inputs(2, 2);
  n.out_strings(0, ops::string_concat(n.builder(), n.strings(0), n.strings(1)));
}

void string_split(OnnxNode& n) {
  n.need_inputs(1, 1);
  const int64_t most = n.integer("maxsplit", INT64_MAX);
  const ops::StringSplit made = ops::string_split(
      n.builder(), n.strings(0), n.text("delimiter", ""), most < 0 ? INT64_MAX : most, bind_of(n));
  n.out_strings(0, made.parts);
  n.out(1, made.counts);
}

void regex_full_match(OnnxNode& n) {
  n.need_inputs(1, 1);
  if (!n.has("pattern")) n.fail("has no attribute 'pattern'");
  n.out(0, ops::full_match(n.builder(), n.strings(0), compile_pattern(n.text("pattern", ""))));
}

// Which of x are none of these words.
Value kept(OnnxNode& n, Value x, const std::vector<std::string>& words, bool minds_case) {
  Builder& b = n.builder();
  Value list = b.constant(string_constant(n.state(), words));
  if (!minds_case) {
    x = ops::string_case(b, x, ops::Case::lower);
    list = n.state().folded(ops::string_case(b, list, ops::Case::lower));
  }
  const Value none = b.constant_int(DType::i64, static_cast<int64_t>(words.size()));
  return ops::apply(b, ScalarOp::eq, {ops::find_string(b, x, list), none});
}

// Words without the stop words, in another case; the empty string where none is left.
void string_normalizer(OnnxNode& n) {
  n.need_inputs(1, 1);
  Builder& b = n.builder();
  Value x = n.strings(0);
  const Shape shape = n.shape(0);
  if (shape.size() != 1 && !(shape.size() == 2 && shape[0].is_const(1)))
    n.fail("x must have the shape [n] or [1, n], not " + to_string(shape));
  const Index width = x.shape().back();
  x = b.reshape(x, {shape.back(), width});
  const std::string action = n.text("case_change_action", "NONE");
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    n.fail("case_change_action '" + printable(action) + "' is none of LOWER, UPPER, NONE");
  if (const std::vector<std::string> words = n.texts("stopwords"); !words.empty()) {
    const Value mask = kept(n, x, words, n.integer("is_case_sensitive", 0) != 0);
    x = ops::take(b, x, ops::places_of(b, mask, bind_of(n)), 0);
  }
  const Index count = n.state().graph.ranges().simplify(max(1, x.shape()[0]));
  x = b.pad(x, {0, 0}, {count - x.shape()[0], 0}, Scalar::of_int(DType::u8, 0));
  if (action != "NONE")
    x = ops::string_case(b, x, action == "UPPER" ? ops::Case::upper : ops::Case::lower);
  n.out_strings(0, shape.size() == 1 ? x : b.reshape(x, {1, count, width}));
}

constexpr OnnxOp kOps[] = {
    {"StringConcat", 20, 0, string_concat, "strings", "reduce max, reindex with a load, bit_or"},
    {"StringSplit", 20, 0, string_split, "strings",
     "comparisons, scans, reindex_reduce with loads"},
    {"RegexFullMatch", 20, 0, regex_full_match, "strings",
     "loop over bytes: reindex of a table with a load"},
    {"StringNormalizer", 10, 0, string_normalizer, "strings",
     "comparisons, scan add, reindexes with loads, where"},
};

}  // namespace

extern const OnnxOpGroup onnx_ops_strings;
const OnnxOpGroup onnx_ops_strings{kOps};

}  // namespace mintor
