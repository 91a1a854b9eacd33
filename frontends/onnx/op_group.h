// SPDX-License-Identifier: Apache-2.0
// The registry of ONNX operators: frontends/onnx/ops/<group>.cpp defines `extern const OnnxOpGroup
// onnx_ops_<group>`. One row is one operator in one range of opset versions; a function that
// handles several versions asks node.opset().
#pragma once

#include <span>
#include <string_view>

namespace mintor {

class OnnxNode;

struct OnnxOp {
  std::string_view op_type;  // of another domain than ONNX's own: "ai.onnx.ml.Scaler"
  int since, until;          // versions of its domain, inclusive; until 0: the newest known
  void (*convert)(OnnxNode& node);
  // The element types of each input, the last also those of all behind it (element_types.h):
  // checked before `convert`, and printed by `supported-ops`, like the next.
  std::string_view takes;
  std::string_view expands_to;  // one line
  // Whether it moves elements without looking at them: those without a dtype, too.
  bool moves = false;
};

struct OnnxOpGroup {
  std::span<const OnnxOp> ops;
};

std::span<const OnnxOpGroup* const> all_onnx_op_groups();  // generated from the file names

// The row for an operator at a version of its domain, or null.
const OnnxOp* find_onnx_op(std::string_view op_type, int opset);

}  // namespace mintor
