// SPDX-License-Identifier: Apache-2.0
// What Python functions do as the entries of a package, for mintor/exporting.py. Takes recorded
// functions, with names for what they take and give; gives a folder. Keeps true: a state is one
// parameter in all entries, with the value that its array has; arrays that functions use and that
// are neither inputs nor states are constants.
#include <pybind11/stl.h>

#include "compiler/cli/model_io.h"
#include "compiler/driver/driver.h"
#include "frontends/python/module/array.h"
#include "frontends/python/module/array_object.h"
#include "frontends/python/module/model.h"
#include "frontends/python/trace/body.h"

namespace py = pybind11;

namespace mintor {
namespace {

using Names = std::vector<std::string>;

// What a function did: it took inputs, then states; it gave results, then new values of some of the
// states.
struct RecordedEntry {
  std::string name;
  const trace::Body* body = nullptr;
  std::vector<Tensor> captures;
  std::vector<Type> inputs;
  Names input_names, state_names, result_names, update_names;
};

Tensor tensor_of(const py::object& array) {
  checked_array(array);
  trace::Variable* variable = variable_of(array.ptr());
  trace::tape().compute(variable);
  return Tensor::copy_of(variable->type->dtype, variable->type->shape, variable->storage->data);
}

Graph graph_of(const RecordedEntry& entry, const std::map<std::string, Tensor>& states) {
  Graph graph = trace::graph_of_body(entry.name, *entry.body, [&](Builder& b) {
    std::vector<Value> leaves;
    for (size_t i = 0; i < entry.inputs.size(); ++i) {
      leaves.push_back(b.input(entry.input_names[i], entry.inputs[i].dtype, entry.inputs[i].shape));
    }
    for (const std::string& name : entry.state_names) {
      leaves.push_back(b.parameter(name, states.at(name)));
    }
    for (const Tensor& capture : entry.captures) leaves.push_back(b.constant(capture));
    return leaves;
  });
  const std::vector<Result> made = std::move(graph.results);
  graph.results.clear();
  for (size_t r = 0; r < made.size(); ++r) {
    const size_t results = entry.result_names.size();
    if (r < results)
      graph.results.push_back({entry.result_names[r], made[r].value});
    else
      graph.updates.push_back({entry.update_names[r - results], made[r].value});
  }
  return graph;
}

RecordedEntry recorded_entry(const py::dict& given) {
  RecordedEntry entry;
  entry.name = given["name"].cast<std::string>();
  entry.body = given["body"].cast<py::capsule>().get_pointer<const trace::Body>();
  for (const py::handle array : given["captures"]) {
    entry.captures.push_back(tensor_of(py::reinterpret_borrow<py::object>(array)));
  }
  for (const py::handle array : given["inputs"]) {
    const trace::ValueType& type = *variable_of(array.ptr())->type;
    entry.inputs.push_back({type.dtype, {type.shape.begin(), type.shape.end()}});
  }
  entry.input_names = given["input_names"].cast<Names>();
  entry.state_names = given["state_names"].cast<Names>();
  entry.result_names = given["result_names"].cast<Names>();
  entry.update_names = given["update_names"].cast<Names>();
  return entry;
}

void export_package(const std::vector<py::dict>& entries,
                    const std::map<std::string, py::object>& states, const std::string& directory,
                    const std::vector<std::pair<std::string, std::string>>& options) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, array] : states) values.emplace(name, tensor_of(array));
  std::vector<RecordedEntry> recorded;
  for (const py::dict& entry : entries) recorded.push_back(recorded_entry(entry));
  CompileContext context(options_of(options));
  const py::gil_scoped_release unlocked;
  std::vector<Graph> graphs;
  for (const RecordedEntry& entry : recorded) graphs.push_back(graph_of(entry, values));
  optimise(context, std::span<Graph>(graphs));
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::all_with_vectors);
  const Program program = build_program(context, std::span<const Graph>(graphs), levels);
  write_program_package(context, program, {}, directory);
}

}  // namespace

void add_exporting(py::module_& module) { module.def("export_package", export_package); }

}  // namespace mintor
