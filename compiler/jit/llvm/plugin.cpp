// SPDX-License-Identifier: Apache-2.0
// Opens a plug-in once, before clang does, to hear what is wrong with it. Takes a path; gives a
// line. Keeps true: LLVM's symbols are found by plug-ins that leave them to who opens them, as
// those built with LLVM's own CMake functions do.
#include <dlfcn.h>
#include <llvm/Passes/PassPlugin.h>

#include <string>

#include "compiler/jit/llvm/abi.h"

namespace {

void show_llvm_to_plugins() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&llvm::PassPlugin::Load), &info) != 0)
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int mintor_jit_plugin_v1(const char* path,
                                                                           MintorJitSink problem,
                                                                           void* data) {
  show_llvm_to_plugins();
  llvm::Expected<llvm::PassPlugin> plugin = llvm::PassPlugin::Load(path);
  if (plugin) return 0;
  const std::string text = llvm::toString(plugin.takeError());
  problem(data, text.data(), text.size());
  return 1;
}
