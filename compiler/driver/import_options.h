// SPDX-License-Identifier: Apache-2.0
// What the options of a compile say to the ONNX importer. Takes them; gives its own.
// Keeps true: an input is named once.
#pragma once

#include "compiler/support/options.h"
#include "frontends/onnx/onnx.h"

namespace mintor {

OnnxImportOptions import_options(const Options& options);

}  // namespace mintor
