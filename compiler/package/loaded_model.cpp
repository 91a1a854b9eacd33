// SPDX-License-Identifier: Apache-2.0
// Opening libraries and running models through the C ABI. Takes ModelApi and tensors; gives
// tensors. Keeps true: contexts are destroyed before their model, models before their code.
#include "compiler/package/loaded_model.h"

#include <dlfcn.h>

#include <algorithm>

#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"
#include "compiler/support/shared_library.h"
#include "runtime/include/mintor_program.h"

namespace mintor {
namespace {

[[noreturn]] void fail_run(const ModelApi& api, const char* what) {
  throw CompileError(what, api.last_error());
}

template <class Function>
void resolve(void* library, const std::string& path, const std::string& symbol,
             Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, symbol.c_str()));
  if (!function) {
    throw CompileError("load", "'" + path + "' has no function '" + symbol + "'", "",
                       "it is not the library of this package, or of another version");
  }
}

mt_tensor as_input(const Tensor& tensor) {
  mt_tensor input{};
  if (tensor.shape.size() > MT_MAX_RANK) {
    throw CompileError("run", "an input has rank " + std::to_string(tensor.shape.size()) +
                                  ", expected at most " + std::to_string(MT_MAX_RANK));
  }
  input.data = const_cast<std::byte*>(tensor.data);
  input.bytes = static_cast<size_t>(tensor.bytes());
  input.dtype = static_cast<int32_t>(tensor.dtype);
  input.rank = static_cast<int32_t>(tensor.shape.size());
  for (size_t i = 0; i < tensor.shape.size(); ++i) input.shape[i] = tensor.shape[i];
  return input;
}

bool has_fixed_shape(const mt_tensor_info& info) {
  for (int32_t i = 0; i < info.rank; ++i) {
    if (info.shape[i] < 0) return false;
  }
  return true;
}

std::vector<int64_t> shape_of(const mt_tensor& tensor) {
  return {tensor.shape, tensor.shape + tensor.rank};
}

}  // namespace

ModelApi library_api(const std::string& library, const std::string& name) {
  std::string problem;
  void* handle = open_shared_library(library, problem);
  if (!handle) throw CompileError("load", problem, "", "build the package again");
  ModelApi api;
  api.code = std::shared_ptr<void>(handle, [](void* code) { dlclose(code); });
  mt_status (*open)(const mt_options*, void**) = nullptr;
  resolve(handle, library, name + "_open", open);
  api.open = open;
  resolve(handle, library, name + "_context_bytes", api.context_bytes);
  resolve(handle, library, name + "_context_create", api.context_create);
  resolve(handle, library, name + "_run", api.run);
  resolve(handle, library, name + "_run_entry", api.run_entry);
  resolve(handle, library, name + "_reset", api.reset);
  resolve(handle, library, name + "_state", api.state);
  resolve(handle, library, name + "_get_parameter", api.get_parameter);
  resolve(handle, library, name + "_set_parameter", api.set_parameter);
  resolve(handle, library, name + "_save_parameters", api.save_parameters);
  resolve(handle, library, name + "_load_parameters", api.load_parameters);
  resolve(handle, library, name + "_set_trained", api.set_trained);
  resolve(handle, library, name + "_visit_gradients", api.visit_gradients);
  resolve(handle, library, name + "_context_destroy", api.context_destroy);
  resolve(handle, library, name + "_close", api.close);
  resolve(handle, library, name + "_info", api.info);
  resolve(handle, library, name + "_last_error", api.last_error);
  return api;
}

ModelApi in_process_api(const void* program, std::shared_ptr<void> code) {
  namespace rt = MT_PACKAGE;
  ModelApi api;
  api.code = std::move(code);
  api.open = [program](const mt_options* options, void** model) {
    return rt::open(*static_cast<const rt::Program*>(program), options,
                    reinterpret_cast<rt::Model**>(model));
  };
  api.context_bytes = [](void* model, const mt_context_options* options, size_t* bytes) {
    return rt::context_bytes(static_cast<rt::Model*>(model), options, bytes);
  };
  api.context_create = [](void* model, const mt_context_options* options, void** context) {
    return rt::context_create(static_cast<rt::Model*>(model), options,
                              reinterpret_cast<rt::Context**>(context));
  };
  api.run = [](void* context, const mt_tensor* inputs, mt_tensor* outputs) {
    return rt::run(static_cast<rt::Context*>(context), inputs, outputs);
  };
  api.run_entry = [](void* context, int32_t entry, const mt_tensor* inputs, mt_tensor* outputs) {
    return rt::run_entry(static_cast<rt::Context*>(context), entry, inputs, outputs);
  };
  api.reset = [](void* context) { return rt::reset(static_cast<rt::Context*>(context)); };
  api.state = [](void* context, int32_t index, mt_tensor* state) {
    return rt::state(static_cast<rt::Context*>(context), index, state);
  };
  api.get_parameter = [](void* context, const char* name, mt_tensor* value) {
    return rt::get_parameter(static_cast<rt::Context*>(context), name, value);
  };
  api.set_parameter = [](void* context, const char* name, const mt_tensor* value) {
    return rt::set_parameter(static_cast<rt::Context*>(context), name, value);
  };
  api.save_parameters = [](void* context, const char* path) {
    return rt::save_parameters(static_cast<rt::Context*>(context), path);
  };
  api.load_parameters = [](void* context, const char* path, int32_t allow) {
    return rt::load_parameters(static_cast<rt::Context*>(context), path, allow);
  };
  api.set_trained = [](void* context, const char* name, int32_t trained) {
    return rt::set_trained(static_cast<rt::Context*>(context), name, trained);
  };
  api.visit_gradients = [](void* context, mt_gradient visit, void* data) {
    return rt::visit_gradients(static_cast<rt::Context*>(context), visit, data);
  };
  api.context_destroy = [](void* context) {
    rt::context_destroy(static_cast<rt::Context*>(context));
  };
  api.close = [](void* model) { rt::close(static_cast<rt::Model*>(model)); };
  api.info = [](const void* model) { return rt::info(static_cast<const rt::Model*>(model)); };
  api.last_error = [] { return rt::last_error(); };
  return api;
}

ModelContext::ModelContext(std::shared_ptr<const ModelApi> api, std::shared_ptr<void> model,
                           const mt_context_options& options)
    : api_(std::move(api)), model_(std::move(model)) {
  info_ = api_->info(model_.get());
  if (api_->context_create(model_.get(), &options, &context_)) fail_run(*api_, "context");
}

ModelContext::~ModelContext() { api_->context_destroy(context_); }

void ModelContext::run(const mt_tensor* inputs, mt_tensor* outputs, int32_t entry) {
  if (api_->run_entry(context_, entry, inputs, outputs)) fail_run(*api_, "run");
}

std::vector<Tensor> ModelContext::run(const std::vector<Tensor>& inputs, int32_t entry) {
  check(entry >= 0 && entry < info_->entry_count, "run", "there is no such entry");
  const mt_entry_info& of = info_->entries[entry];
  if (inputs.size() != static_cast<size_t>(of.input_count)) {
    throw CompileError("run", std::to_string(inputs.size()) + " inputs were given, '" +
                                  (entry == 0 ? info_->name : of.name) + "' takes " +
                                  std::to_string(of.input_count));
  }
  std::vector<mt_tensor> given;
  for (const Tensor& input : inputs) given.push_back(as_input(input));
  std::vector<mt_tensor> made(static_cast<size_t>(of.output_count));
  std::vector<Tensor> outputs(made.size());
  for (size_t i = 0; i < made.size(); ++i) {
    const mt_tensor_info& info = of.outputs[i];
    if (!has_fixed_shape(info)) continue;  // its size is known after the run: copied below
    auto [tensor, bytes] =
        Tensor::make(static_cast<DType>(info.dtype), {info.shape, info.shape + info.rank});
    if (tensor.bytes() == 0) continue;
    made[i].data = bytes;
    made[i].bytes = static_cast<size_t>(tensor.bytes());
    outputs[i] = std::move(tensor);
  }
  run(given.data(), made.data(), entry);
  for (size_t i = 0; i < made.size(); ++i) {
    if (outputs[i].data) continue;
    outputs[i] =
        Tensor::copy_of(static_cast<DType>(made[i].dtype), shape_of(made[i]), made[i].data);
  }
  return outputs;
}

std::vector<Tensor> ModelContext::states() const {
  std::vector<Tensor> states;
  for (int32_t i = 0; i < info_->state_count; ++i) {
    mt_tensor state{};
    if (api_->state(context_, i, &state)) fail_run(*api_, "state");
    states.push_back(Tensor::copy_of(static_cast<DType>(state.dtype), shape_of(state), state.data));
  }
  return states;
}

Tensor ModelContext::parameter(const std::string& name) const {
  mt_tensor value{};
  if (api_->get_parameter(context_, name.c_str(), &value)) fail_run(*api_, "parameter");
  return Tensor::copy_of(static_cast<DType>(value.dtype), shape_of(value), value.data);
}

void ModelContext::set_parameter(const std::string& name, const Tensor& value) {
  const mt_tensor given = as_input(value);
  if (api_->set_parameter(context_, name.c_str(), &given)) fail_run(*api_, "parameter");
}

void ModelContext::reset() {
  if (api_->reset(context_)) fail_run(*api_, "reset");
}

void ModelContext::save_parameters(const std::string& path) const {
  if (api_->save_parameters(context_, path.c_str())) fail_run(*api_, "save");
}

void ModelContext::load_parameters(const std::string& path, int32_t allow) {
  if (api_->load_parameters(context_, path.c_str(), allow)) fail_run(*api_, "load");
}

void ModelContext::set_trained(const char* name, bool trained) {
  if (api_->set_trained(context_, name, trained ? 1 : 0)) fail_run(*api_, "trained");
}

void ModelContext::visit_gradients(mt_gradient visit, void* data) {
  if (api_->visit_gradients(context_, visit, data)) fail_run(*api_, "gradients");
}

LoadedModel::LoadedModel(ModelApi api, const LoadOptions& options)
    : api_(std::make_shared<ModelApi>(std::move(api))), weights_(options.weights) {
  mt_options open{};
  open.size = sizeof(open);
  open.threads = options.threads;
  open.check_weights = options.check_weights ? 1 : 0;
  if (!options.level.empty()) open.level = options.level.c_str();
  if (weights_.data) {
    open.weights = weights_.data;
    open.weights_bytes = static_cast<size_t>(weights_.bytes());
  } else if (!options.weights_path.empty()) {
    open.weights_path = options.weights_path.c_str();
  }
  std::vector<const char*> trained;
  if (options.trained) {
    for (const std::string& name : *options.trained) trained.push_back(name.c_str());
    open.trained_count = static_cast<int32_t>(trained.size());
    trained.push_back(nullptr);  // a list of none is no null pointer
    open.trained = trained.data();
  }
  open.reduce = options.reduce;
  open.reduce_data = options.reduce_data;
  void* model = nullptr;
  if (api_->open(&open, &model)) fail_run(*api_, "load");
  model_ = std::shared_ptr<void>(model, [api = api_](void* opened) { api->close(opened); });
  info_ = api_->info(model);
  context_options_.size = sizeof(context_options_);
  context_options_.profile = options.profile;
  context_options_.profile_data = options.profile_data;
  for (size_t i = 0; i < options.max_symbols.size() && i < MT_MAX_SYMBOLS; ++i) {
    context_options_.max_symbols[i] = options.max_symbols[i];
  }
  context_ = new_context();
}

std::unique_ptr<ModelContext> LoadedModel::new_context(const ModelContext* share) const {
  mt_context_options options = context_options_;
  if (share != nullptr) options.share = share->handle();
  return std::make_unique<ModelContext>(api_, model_, options);
}

namespace {

// By position.
std::vector<Tensor> in_order(const std::map<std::string, Tensor>& inputs,
                             const mt_entry_info& entry, const char* name_of_model) {
  std::vector<Tensor> by_position;
  std::vector<std::string> names;
  for (int32_t i = 0; i < entry.input_count; ++i) {
    names.push_back(entry.inputs[i].name);
    const auto found = inputs.find(names.back());
    if (found != inputs.end()) by_position.push_back(found->second);
  }
  for (const auto& [name, value] : inputs) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::vector<std::string_view> candidates(names.begin(), names.end());
      throw CompileError("run", "'" + name + "' is not an input of '" + name_of_model + "'", "",
                         did_you_mean(name, candidates));
    }
  }
  for (const std::string& name : names) {
    if (!inputs.contains(name)) throw CompileError("run", "input '" + name + "' is missing");
  }
  return by_position;
}

std::map<std::string, Tensor> with_names(std::vector<Tensor> values, const mt_entry_info& entry) {
  std::map<std::string, Tensor> outputs;
  for (int32_t i = 0; i < entry.output_count; ++i)
    outputs.emplace(entry.outputs[i].name, std::move(values[static_cast<size_t>(i)]));
  return outputs;
}

}  // namespace

int32_t find_entry(const mt_model_info& info, const std::string& name) {
  std::vector<std::string_view> names;
  for (int32_t i = 0; i < info.entry_count; ++i) names.emplace_back(info.entries[i].name);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<int32_t>(found - names.begin());
  throw CompileError("run", "'" + name + "' is not an entry of '" + info.name + "'", "",
                     did_you_mean(name, names));
}

std::map<std::string, Tensor> LoadedModel::run(const std::map<std::string, Tensor>& inputs) {
  const mt_entry_info& entry = info_->entries[0];
  return with_names(context_->run(in_order(inputs, entry, info_->name)), entry);
}

std::vector<Tensor> LoadedModel::run(const std::string& entry, const std::vector<Tensor>& inputs) {
  return context_->run(inputs, find_entry(*info_, entry));
}

std::map<std::string, Tensor> LoadedModel::run(const std::string& name,
                                               const std::map<std::string, Tensor>& inputs) {
  const int32_t position = find_entry(*info_, name);
  const mt_entry_info& entry = info_->entries[position];
  return with_names(context_->run(in_order(inputs, entry, entry.name), position), entry);
}

std::unique_ptr<LoadedModel> open_package(const std::string& directory,
                                          const LoadOptions& options) {
  const Manifest manifest = read_manifest(directory);
  const std::string library = find_package_library(directory, manifest.name);
  if (library.empty()) {
    throw CompileError("load", "package '" + directory + "' has not been built", "",
                       "run `make -C " + directory + "`, or compile with --build");
  }
  LoadOptions with_weights = options;
  const bool given = with_weights.weights.data || !with_weights.weights_path.empty();
  if (!given && !manifest.embedded_weights) {
    with_weights.weights_path = directory + "/weights/weights.bin";
  }
  return std::make_unique<LoadedModel>(library_api(library, manifest.name), with_weights);
}

}  // namespace mintor
