// SPDX-License-Identifier: Apache-2.0
// --emit: one stage of a compile as text. Takes a context whose option `emit` names the stage and
// a model; gives the text on stdout or in a file. Stages before source come from the compiler;
// llvm-ir, asm and obj from clang or the system's compiler on the kernels' source.
// Keeps true: what is printed is what a package of the same options would be made from.
#pragma once

#include <span>
#include <string>

#include "compiler/ir/graph.h"
#include "compiler/support/context.h"

namespace mintor {

void emit_stage(CompileContext& context, const std::string& model, const std::string& output);

// The bytes that the text of graphs leaves out go to OUTPUT.blobs, where `opt` and the commands
// that take models find them; without an output, as text on stdout, stderr says that they are lost.
void write_side_file(std::span<const Graph> graphs, const std::string& output);

}  // namespace mintor
