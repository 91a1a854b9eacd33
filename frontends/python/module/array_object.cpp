// SPDX-License-Identifier: Apache-2.0
// Between Python objects and the tape. Takes arrays, Python numbers (which take the dtype of the
// arrays beside them), and through mintor.arrays._convert all else; gives Arrays.
#include "frontends/python/module/array_object.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "frontends/python/trace/autocast.h"

namespace py = pybind11;

namespace mintor {

using trace::Ref;
using trace::Storage;
using trace::TracedOperator;
using trace::Variable;

PyTypeObject* array_type = nullptr;
PyObject* convert_function = nullptr;
PyObject* watch_function = nullptr;
ArrayWatch array_watch;
int arrays_are_watched = 0;

namespace {

// Inside of a function of control flow only what it made itself may take another value.
void check_own(const ArrayObject* array) {
  const trace::BodyRecorder* body = trace::tape().body();
  if (!body || body->assigns() || body->serial() == array->body) return;
  body->refuse("gives an array from outside another value",
               "take the array as an argument and return its new value");
}

}  // namespace

void hold(ArrayObject* array, Ref<Variable> variable) {
  if (!trace::tape().bodies.empty() && array->variable && variable) check_own(array);
  if (arrays_are_watched && array->variable) {
    array_watch.changed(reinterpret_cast<PyObject*>(array));
  }
  if (Variable* old = array->variable) {
    --old->handles;
    const Ref<Variable> last(old);
    --old->references;
    array->variable = nullptr;
  }
  if (!variable) return;
  ++variable->handles;
  ++variable->references;
  array->variable = variable.get();
}

PyObject* new_array(PyTypeObject* type, Ref<Variable> variable) {
  PyObject* object = type->tp_alloc(type, 0);
  if (!object) throw py::error_already_set();
  auto* array = reinterpret_cast<ArrayObject*>(object);
  if (!trace::tape().bodies.empty()) {
    const trace::BodyRecorder* body = trace::tape().body();
    array->body = body ? body->serial() : 0;
  }
  hold(array, std::move(variable));
  if (arrays_are_watched) array_watch.made(object);
  return object;
}

bool is_array(PyObject* object) {
  return Py_TYPE(object) == array_type || PyObject_TypeCheck(object, array_type);
}

Variable* variable_of(PyObject* object) {
  Variable* variable = reinterpret_cast<ArrayObject*>(object)->variable;
  if (!variable) throw py::value_error("this array was never given a value");
  if (arrays_are_watched) array_watch.used(object);
  return variable;
}

ArrayObject* checked_array(const py::object& object) {
  if (!is_array(object.ptr())) {
    throw py::type_error("expected an Array, got " + py::repr(object).cast<std::string>());
  }
  return reinterpret_cast<ArrayObject*>(object.ptr());
}

int weak_kind(PyObject* object) {
  if (PyFloat_Check(object)) return 2;  // numpy.float64 too
  if (PyLong_CheckExact(object)) return 1;
  if (PyBool_Check(object)) return 0;
  return -1;
}

namespace {

Ref<Variable> scalar_leaf(PyObject* number, int kind, DType dtype) {
  const trace::ValueType* type = trace::tape().signatures().type(dtype, {});
  Ref<Storage> storage(new Storage(8));
  Scalar value;
  if (kind == 2) {
    value = Scalar::of(dtype, PyFloat_AS_DOUBLE(number));
  } else if (kind == 0) {
    value = Scalar::of_int(dtype, number == Py_True ? 1 : 0);
  } else {
    int overflow = 0;
    int64_t integer = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow > 0 && dtype == DType::u64) {
      integer = static_cast<int64_t>(PyLong_AsUnsignedLongLong(number));
      if (PyErr_Occurred()) throw py::error_already_set();
      overflow = 0;
    }
    if (overflow != 0 && is_float(dtype)) {
      const double wide = PyLong_AsDouble(number);
      if (PyErr_Occurred()) throw py::error_already_set();
      value = Scalar::of(dtype, wide);
    } else if (overflow != 0) {
      PyErr_Format(PyExc_OverflowError, "the Python integer %S does not fit %s", number,
                   std::string(name_of(dtype)).c_str());
      throw py::error_already_set();
    } else {
      value = Scalar::of_int(dtype, integer);
      if (is_int(dtype) && value.i != integer) {
        PyErr_Format(PyExc_OverflowError, "the Python integer %S does not fit %s", number,
                     std::string(name_of(dtype)).c_str());
        throw py::error_already_set();
      }
    }
  }
  value.write(storage->data);
  return trace::tape().leaf(type, std::move(storage));
}

}  // namespace

PyObject* array_of_number(PyObject* number, DType dtype) {
  return new_array(array_type, scalar_leaf(number, weak_kind(number), dtype));
}

Operand operand_of(PyObject* object) {
  if (is_array(object)) return {Ref<Variable>(variable_of(object))};
  if (const int kind = weak_kind(object); kind >= 0) return {{}, object, kind};
  const py::object converted =
      py::reinterpret_steal<py::object>(PyObject_CallOneArg(convert_function, object));
  if (!converted) throw py::error_already_set();
  return {Ref<Variable>(variable_of(converted.ptr()))};
}

// Numbers become leaves of the dtype that the operator gives them.
static void settle_numbers(const TracedOperator& op, std::span<Operand> operands) {
  bool any = false;
  for (const Operand& operand : operands) any = any || operand.number;
  if (!any) return;
  const auto from = static_cast<size_t>(op.promoted_from);
  std::optional<DType> strong;
  int most = 0;
  for (size_t i = from; i < operands.size(); ++i) {
    if (operands[i].number) {
      most = std::max(most, operands[i].kind);
    } else {
      const DType dtype = operands[i].variable->type->dtype;
      strong = strong ? trace::promote(*strong, dtype) : dtype;
    }
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    Operand& operand = operands[i];
    if (!operand.number) continue;
    const DType dtype = i < from ? trace::default_dtype(operand.kind)
                        : strong ? trace::weak_dtype(operand.kind, *strong)
                                 : trace::default_dtype(most);
    operand.variable = scalar_leaf(operand.number, operand.kind, dtype);
  }
}

void write_attribute(trace::AttributeWriter& writer, PyObject* object) {
  if (object == Py_None) {
    writer.none();
  } else if (PyFloat_Check(object)) {
    writer.number(PyFloat_AS_DOUBLE(object));
  } else if (PyUnicode_Check(object)) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(object, &size);
    if (!text) throw py::error_already_set();
    writer.text({text, static_cast<size_t>(size)});
  } else if (PyCapsule_IsValid(object, kBodyName)) {
    writer.body(static_cast<const trace::Body*>(PyCapsule_GetPointer(object, kBodyName))->hash);
  } else if (PyTuple_Check(object) || PyList_Check(object)) {
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(object);
    writer.list(size);
    for (Py_ssize_t i = 0; i < size; ++i) {
      write_attribute(writer, PySequence_Fast_GET_ITEM(object, i));
    }
  } else {
    const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(object));
    if (!index) throw py::error_already_set();
    const long long value = PyLong_AsLongLong(index.ptr());
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    writer.integer(value);
  }
}

// Under mt.amp.autocast: operands in the precision that the operator wants.
static void cast_operands(const TracedOperator& op, std::span<Operand> operands, DType low) {
  const trace::Precision wanted = trace::precision_of(op);
  if (wanted == trace::Precision::as_given) return;
  const DType dtype = wanted == trace::Precision::low ? low : DType::f32;
  static const TracedOperator& cast = *trace::find_traced_operator("cast");
  std::string attributes;
  trace::AttributeWriter(attributes).text(name_of(dtype));
  for (Operand& operand : operands) {
    const DType given = operand.variable->type->dtype;
    if (!is_float(given) || given == DType::f64 || given == dtype) continue;
    Variable* variable = operand.variable.get();
    operand.variable = trace::tape().record(cast, {&variable, 1}, attributes)[0];
  }
}

PyObject* call_operator(const TracedOperator& op, std::span<Operand> operands,
                        const std::string& attributes) {
  settle_numbers(op, operands);
  if (trace::tape().autocast) cast_operands(op, operands, *trace::tape().autocast);
  constexpr size_t kFew = 8;
  Variable* few[kFew];
  std::vector<Variable*> many;
  if (operands.size() > kFew) many.resize(operands.size());
  Variable** variables = operands.size() > kFew ? many.data() : few;
  for (size_t i = 0; i < operands.size(); ++i) variables[i] = operands[i].variable.get();
  std::vector<Ref<Variable>> results =
      trace::tape().record(op, {variables, operands.size()}, attributes);
  if (results.size() == 1) return new_array(array_type, std::move(results[0]));
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(results.size()));
  if (!tuple) throw py::error_already_set();
  for (size_t i = 0; i < results.size(); ++i) {
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i),
                     new_array(array_type, std::move(results[i])));
  }
  return tuple;
}

}  // namespace mintor
