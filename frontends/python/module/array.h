// SPDX-License-Identifier: Apache-2.0
// mintor.Array, the type that Python code computes with, and the operators that it calls. Written
// against Python's C interface: a call has to cost well below a microsecond. Methods that are not
// called every step are Python functions (mintor/arrays.py), put onto the type when the package is
// imported.
#pragma once

#include <pybind11/pybind11.h>

namespace mintor {

// Adds Array, the operators and what the Python half needs of the tracer.
void add_arrays(pybind11::module_& module);
void add_control_flow(pybind11::module_& module);     // functions of cond, while_loop, scan
void add_explanations(pybind11::module_& module);     // what would run, and what ran
void add_recordings(pybind11::module_& module);       // functions that are traced once
void add_gradient_points(pybind11::module_& module);  // hooks and functions with a backward
void add_exporting(pybind11::module_& module);        // functions as the entries of a package

}  // namespace mintor
