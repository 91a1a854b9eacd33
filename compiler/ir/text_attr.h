// SPDX-License-Identifier: Apache-2.0
// Reading of one node's kind and attributes, as text_print.cpp writes them. Regions follow and are
// read by the caller.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/text.h"
#include "compiler/support/lexer.h"

namespace mintor {

// What stands before the attributes.
struct NodeText {
  std::string leaf_name;  // of an input or parameter
  std::vector<Type> types;
  std::vector<Value> operands;
};

// The kind, and the scalar function where it is unary, binary or ternary. An unknown name gets the
// nearest.
std::pair<Kind, ScalarOp> read_kind(Lexer& lexer);
Attr read_attr(Lexer& lexer, Kind kind, ScalarOp op, const NodeText& text, const Blobs& blobs);

}  // namespace mintor
