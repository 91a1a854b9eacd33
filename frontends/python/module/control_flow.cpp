// SPDX-License-Identifier: Apache-2.0
// Functions of control flow, for mintor/control_flow.py. Takes Arrays; gives placeholders that a
// function is called with, and what it did with them as an attribute of a call. Keeps true: a
// recording that was entered is left again, also when the function raises.
#include <pybind11/stl.h>

#include "frontends/python/module/array.h"
#include "frontends/python/module/array_object.h"
#include "frontends/python/trace/body.h"

namespace py = pybind11;

namespace mintor {

using trace::BodyRecorder;
using trace::Ref;
using trace::Variable;

namespace {

py::object array_of(Ref<Variable> variable) {
  return py::reinterpret_steal<py::object>(new_array(array_type, std::move(variable)));
}

// Placeholders of the arrays' types; from `scanned` on, of their slices along dimension 0.
py::list enter(BodyRecorder& recorder, const std::vector<py::object>& arrays, size_t scanned) {
  recorder.enter();
  py::list placeholders;
  for (size_t i = 0; i < arrays.size(); ++i) {
    checked_array(arrays[i]);
    const trace::ValueType* type = variable_of(arrays[i].ptr())->type;
    if (i >= scanned) {
      if (type->shape.empty()) throw py::value_error("an array without dimensions has no slices");
      type = trace::tape().signatures().type(type->dtype, std::span(type->shape).subspan(1));
    }
    placeholders.append(array_of(recorder.input(type)));
  }
  return placeholders;
}

py::capsule finish(BodyRecorder& recorder, const std::vector<py::object>& results) {
  std::vector<Variable*> variables;
  for (const py::object& result : results) {
    checked_array(result);
    variables.push_back(variable_of(result.ptr()));
  }
  return py::capsule(&recorder.finish(variables), kBodyName);
}

py::list captures(const BodyRecorder& recorder) {
  py::list arrays;
  for (const Ref<Variable>& capture : recorder.captures()) arrays.append(array_of(capture));
  return arrays;
}

}  // namespace

void add_control_flow(py::module_& module) {
  py::class_<BodyRecorder>(module, "BodyRecorder")
      .def(py::init<std::string, bool, bool>(), py::arg("op"), py::arg("repeats"),
           py::arg("assigns") = false)
      .def("enter", enter)
      .def("finish", finish)
      .def("leave", &BodyRecorder::leave)
      .def("captures", captures);
  module.def("have_same_type", [](const py::object& a, const py::object& b) {
    return checked_array(a)->variable->type == checked_array(b)->variable->type;
  });
  // The operator of control flow whose function this thread records now, None without one, or where
  // the function may change what is outside.
  // `repeats`: the innermost that runs its function more than once.
  module.def("recorded_operator", [](bool repeats) -> py::object {
    const auto& bodies = trace::tape().bodies;
    for (auto at = bodies.rbegin(); at != bodies.rend(); ++at) {
      if ((*at)->thread() != std::this_thread::get_id() || (*at)->assigns()) continue;
      if (!repeats || (*at)->repeats()) return py::str((*at)->op());
    }
    return py::none();
  });
  module.def("is_placeholder",
             [](const py::object& array) { return checked_array(array)->variable->body != 0; });
}

}  // namespace mintor
