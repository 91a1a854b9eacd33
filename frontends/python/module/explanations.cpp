// SPDX-License-Identifier: Apache-2.0
// What would run and what ran, for mt.explain and mt.profile. Takes an array that is not computed
// yet; gives the graph, kernels and source of what it needs, as texts. Keeps true: asking computes
// nothing; what is shown is what a flush for that array alone would run.
#include <pybind11/stl.h>

#include "compiler/cli/model_io.h"
#include "compiler/driver/driver.h"
#include "compiler/ir/text.h"
#include "frontends/python/module/array.h"
#include "frontends/python/module/array_object.h"
#include "frontends/python/trace/profile.h"

namespace py = pybind11;

namespace mintor {
namespace {

Graph pending(const py::object& array) {
  if (array.is_none()) return trace::tape().graph();
  checked_array(array);
  trace::Variable* variable = variable_of(array.ptr());
  trace::tape().include_history(variable, {});
  return trace::tape().graph_of(variable);
}

std::string explained(const py::object& array, const std::string& section) {
  Graph graph = pending(array);
  if (section == "graph") return print(graph);
  if (graph.results.empty()) return "";
  CompileContext context;
  context.options.threads = trace::tape().threads;
  context.options.explain = section == "decisions";
  const std::vector<std::string> levels = levels_of(context, DefaultLevels::native);
  graph = optimise(context, std::move(graph));
  if (section == "optimised") return print(graph);
  const Program program = build_program(context, graph, levels);
  if (section == "kernels") return print(program);
  std::string text;
  if (section == "decisions") {
    for (const std::string& decision : context.explanations) text += decision + "\n";
    return text;
  }
  for (const EmittedSource& source : emit_source(program)) {
    text += "// " + source.file + "\n" + source.text + "\n";
  }
  return text;
}

}  // namespace

void add_explanations(py::module_& module) {
  module.def("pending_graph", [] { return print(trace::tape().graph()); });
  module.def("explained", explained);
  module.def("set_scope", [](const std::string& name) {
    return trace::scope_name(std::exchange(trace::tape().scope, trace::scope_number(name)));
  });
  module.def("start_profile", trace::start_profile);
  module.def("stop_profile", [] {
    py::list launches;
    for (const trace::Launch& launch : trace::stop_profile()) {
      launches.append(py::make_tuple(launch.kernel, launch.begin, launch.end, launch.thread));
    }
    return launches;
  });
}

}  // namespace mintor
