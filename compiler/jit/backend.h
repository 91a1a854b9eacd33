// SPDX-License-Identifier: Apache-2.0
// What compiles for the JIT: the in-process compiler (libmintor_jit), or the system's. Takes units
// and headers as text and a private folder; gives object files there, and a library from them.
// Keeps true: a failure is a JitFailure that holds the compiler's words.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "compiler/codegen/program_emitter.h"
#include "compiler/jit/pass_plugins.h"

namespace mintor {

// A compiler that refuses our text, or breaks on it: an InternalError, once it says where the text
// lies.
struct JitFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class JitBackend {
 public:
  virtual ~JitBackend() = default;
  // Says which compiler it is, for the cache key, without opening it.
  virtual std::string fingerprint() const = 0;
  // Writes folder/<unit>.o for each unit, several at a time.
  virtual void compile(const ProgramSource& source, const std::string& folder) = 0;
  virtual void link(const std::vector<std::string>& objects, const std::string& library) = 0;
};

// nullptr where libmintor_jit is not there. Passes of the plug-ins run on kernels.
std::unique_ptr<JitBackend> llvm_backend(PassPlugins plugins);
// nullptr where there is no compiler on $PATH.
std::unique_ptr<JitBackend> system_backend();

std::string object_path(const std::string& folder, const SourceFile& unit);

}  // namespace mintor
