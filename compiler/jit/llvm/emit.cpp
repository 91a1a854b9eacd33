// SPDX-License-Identifier: Apache-2.0
// Few passes, then a code generator without optimisation. Takes and gives what emit.h says.
// program.cpp of a step of 467 launches: 173 ms of processor time, 178 at -O0, whose calls stay
// calls, 474 at -O1 (AMD EPYC, clang 19, 2026-11-29, the machine in use by others).
#include "compiler/jit/llvm/emit.h"

#include <clang/Basic/TargetInfo.h>
#include <clang/CodeGen/BackendUtil.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>

#include <memory>

namespace mintor::jit {
namespace {

constexpr char kPasses[] = "function(sroa,early-cse,simplifycfg),cgscc(inline)";

bool run_passes(llvm::Module& module, llvm::StringRef passes) {
  llvm::PassBuilder builder;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  llvm::ModulePassManager manager;
  if (llvm::Error error = builder.parsePassPipeline(manager, passes)) {
    llvm::report_fatal_error(std::move(error));  // the caller recovers: a fault of this list
  }
  manager.run(module, modules);
  return true;
}

clang::BackendAction backend_action(llvm::StringRef stage) {
  if (stage == "asm") return clang::Backend_EmitAssembly;
  return stage == "llvm-ir" ? clang::Backend_EmitLL : clang::Backend_EmitObj;
}

}  // namespace

bool emit_quickly(clang::CompilerInstance& instance, llvm::StringRef stage,
                  llvm::SmallVectorImpl<char>& output) {
  clang::CodeGenOptions& options = instance.getCodeGenOpts();
  options.DisableLLVMPasses = true;
  clang::EmitLLVMOnlyAction action;
  if (!instance.ExecuteAction(action)) return false;
  const std::unique_ptr<llvm::Module> module = action.takeModule();
  if (!module || !run_passes(*module, kPasses)) return false;
  options.OptimizationLevel = 0;
  clang::EmitBackendOutput(
      instance.getDiagnostics(), instance.getHeaderSearchOpts(), options, instance.getTargetOpts(),
      instance.getLangOpts(), instance.getTarget().getDataLayoutString(), module.get(),
      backend_action(stage), instance.getFileManager().getVirtualFileSystemPtr(),
      std::make_unique<llvm::raw_svector_ostream>(output));
  return !instance.getDiagnostics().hasErrorOccurred();
}

}  // namespace mintor::jit
