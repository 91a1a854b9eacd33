// SPDX-License-Identifier: Apache-2.0
// The Python module's native half, mintor._mintor: compile, open, run, save.
// Takes paths, option texts and NumPy arrays; gives NumPy arrays; CompileError and InternalError
// become Python exceptions of those names. Keeps true: the interpreter's lock is released while
// models compile and run, and one model may be called from several threads (they take turns).
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "compiler/support/error.h"
#include "frontends/python/module/array.h"
#include "frontends/python/module/model.h"
#include "frontends/python/trace/not_a_number.h"

namespace py = pybind11;

namespace mintor {
namespace {

py::list option_list() {
  py::list table;
  for (const OptionInfo& info : option_table()) {
    py::dict row;
    row["name"] = std::string(info.name);
    row["is_list"] = info.kind == OptionKind::List;
    row["is_flag"] = info.kind == OptionKind::Flag;
    row["choices"] = std::string(info.choices);
    row["help"] = std::string(info.help);
    table.append(row);
  }
  return table;
}

}  // namespace
}  // namespace mintor

PYBIND11_MODULE(_mintor, module) {
  using mintor::PyModel;
  module.attr("version") = MINTOR_VERSION;
  py::register_exception<mintor::CompileError>(module, "CompileError", PyExc_ValueError);
  // Raised by calls of operators (array_object.h); both a CompileError and a TypeError.
  module.attr("DTypeError") = py::reinterpret_steal<py::object>(PyErr_NewException(
      "mintor.DTypeError",
      py::make_tuple(module.attr("CompileError"), py::handle(PyExc_TypeError)).ptr(), nullptr));
  py::register_exception<mintor::trace::NotANumber>(module, "NotANumberError",
                                                    PyExc_FloatingPointError);
  py::register_exception<mintor::InternalError>(module, "InternalError", PyExc_RuntimeError);
  module.def("option_table", &mintor::option_list);
  module.def("compile", [](const std::string& path,
                           const std::vector<std::pair<std::string, std::string>>& options) {
    const mintor::Options chosen = mintor::options_of(options);
    const py::gil_scoped_release unlocked;
    return mintor::compile_model(path, chosen);
  });
  module.def("load", [](const std::string& directory, int threads, const std::string& level,
                         bool check, std::optional<std::vector<std::string>> trained) {
    const py::gil_scoped_release unlocked;
    return mintor::load_model_package(directory, threads, level, check, std::move(trained));
  });
  mintor::add_arrays(module);
  mintor::add_control_flow(module);
  mintor::add_gradient_points(module);
  mintor::add_recordings(module);
  mintor::add_exporting(module);
  py::class_<PyModel>(module, "Model")
      .def("__call__", &PyModel::call)
      .def("run", &PyModel::run)
      .def("run_entry", &PyModel::run_entry)
      .def("parameter", &PyModel::parameter)
      .def("set_parameter", &PyModel::set_parameter)
      .def("reset", &PyModel::reset)
      .def("save_parameters", &PyModel::save_parameters)
      .def("load_parameters", &PyModel::load_parameters)
      .def("set_trained", &PyModel::set_trained)
      .def_property_readonly("parameters", &PyModel::parameters)
      .def_property_readonly("entries", &PyModel::entries)
      .def_property_readonly("states", &PyModel::states)
      .def("save", &PyModel::save)
      .def_property_readonly("name", &PyModel::name)
      .def_property_readonly("numerics_hash", &PyModel::numerics_hash)
      .def_property_readonly("level", &PyModel::level)
      .def_property_readonly("inputs", &PyModel::inputs)
      .def_property_readonly("outputs", &PyModel::outputs)
      .def_property_readonly("kernels", &PyModel::kernels)
      .def_property_readonly("explanations", &PyModel::explanations)
      .def_property_readonly("warnings", &PyModel::warnings);
}
