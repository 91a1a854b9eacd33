// SPDX-License-Identifier: Apache-2.0
// A model that is ready to run: a package's library, or the same program made by the JIT.
// Takes a library or the address of a generated Program; gives outputs for host tensors. Keeps
// true: one way to run for CLI, Python, JIT and tests, which is the C ABI of every package; a
// status that is not MT_OK becomes a CompileError that holds the runtime's message.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/tensor.h"
#include "runtime/include/mintor_abi.h"

namespace mintor {

// The functions of a package, with models and contexts as untyped pointers.
struct ModelApi {
  std::function<mt_status(const mt_options*, void**)> open;
  mt_status (*context_bytes)(void*, const mt_context_options*, size_t*) = nullptr;
  mt_status (*context_create)(void*, const mt_context_options*, void**) = nullptr;
  mt_status (*run)(void*, const mt_tensor*, mt_tensor*) = nullptr;
  mt_status (*run_entry)(void*, int32_t, const mt_tensor*, mt_tensor*) = nullptr;
  mt_status (*reset)(void*) = nullptr;
  mt_status (*state)(void*, int32_t, mt_tensor*) = nullptr;
  mt_status (*get_parameter)(void*, const char*, mt_tensor*) = nullptr;
  mt_status (*set_parameter)(void*, const char*, const mt_tensor*) = nullptr;
  mt_status (*save_parameters)(void*, const char*) = nullptr;
  mt_status (*load_parameters)(void*, const char*, int32_t) = nullptr;
  mt_status (*set_trained)(void*, const char*, int32_t) = nullptr;
  mt_status (*visit_gradients)(void*, mt_gradient, void*) = nullptr;
  void (*context_destroy)(void*) = nullptr;
  void (*close)(void*) = nullptr;
  const mt_model_info* (*info)(const void*) = nullptr;
  const char* (*last_error)() = nullptr;
  std::shared_ptr<void> code;   // keeps the library or the JIT's memory alive
};

// dlopens lib<name>.so.
ModelApi library_api(const std::string& library, const std::string& name);
// The runtime that is linked into this process, on a Program (mintor_program.h, MT_NAME left at
// its default) that was compiled in memory; `code` keeps it alive.
ModelApi in_process_api(const void* program, std::shared_ptr<void> code);
// What the symbol of that Program is called in its object code.
inline constexpr const char* kProgramSymbol = "_ZN25mt_package_mintor_package7programE";

struct LoadOptions {
  int threads = 1;
  std::string level;            // empty: the best
  std::string weights_path;     // empty: the runtime's default places
  bool check_weights = false;   // compares their SHA-256, which reads all of them
  Tensor weights;               // the weights themselves when `data` is set, u8, 64-byte aligned
  std::vector<int64_t> max_symbols;   // what the default context reserves for; empty: the hints
  mt_profile profile = nullptr;
  void* profile_data = nullptr;
  std::optional<std::vector<std::string>> trained;   // these alone, of what has a gradient
  mt_gradient reduce = nullptr;   // called in runs that apply gradients, for each
  void* reduce_data = nullptr;
};

// One context: one thread at a time.
class ModelContext {
 public:
  ModelContext(std::shared_ptr<const ModelApi> api, std::shared_ptr<void> model,
               const mt_context_options& options);
  ~ModelContext();
  ModelContext(const ModelContext&) = delete;
  ModelContext& operator=(const ModelContext&) = delete;

  // Straight to the C function, for callers that have mt_tensor arrays; throws on failure. `entry`:
  // position in info().entries.
  void run(const mt_tensor* inputs, mt_tensor* outputs, int32_t entry = 0);
  // By position. Outputs are their own memory.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, int32_t entry = 0);
  // What the runs so far made of the parameters that they update: copies, in order of
  // info().states.
  std::vector<Tensor> states() const;
  // One of them, or a parameter that no run updates, by name.
  Tensor parameter(const std::string& name) const;
  void set_parameter(const std::string& name, const Tensor& value);
  void reset();
  // All of them, as a safetensors file. `allow`: MT_ALLOW_*.
  void save_parameters(const std::string& path) const;
  void load_parameters(const std::string& path, int32_t allow = 0);
  // Whether runs keep what they make of a state; without a name of all that have a gradient.
  void set_trained(const char* name, bool trained);
  void visit_gradients(mt_gradient visit, void* data);
  // The C functions' own.
  void* handle() const { return context_; }

 private:
  std::shared_ptr<const ModelApi> api_;
  std::shared_ptr<void> model_;
  const mt_model_info* info_ = nullptr;
  void* context_ = nullptr;
};

class LoadedModel {
 public:
  LoadedModel(ModelApi api, const LoadOptions& options);

  const mt_model_info& info() const { return *info_; }
  // Another context of the same model, for another thread; with the parameters of one, or its own.
  std::unique_ptr<ModelContext> new_context(const ModelContext* share = nullptr) const;
  ModelContext& context() { return *context_; }
  // The context's place is taken by a new one.
  void renew_context() { context_ = new_context(); }

  // The first entry.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) { return context_->run(inputs); }
  // By name; CompileError names a missing or unknown input.
  std::map<std::string, Tensor> run(const std::map<std::string, Tensor>& inputs);
  // Another one. CompileError names the nearest where there is none of the name.
  std::vector<Tensor> run(const std::string& entry, const std::vector<Tensor>& inputs);
  std::map<std::string, Tensor> run(const std::string& entry,
                                    const std::map<std::string, Tensor>& inputs);

 private:
  std::shared_ptr<const ModelApi> api_;
  Tensor weights_;
  std::shared_ptr<void> model_;
  mt_context_options context_options_{};
  const mt_model_info* info_ = nullptr;
  std::unique_ptr<ModelContext> context_;
};

// Position in info.entries.
int32_t find_entry(const mt_model_info& info, const std::string& name);

// Opens the library of a package folder that was built; CompileError says how to build it.
std::unique_ptr<LoadedModel> open_package(const std::string& directory,
                                          const LoadOptions& options = {});

}  // namespace mintor
