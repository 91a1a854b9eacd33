// SPDX-License-Identifier: Apache-2.0
// What Python functions do as the entries of a package, for mintor/exporting.py. Takes recorded
// functions, with names for what they take and give; gives a folder. Keeps true: a state is one
// parameter in all entries, with the value that its array has; arrays that functions use and that
// are neither inputs nor states are constants.
#include <pybind11/stl.h>

#include <algorithm>

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
// states. Recorded once for each sample of the sizes that are declared.
struct RecordedEntry {
  std::string name;
  std::vector<const trace::Body*> samples;
  std::vector<std::vector<Tensor>> captures;  // of each sample
  std::vector<std::vector<const trace::ValueType*>> inputs;
  Names input_names, state_names, result_names, update_names;
};

struct Size {
  trace::DeclaredSize declared;
  Symbol symbol;
};

Tensor tensor_of(const py::object& array) {
  checked_array(array);
  trace::Variable* variable = variable_of(array.ptr());
  trace::tape().compute(variable);
  return Tensor::copy_of(variable->type->dtype, variable->type->shape, variable->storage->data);
}

[[noreturn]] void refuse(const RecordedEntry& entry, const std::string& what,
                         const std::string& help) {
  throw CompileError("export", "what '" + entry.name + "' does " + what, "", help);
}

// Samples did the same, and used the same constants.
void check_samples(const RecordedEntry& entry) {
  for (size_t s = 1; s < entry.samples.size(); ++s) {
    if (entry.samples[s]->structure != entry.samples[0]->structure)
      refuse(entry, "depends on sizes that are declared",
             "fix the sizes, or compute alike for all");
    for (size_t c = 0; c < entry.captures[0].size(); ++c) {
      if (!same_bits(entry.captures[s].at(c), entry.captures[0][c]))
        refuse(entry, "uses an array that differs between sizes",
               "make it by operators, of the inputs' sizes");
    }
  }
}

// Each number of the samples as an expression over the sizes.
std::vector<Index> numbers_of(const RecordedEntry& entry, const std::vector<Size>& sizes,
                              const std::vector<std::span<const int64_t>>& samples) {
  std::vector<trace::DeclaredSize> declared;
  for (const Size& size : sizes) declared.push_back(size.declared);
  std::vector<Index> numbers;
  for (size_t n = 0; n < samples[0].size(); ++n) {
    std::vector<int64_t> values;
    for (const std::span<const int64_t>& sample : samples) values.push_back(sample[n]);
    const std::optional<Index> number = trace::over_sizes(declared, values);
    if (!number)
      refuse(entry,
             "needs the number " + std::to_string(values[0]) +
                 ", which is no multiple of a declared size, nor at a distance from one",
             "leave it to be computed (-1 in reshape), or fix the sizes");
    numbers.push_back(*number);
  }
  return numbers;
}

Graph graph_of(const RecordedEntry& entry, const std::map<std::string, Tensor>& states,
               const std::vector<Size>& sizes) {
  check_samples(entry);
  std::vector<std::span<const int64_t>> integers;
  for (const trace::Body* sample : entry.samples) integers.emplace_back(sample->integers);
  Graph graph = trace::graph_of_body(
      entry.name, *entry.samples[0], numbers_of(entry, sizes, integers), [&](Builder& b) {
        std::vector<Value> leaves;
        std::vector<Shape> shapes;
        for (size_t i = 0; i < entry.inputs[0].size(); ++i) {
          std::vector<std::span<const int64_t>> samples;
          for (const auto& sample : entry.inputs) samples.emplace_back(sample[i]->shape);
          shapes.push_back(numbers_of(entry, sizes, samples));
        }
        for (const Size& size : sizes) {
          const auto mentions = [&](const Index& e) { return e.mentions(size.symbol.name); };
          if (std::ranges::any_of(
                  shapes, [&](const Shape& shape) { return std::ranges::any_of(shape, mentions); }))
            b.graph().add_symbol(size.symbol);
        }
        for (size_t i = 0; i < shapes.size(); ++i)
          leaves.push_back(b.input(entry.input_names[i], entry.inputs[0][i]->dtype, shapes[i]));
        for (const std::string& name : entry.state_names)
          leaves.push_back(b.parameter(name, states.at(name)));
        for (const Tensor& capture : entry.captures[0]) leaves.push_back(b.constant(capture));
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
  for (const py::handle body : given["bodies"])
    entry.samples.push_back(body.cast<py::capsule>().get_pointer<const trace::Body>());
  for (const py::handle sample : given["captures"]) {
    entry.captures.emplace_back();
    for (const py::handle array : sample)
      entry.captures.back().push_back(tensor_of(py::reinterpret_borrow<py::object>(array)));
  }
  for (const py::handle sample : given["inputs"]) {
    entry.inputs.emplace_back();
    for (const py::handle array : sample)
      entry.inputs.back().push_back(variable_of(array.ptr())->type);
  }
  entry.input_names = given["input_names"].cast<Names>();
  entry.state_names = given["state_names"].cast<Names>();
  entry.result_names = given["result_names"].cast<Names>();
  entry.update_names = given["update_names"].cast<Names>();
  return entry;
}

// Of states by name: what each is for, and the name of the one that it belongs to, or "".
using Roles = std::map<std::string, std::pair<std::string, std::string>>;

void give_roles(const Roles& roles, Program& program) {
  const auto name_of = [&](const State& state) { return port_name(program.buffers[state.buffer]); };
  for (State& state : program.states) {
    const auto given = roles.find(name_of(state));
    if (given == roles.end()) continue;
    const auto& [role, of] = given->second;
    state.role = role == "optimizer"  ? StateRole::optimizer
                 : role == "gradient" ? StateRole::gradient
                                      : StateRole::value;
    const auto owner = std::ranges::find(program.states, of, name_of);
    if (owner != program.states.end())
      state.of = static_cast<int32_t>(owner - program.states.begin());
  }
}

// sizes: (name, values in the samples, least, most or -1).
void export_package(
    const std::vector<py::dict>& entries, const std::map<std::string, py::object>& states,
    const Roles& roles,
    const std::vector<std::tuple<std::string, std::vector<int64_t>, int64_t, int64_t>>& declared,
    const std::string& directory, const std::vector<std::pair<std::string, std::string>>& options) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, array] : states) values.emplace(name, tensor_of(array));
  std::vector<RecordedEntry> recorded;
  for (const py::dict& entry : entries) recorded.push_back(recorded_entry(entry));
  std::vector<Size> sizes;
  for (const auto& [name, samples, least, most] : declared)
    sizes.push_back({{name, samples}, {name, least, most, 1, samples[0]}});
  CompileContext context(options_of(options));
  const py::gil_scoped_release unlocked;
  std::vector<Graph> graphs;
  for (const RecordedEntry& entry : recorded) graphs.push_back(graph_of(entry, values, sizes));
  optimise(context, std::span<Graph>(graphs));
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::all_with_vectors);
  Program program = build_program(context, std::span<const Graph>(graphs), levels);
  give_roles(roles, program);
  write_program_package(context, program, cases_from_here(context, program, graphs), directory);
}

}  // namespace

void add_exporting(py::module_& module) { module.def("export_package", export_package); }

}  // namespace mintor
