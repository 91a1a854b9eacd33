// SPDX-License-Identifier: Apache-2.0
// A model as Python sees it: callable, savable, with names and shapes.
// Takes NumPy arrays (C-contiguous ones of the right dtype are read in place, others are copied);
// gives new NumPy arrays. Keeps true: a call costs little more than the kernels: names, dtypes and
// fixed output shapes are looked up once, when the model is opened.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/driver.h"

namespace mintor {

class PyModel {
 public:
  // No graph for a package: such a model is on disk already.
  PyModel(std::unique_ptr<LoadedModel> loaded, std::optional<Graph> graph, CompileContext context);

  // Inputs by position; one output as it is, several as a tuple.
  pybind11::object call(const pybind11::args& inputs);
  pybind11::dict run(const pybind11::dict& inputs);
  // Writes the package. Each case is (inputs, outputs) by name; none: seeded ones.
  void save(const std::string& directory, const std::string& target,
            const std::vector<std::pair<pybind11::dict, pybind11::dict>>& cases, double rtol,
            double atol);

  std::string name() const { return loaded_->info().name; }
  // A model that was found compiled is optimised for it, once.
  std::string numerics_hash();
  std::string level() const { return loaded_->info().level ? loaded_->info().level : ""; }
  // Entries beside the first run by name; slower than `call`, for they copy.
  pybind11::dict run_entry(const std::string& entry, const pybind11::dict& inputs);
  pybind11::dict entries() const;  // name -> (inputs, outputs)
  // What runs update, in this model's context: names, values, the first values again.
  pybind11::list states() const;
  pybind11::object parameter(const std::string& name);
  void set_parameter(const std::string& name, const pybind11::array& value);
  void reset();
  pybind11::list parameters() const;  // names of all: states, then those that no run updates
  void save_parameters(const std::string& path);
  void load_parameters(const std::string& path, bool allow_missing, bool allow_unknown);
  void set_trained(const std::optional<std::string>& name, bool trained);
  pybind11::list inputs() const;
  pybind11::list outputs() const;
  std::vector<std::string> kernels() const;
  std::vector<std::string> explanations() const { return context_.explanations; }
  std::vector<std::string> warnings() const { return context_.warnings; }

 private:
  std::vector<pybind11::object> run_arrays(std::vector<pybind11::object>& inputs);
  void leave_parent();
  const Graph& optimised_graph();

  std::unique_ptr<LoadedModel> loaded_;
  std::optional<Graph> graph_;  // as loaded, until somebody asks for more
  std::unique_ptr<std::mutex> optimising_ = std::make_unique<std::mutex>();
  CompileContext context_;
  std::vector<pybind11::dtype> input_dtypes_, output_dtypes_;
  std::vector<std::optional<std::vector<pybind11::ssize_t>>> output_shapes_;  // where fixed
  std::unique_ptr<std::mutex> running_ = std::make_unique<std::mutex>();
  pid_t process_ = getpid();     // whose threads take turns
};

// Of (name, text) pairs; CompileError for an unknown name or a text that is none of its values.
Options options_of(const std::vector<std::pair<std::string, std::string>>& items);
std::unique_ptr<PyModel> compile_model(const std::string& path, const Options& options);
// Builds the library first when it is not there. threads 0: every core. check: the SHA-256 of the
// weights. trained: what runs train, of what has a gradient; all of it where it is not there.
std::unique_ptr<PyModel> load_model_package(const std::string& directory, int threads,
                                            const std::string& level, bool check,
                                            std::optional<std::vector<std::string>> trained);

}  // namespace mintor
