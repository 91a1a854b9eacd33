// SPDX-License-Identifier: Apache-2.0
// Compiled kernels that programs share, in the cache: a record per kernel names the object that has
// it, a record per object holds it. Takes the kernels of a program; gives units for those that no
// object has, and the objects of the others. Keeps true: a kernel is found by everything its code
// depends on: its text, flags, prelude and compiler.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/codegen/program_emitter.h"
#include "compiler/jit/cache.h"

namespace mintor {

class KernelObjects {
 public:
  // surroundings: key of the compiler and the headers.
  KernelObjects(const Cache& cache, const SharedProgram& program, std::string surroundings);

  size_t missing() const { return missing_; }
  // Files with the missing kernels, as many as are worth being compiled side by side.
  std::vector<SourceFile> units() const;
  // Puts the objects that were found into the folder; gives their paths.
  std::vector<std::string> write(const std::string& folder) const;
  // Keeps the objects of `units`, which lie in the folder.
  void remember(const std::string& folder) const;

 private:
  struct Unit {
    SourceFile file;
    std::vector<const SharedKernel*> kernels;
    size_t bytes = 0;
  };
  std::string key_of(const SharedKernel& kernel) const;
  bool find(const SharedKernel& kernel);
  void add_units(size_t level, std::vector<const SharedKernel*> kernels);

  const Cache& cache_;
  const SharedProgram& program_;
  std::string surroundings_;
  size_t missing_ = 0;
  std::map<std::string, std::string> objects_;  // by name
  std::vector<Unit> units_;
};

}  // namespace mintor
