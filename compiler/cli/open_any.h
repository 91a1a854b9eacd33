// SPDX-License-Identifier: Apache-2.0
// DIR or MODEL, ready to run. Takes a path: a package's folder (built) is opened, anything else is
// compiled by the JIT for the level and the threads of the options.
// Gives a loaded model; throws CompileError, and UsageError for options that a package cannot
// follow. Keeps true: a package's own level names are used.
#pragma once

#include <memory>
#include <string>

#include "compiler/package/loaded_model.h"
#include "compiler/support/context.h"

namespace mintor {

// `profile` is called after each kernel when given.
std::unique_ptr<LoadedModel> open_any(CompileContext& context, const std::string& path,
                                      mt_profile profile = nullptr, void* profile_data = nullptr);
LoadOptions load_options(const Options& options);

}  // namespace mintor
