// SPDX-License-Identifier: Apache-2.0
// Between NumPy and the C ABI. Takes arrays; fills mt_tensor; gives arrays that own their bytes.
// Keeps true: an array of another dtype is refused with both names, never converted in silence;
// lists and Python numbers, which have no dtype of their own, go through mintor/convert.py.
#include "frontends/python/module/model.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compiler/cli/model_io.h"
#include "compiler/cli/open_any.h"
#include "compiler/package/builder.h"
#include "compiler/package/package.h"
#include "compiler/support/error.h"
#include "compiler/support/nearest.h"
#include "frontends/python/module/numpy_dtype.h"

namespace py = pybind11;

namespace mintor {
namespace {

// mintor.convert.as_array: what is no array of the dtype is converted without loss, or refused.
py::array converted(const py::object& value, const py::dtype& dtype, const mt_tensor_info& port,
                    const char* what) {
  const py::object convert = py::module_::import("mintor.convert").attr("as_array");
  return py::array(convert(value, dtype, std::string(what) + " '" + port.name + "'"));
}

// The array itself when it can be read in place; a C-contiguous, aligned copy otherwise.
py::array as_array(const py::object& value, const py::dtype& dtype, const mt_tensor_info& port,
                   const char* what) {
  constexpr int kInPlace =
      int{py::array::c_style} | int{py::detail::npy_api::NPY_ARRAY_ALIGNED_};
  const auto in_place = [&](py::array array) {
    if ((array.flags() & kInPlace) == kInPlace) return array;
    py::array copy = py::array::ensure(array, kInPlace);  // null, and no exception, on failure
    if (copy) return copy;
    throw CompileError("run", std::string(what) + " '" + port.name +
                                  "' is not contiguous, and there is no memory for a copy of its " +
                                  std::to_string(array.size()) + " elements");
  };
  if (py::isinstance<py::array>(value)) {
    auto array = py::reinterpret_borrow<py::array>(value);
    if (array.dtype().is(dtype) || array.dtype().equal(dtype)) return in_place(std::move(array));
  }
  return in_place(converted(value, dtype, port, what));
}

mt_tensor as_tensor(const py::array& array, DType dtype) {
  mt_tensor tensor{};
  tensor.data = const_cast<void*>(array.data());
  tensor.bytes = static_cast<size_t>(array.nbytes());
  tensor.dtype = static_cast<int32_t>(dtype);
  tensor.rank = static_cast<int32_t>(array.ndim());
  if (array.ndim() > MT_MAX_RANK) {
    throw CompileError("run", "an input has rank " + std::to_string(array.ndim()) +
                                  ", expected at most " + std::to_string(MT_MAX_RANK));
  }
  std::copy_n(array.shape(), array.ndim(), tensor.shape);
  return tensor;
}

std::string name_of_key(const py::handle key) {
  if (py::isinstance<py::str>(key)) return key.cast<std::string>();
  throw py::type_error("inputs and outputs have names, got " + py::repr(key).cast<std::string>());
}

// Arrays of a case by name, as the model's ports have them; names that no port has are refused.
NamedTensors tensors_of(const py::dict& arrays, const mt_tensor_info* ports, int32_t count,
                        const char* what) {
  NamedTensors tensors;
  for (const auto& [key, value] : arrays) {
    const std::string name = name_of_key(key);
    const auto* port = std::find_if(ports, ports + count, [&](const mt_tensor_info& one) {
      return name == one.name;
    });
    if (port == ports + count) {
      std::vector<std::string_view> names;
      for (int32_t i = 0; i < count; ++i) names.emplace_back(ports[i].name);
      throw CompileError("case", std::string("there is no ") + what + " '" + name + "'", "",
                         did_you_mean(name, names));
    }
    const DType dtype = static_cast<DType>(port->dtype);
    const py::array array = as_array(py::reinterpret_borrow<py::object>(value),
                                     numpy_dtype(static_cast<DType>(port->dtype)), *port, what);
    tensors[name] = Tensor::copy_of(dtype, {array.shape(), array.shape() + array.ndim()},
                                    array.data());
  }
  return tensors;
}

py::array numpy_of(const Tensor& tensor) {
  return py::array(numpy_dtype(tensor.dtype), tensor.shape, tensor.data);  // a copy
}

py::list port_list(const mt_tensor_info* ports, int32_t count) {
  py::list list;
  for (int32_t i = 0; i < count; ++i) {
    py::list shape;
    for (int32_t d = 0; d < ports[i].rank; ++d) {
      if (ports[i].shape[d] >= 0) {
        shape.append(ports[i].shape[d]);
      } else {
        shape.append(std::string(ports[i].symbol[d] ? ports[i].symbol[d] : "?"));
      }
    }
    const std::string dtype(name_of(static_cast<DType>(ports[i].dtype)));
    list.append(py::make_tuple(ports[i].name, dtype, shape));
  }
  return list;
}

}  // namespace

PyModel::PyModel(std::unique_ptr<LoadedModel> loaded, std::optional<Graph> graph,
                 CompileContext context)
    : loaded_(std::move(loaded)), graph_(std::move(graph)), context_(std::move(context)) {
  const py::gil_scoped_acquire locked;
  const mt_model_info& info = loaded_->info();
  for (int32_t i = 0; i < info.input_count; ++i) {
    input_dtypes_.push_back(numpy_dtype(static_cast<DType>(info.inputs[i].dtype)));
  }
  for (int32_t i = 0; i < info.output_count; ++i) {
    const mt_tensor_info& output = info.outputs[i];
    output_dtypes_.push_back(numpy_dtype(static_cast<DType>(output.dtype)));
    const bool fixed = std::all_of(output.shape, output.shape + output.rank,
                                   [](int64_t dim) { return dim >= 0; });
    output_shapes_.emplace_back();
    if (fixed) output_shapes_.back().emplace(output.shape, output.shape + output.rank);
  }
}

const Graph& PyModel::optimised_graph() {
  const std::lock_guard lock(*optimising_);
  if (graph_->numerics_hash.empty()) {
    CompileContext context(context_.options);
    graph_ = optimise(context, std::move(*graph_));
  }
  return *graph_;
}

std::string PyModel::numerics_hash() {
  if (!graph_) return loaded_->info().numerics_hash;
  const py::gil_scoped_release unlocked;
  return optimised_graph().numerics_hash;
}

// In a forked child the thread that had its turn may not be there to end it: the lock and the
// context are left as they are, and this process takes others.
void PyModel::leave_parent() {
  if (process_ == getpid()) return;
  static_cast<void>(running_.release());
  running_ = std::make_unique<std::mutex>();
  loaded_->renew_context();
  process_ = getpid();
}

std::vector<py::object> PyModel::run_arrays(std::vector<py::object>& inputs) {
  leave_parent();
  const mt_model_info& info = loaded_->info();
  std::vector<mt_tensor> given(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    py::array array = as_array(inputs[i], input_dtypes_[i], info.inputs[i], "input");
    given[i] = as_tensor(array, static_cast<DType>(info.inputs[i].dtype));
    inputs[i] = std::move(array);  // keeps a converted copy alive
  }
  std::vector<mt_tensor> made(output_dtypes_.size());
  std::vector<py::object> outputs(made.size());
  for (size_t i = 0; i < made.size(); ++i) {
    if (!output_shapes_[i]) continue;
    py::array array(output_dtypes_[i], *output_shapes_[i]);
    if (array.nbytes() == 0) continue;
    made[i].data = array.mutable_data();
    made[i].bytes = static_cast<size_t>(array.nbytes());
    outputs[i] = std::move(array);
  }
  // Results in the context's memory are copied before the next caller's turn.
  const auto copy_open = [&] {
    for (size_t i = 0; i < made.size(); ++i) {
      if (outputs[i]) continue;
      py::array array(output_dtypes_[i],
                      std::vector<py::ssize_t>(made[i].shape, made[i].shape + made[i].rank));
      if (array.nbytes() > 0) std::memcpy(array.mutable_data(), made[i].data, made[i].bytes);
      outputs[i] = std::move(array);
    }
  };
  std::unique_lock turn(*running_, std::defer_lock);
  {
    const py::gil_scoped_release unlocked;
    turn.lock();
    loaded_->context().run(given.data(), made.data());
  }
  copy_open();
  return outputs;
}

py::object PyModel::call(const py::args& inputs) {
  if (inputs.size() != input_dtypes_.size()) {
    throw CompileError("run", std::to_string(inputs.size()) + " inputs were given, '" + name() +
                                  "' takes " + std::to_string(input_dtypes_.size()));
  }
  std::vector<py::object> arrays;
  arrays.reserve(inputs.size());
  for (const py::handle input : inputs) arrays.push_back(py::reinterpret_borrow<py::object>(input));
  std::vector<py::object> outputs = run_arrays(arrays);
  if (outputs.size() == 1) return outputs[0];
  return py::tuple(py::cast(outputs));
}

py::dict PyModel::run(const py::dict& inputs) {
  const mt_model_info& info = loaded_->info();
  std::vector<std::string_view> names;
  for (int32_t i = 0; i < info.input_count; ++i) names.emplace_back(info.inputs[i].name);
  for (const auto& [key, value] : inputs) {
    const std::string given = name_of_key(key);
    if (std::ranges::find(names, given) == names.end()) {
      throw CompileError("run", "the model has no input '" + given + "'", "",
                         did_you_mean(given, names));
    }
  }
  std::vector<py::object> arrays;
  for (int32_t i = 0; i < info.input_count; ++i) {
    if (!inputs.contains(info.inputs[i].name)) {
      throw CompileError("run", std::string("input '") + info.inputs[i].name + "' is missing");
    }
    arrays.push_back(inputs[info.inputs[i].name]);
  }
  const std::vector<py::object> outputs = run_arrays(arrays);
  py::dict result;
  for (size_t i = 0; i < outputs.size(); ++i) result[info.outputs[i].name] = outputs[i];
  return result;
}

py::dict PyModel::run_entry(const std::string& entry, const py::dict& inputs) {
  const mt_entry_info& info = loaded_->info().entries[find_entry(loaded_->info(), entry)];
  const NamedTensors given = tensors_of(inputs, info.inputs, info.input_count, "input");
  NamedTensors made;
  {
    const py::gil_scoped_release unlocked;
    const std::lock_guard turn(*running_);
    leave_parent();
    made = loaded_->run(entry, given);
  }
  py::dict outputs;
  for (const auto& [name, tensor] : made) outputs[py::str(name)] = numpy_of(tensor);
  return outputs;
}

py::dict PyModel::entries() const {
  py::dict entries;
  const mt_model_info& info = loaded_->info();
  for (int32_t e = 0; e < info.entry_count; ++e) {
    const mt_entry_info& entry = info.entries[e];
    entries[entry.name] = py::make_tuple(port_list(entry.inputs, entry.input_count),
                                         port_list(entry.outputs, entry.output_count));
  }
  return entries;
}

py::object PyModel::parameter(const std::string& name) {
  const std::lock_guard turn(*running_);
  return numpy_of(loaded_->context().parameter(name));
}

void PyModel::set_parameter(const std::string& name, const py::array& value) {
  const std::lock_guard turn(*running_);
  const Tensor old = loaded_->context().parameter(name);
  const py::array same =
      py::array::ensure(value.attr("astype")(numpy_dtype(old.dtype)), py::array::c_style);
  loaded_->context().set_parameter(
      name, Tensor::copy_of(old.dtype, {same.shape(), same.shape() + same.ndim()}, same.data()));
}

void PyModel::reset() {
  const std::lock_guard turn(*running_);
  loaded_->context().reset();
}

void PyModel::save_parameters(const std::string& path) {
  const py::gil_scoped_release unlocked;
  const std::lock_guard turn(*running_);
  loaded_->context().save_parameters(path);
}

void PyModel::load_parameters(const std::string& path, bool allow_missing, bool allow_unknown) {
  const py::gil_scoped_release unlocked;
  const std::lock_guard turn(*running_);
  loaded_->context().load_parameters(
      path, (allow_missing ? MT_ALLOW_MISSING : 0) | (allow_unknown ? MT_ALLOW_UNKNOWN : 0));
}

void PyModel::set_trained(const std::optional<std::string>& name, bool trained) {
  const py::gil_scoped_release unlocked;
  const std::lock_guard turn(*running_);
  loaded_->context().set_trained(name ? name->c_str() : nullptr, trained);
}

py::list PyModel::parameters() const {
  py::list names = states();
  const mt_model_info& info = loaded_->info();
  for (int32_t f = 0; f < info.fixed_count; ++f) names.append(info.fixed[f].name);
  return names;
}

py::list PyModel::states() const {
  py::list names;
  const mt_model_info& info = loaded_->info();
  for (int32_t s = 0; s < info.state_count; ++s) names.append(info.states[s].name);
  return names;
}

void PyModel::save(const std::string& directory, const std::string& target,
                   const std::vector<std::pair<py::dict, py::dict>>& cases, double rtol,
                   double atol) {
  if (!graph_) {
    throw CompileError("save", "this model was loaded from a package, which is on disk already");
  }
  for (const double tolerance : {rtol, atol}) {
    if (std::isfinite(tolerance) && tolerance >= 0) continue;
    throw CompileError("save", "a tolerance is " + std::to_string(tolerance) +
                                   ", expected a finite number, 0 or larger");
  }
  const mt_model_info& info = loaded_->info();
  std::vector<Case> given;
  for (const auto& [inputs, outputs] : cases) {
    given.push_back({tensors_of(inputs, info.inputs, info.input_count, "input"),
                     tensors_of(outputs, info.outputs, info.output_count, "output"), rtol, atol});
  }
  const py::gil_scoped_release unlocked;
  CompileContext context(context_.options);
  context.source_files = context_.source_files;
  context.options.target = target;
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::all_with_vectors);
  const Graph& graph = optimised_graph();
  const Program program = build_program(context, graph, levels);
  if (given.empty()) given = cases_from_here(context, program, {&graph, 1});
  write_program_package(context, program, given, directory);
}

py::list PyModel::inputs() const {
  return port_list(loaded_->info().inputs, loaded_->info().input_count);
}

py::list PyModel::outputs() const {
  return port_list(loaded_->info().outputs, loaded_->info().output_count);
}

std::vector<std::string> PyModel::kernels() const {
  const mt_model_info& info = loaded_->info();
  return {info.kernels, info.kernels + info.kernel_count};
}

Options options_of(const std::vector<std::pair<std::string, std::string>>& items) {
  Options options;
  for (const auto& [name, value] : items) set_option(options, name, value);
  return options;
}

std::unique_ptr<PyModel> compile_model(const std::string& path, const Options& options) {
  CompileContext context(options);
  Graph graph = load_model(context, path);
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::native);
  if (levels.size() > 1) {
    throw CompileError("compile", "target names several levels, one of them can run here", "",
                       "name one; model.save takes several");
  }
  auto loaded = jit(context, graph, levels, load_options(options));
  return std::make_unique<PyModel>(std::move(loaded), std::move(graph), std::move(context));
}

std::unique_ptr<PyModel> load_model_package(const std::string& directory, int threads,
                                            const std::string& level, bool check,
                                            std::optional<std::vector<std::string>> trained) {
  const Manifest manifest = read_manifest(directory);
  if (find_package_library(directory, manifest.name).empty()) build_package(directory);
  LoadOptions load;
  Options options;
  set_option(options, "threads", std::to_string(threads));
  load.threads = threads_of(options);
  load.level = level;
  load.check_weights = check;
  load.trained = std::move(trained);
  return std::make_unique<PyModel>(open_package(directory, load), std::nullopt,
                                   CompileContext(options));
}

}  // namespace mintor
