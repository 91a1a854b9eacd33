// SPDX-License-Identifier: Apache-2.0
// An LLVM pass as a plug-in, and the example for others: what the compiler knows of a kernel's
// buffers becomes attributes of its parameters, from where LLVM's own analyses take it.
//   define void @kernel(ptr %x, i64 %n, ptr %y)   annotated "mintor.buffers align 64, align 4
//   noalias"
//   -> define void @kernel(ptr align 64 %x, i64 %n, ptr noalias align 4 %y)
// Takes modules as clang hands them to its pipeline; reads annotations of functions
// (compiler/codegen/buffer_facts.h). Keeps true: a function whose annotation does not fit its
// parameters stays as it is; no instruction is changed.
#include <llvm/IR/Constants.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Passes/PassPlugin.h>

#include <vector>

namespace {

constexpr char kName[] = "mintor-buffer-facts", kPrefix[] = "mintor.buffers ";

struct Fact {
  unsigned alignment = 1;
  bool noalias = false;
};

bool parse(llvm::StringRef text, std::vector<Fact>& facts) {
  if (!text.consume_front(kPrefix)) return false;
  llvm::SmallVector<llvm::StringRef> parameters;
  text.split(parameters, ", ");
  for (llvm::StringRef one : parameters) {
    Fact fact;
    fact.noalias = one.consume_back(" noalias");
    if (!one.consume_front("align ") || one.getAsInteger(10, fact.alignment)) return false;
    if (!llvm::isPowerOf2_32(fact.alignment)) return false;
    facts.push_back(fact);
  }
  return true;
}

void attach(llvm::Function& function, const std::vector<Fact>& facts) {
  std::vector<llvm::Argument*> pointers;
  for (llvm::Argument& argument : function.args())
    if (argument.getType()->isPointerTy()) pointers.push_back(&argument);
  if (pointers.size() != facts.size()) return;
  for (size_t i = 0; i < facts.size(); ++i) {
    llvm::AttrBuilder attributes(function.getContext());
    attributes.addAlignmentAttr(llvm::Align(facts[i].alignment));
    if (facts[i].noalias) attributes.addAttribute(llvm::Attribute::NoAlias);
    pointers[i]->addAttrs(attributes);
  }
}

struct BufferFacts : llvm::PassInfoMixin<BufferFacts> {
  llvm::PreservedAnalyses run(llvm::Module& module, llvm::ModuleAnalysisManager&) {
    const llvm::GlobalVariable* all = module.getGlobalVariable("llvm.global.annotations");
    if (all == nullptr || !all->hasInitializer()) return llvm::PreservedAnalyses::all();
    for (const llvm::Use& entry : all->getInitializer()->operands()) {
      const auto* fields = llvm::dyn_cast<llvm::ConstantStruct>(entry);  // what, text, file, line
      if (fields == nullptr || fields->getNumOperands() < 2) continue;
      auto* function = llvm::dyn_cast<llvm::Function>(fields->getOperand(0)->stripPointerCasts());
      const auto* text =
          llvm::dyn_cast<llvm::GlobalVariable>(fields->getOperand(1)->stripPointerCasts());
      if (function == nullptr || text == nullptr || !text->hasInitializer()) continue;
      const auto* bytes = llvm::dyn_cast<llvm::ConstantDataSequential>(text->getInitializer());
      std::vector<Fact> facts;
      if (bytes != nullptr && bytes->isCString() && parse(bytes->getAsCString(), facts))
        attach(*function, facts);
    }
    return llvm::PreservedAnalyses::none();
  }
};

}  // namespace

extern "C" __attribute__((visibility("default"))) llvm::PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, kName, LLVM_VERSION_STRING, [](llvm::PassBuilder& builder) {
            builder.registerPipelineStartEPCallback(
                [](llvm::ModulePassManager& passes, llvm::OptimizationLevel) {
                  passes.addPass(BufferFacts());
                });
          }};
}
