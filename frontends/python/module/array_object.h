// SPDX-License-Identifier: Apache-2.0
// What the parts of the native half of arrays share: the object behind mintor.Array, and operands
// of calls. Takes Python objects; gives Variables of the tape, and the other way round. Keeps true:
// an error of C++ becomes a Python exception at the call; `handles` of a Variable counts the Arrays
// that hold it; numbers take the dtype of the arrays beside them.
#pragma once

#include <pybind11/pybind11.h>

#include <span>
#include <string>

#include "compiler/support/error.h"
#include "frontends/python/trace/tape.h"

namespace mintor {

struct ArrayObject {
  PyObject_HEAD trace::Variable*
      variable;  // counted, and one of its handles; null before it is set
  PyObject* weak_references;
  PyObject* grad;  // None, or an Array; null: None
  bool requires_grad;
  uint32_t body;  // of control flow, in which it was made (trace/body.h); 0: none
};

extern PyTypeObject* array_type;    // one interpreter: set when the module is imported
extern PyObject* convert_function;  // mintor.arrays._convert
extern PyObject* watch_function;    // mintor.gradients.watch

// What Python does with arrays while a function is recorded (recording.cpp); called only then.
struct ArrayWatch {
  void (*used)(PyObject* array) = nullptr;                  // its value is asked for
  void (*made)(PyObject* array) = nullptr;                  // it was made just now
  void (*changed)(PyObject* array) = nullptr;               // it takes another value, or ends
  void (*gradient)(PyObject* array, bool known) = nullptr;  // its `grad` is read or set
};
extern ArrayWatch array_watch;
extern int arrays_are_watched;  // by how many

// The Array takes this value, or none.
void hold(ArrayObject* array, trace::Ref<trace::Variable> variable);
PyObject* new_array(PyTypeObject* type, trace::Ref<trace::Variable> variable);
bool is_array(PyObject* object);
trace::Variable* variable_of(PyObject* array);
// TypeError for what is none.
ArrayObject* checked_array(const pybind11::object& object);

struct Operand {
  trace::Ref<trace::Variable> variable;
  PyObject* number = nullptr;  // borrowed; a Python number that has no dtype yet
  int kind = -1;
};

// 0 bool, 1 int, 2 float; -1: no Python number.
int weak_kind(PyObject* object);
Operand operand_of(PyObject* object);
constexpr const char* kBodyName = "mintor.body";  // of capsules that are functions (trace::Body)
// Attributes are numbers, texts, None, functions of control flow, and lists of them.
void write_attribute(trace::AttributeWriter& writer, PyObject* object);
// An Array, or a tuple of them.
PyObject* call_operator(const trace::TracedOperator& op, std::span<Operand> operands,
                        const std::string& attributes);
// An Array of what a Python number is in that dtype.
PyObject* array_of_number(PyObject* number, DType dtype);
// What passes the gradient of a call that is made again; see Recording::Again.
trace::Ref<trace::Attachment> owner_again(const trace::Attachment& like,
                                          std::span<const trace::Ref<trace::Variable>> kept);
// The element of an array that has one, computed.
Scalar only_element(PyObject* array, const char* what);
pybind11::object python_number(const Scalar& value);

// The types, made once: arrays (array_type.cpp), operators (operator_object.cpp).
void make_array_type();
void make_operator_type();
pybind11::object find_operator(const std::string& name);
pybind11::object numpy_of(trace::Variable* variable);

// Runs `body`; a C++ exception becomes a Python one and the result `failed`.
template <class Result, class Body>
Result guarded(Result failed, Body body) {
  try {
    return body();
  } catch (pybind11::error_already_set& error) {
    error.restore();
  } catch (const trace::DTypeError& error) {
    PyErr_SetString(pybind11::module_::import("mintor._mintor").attr("DTypeError").ptr(),
                    error.what());
  } catch (const CompileError& error) {
    PyErr_SetString(pybind11::module_::import("mintor._mintor").attr("CompileError").ptr(),
                    error.what());
  } catch (const trace::NotANumber& error) {
    PyErr_SetString(pybind11::module_::import("mintor._mintor").attr("NotANumberError").ptr(),
                    error.what());
  } catch (const InternalError& error) {
    PyErr_SetString(pybind11::module_::import("mintor._mintor").attr("InternalError").ptr(),
                    error.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const pybind11::builtin_exception& error) {
    error.set_error();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return failed;
}

}  // namespace mintor
