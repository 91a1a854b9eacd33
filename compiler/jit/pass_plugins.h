// SPDX-License-Identifier: Apache-2.0
// The user's own LLVM passes (--llvm-pass-plugin): shared libraries. Takes their paths as they were
// given; gives absolute ones, and what of them decides bytes. Throws CompileError where a file
// cannot be read. Keeps true: what a library holds is what it is known by, not its name; nothing is
// opened here.
#pragma once

#include <string>
#include <vector>

namespace mintor {

class PassPlugins {
 public:
  explicit PassPlugins(const std::vector<std::string>& files);
  const std::vector<std::string>& paths() const { return paths_; }
  // For keys; "" without plug-ins.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  std::vector<std::string> paths_;
  std::string fingerprint_;
};

}  // namespace mintor
