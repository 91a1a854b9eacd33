// SPDX-License-Identifier: Apache-2.0
// Between Python objects and the tape. Takes arrays, Python numbers (which take the dtype of the
// arrays beside them), and through mintor.arrays._convert all else; gives Arrays. Keeps true: an
// error of C++ becomes a Python exception at the call; `handles` of a Variable counts the Arrays
// that hold it.
#include "frontends/python/module/array.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <structmember.h>

#include <cstring>
#include <unordered_map>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "compiler/support/error.h"
#include "frontends/python/module/numpy_dtype.h"
#include "frontends/python/trace/allocator.h"
#include "frontends/python/trace/tape.h"

namespace py = pybind11;

namespace mintor {
namespace {

using trace::Ref;
using trace::Storage;
using trace::TracedOperator;
using trace::Variable;

struct ArrayObject {
  PyObject_HEAD Variable* variable;  // counted, and one of its handles; null before it is set
  PyObject* weak_references;
  PyObject* grad;  // None, or an Array; null: None
  bool requires_grad;
};

PyTypeObject* array_type = nullptr;    // one interpreter: set when the module is imported
PyObject* convert_function = nullptr;  // mintor.arrays._convert
PyObject* watch_function = nullptr;    // mintor.gradients.watch

void hold(ArrayObject* array, Ref<Variable> variable) {
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
  hold(array, std::move(variable));
  return object;
}

bool is_array(PyObject* object) {
  return Py_TYPE(object) == array_type || PyObject_TypeCheck(object, array_type);
}

Variable* variable_of(PyObject* object) {
  Variable* variable = reinterpret_cast<ArrayObject*>(object)->variable;
  if (!variable) throw py::value_error("this array was never given a value");
  return variable;
}

// Runs `body`; a C++ exception becomes a Python one and the result `failed`.
template <class Result, class Body>
Result guarded(Result failed, Body body) {
  try {
    return body();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const CompileError& error) {
    PyErr_SetString(py::module_::import("mintor._mintor").attr("CompileError").ptr(), error.what());
  } catch (const InternalError& error) {
    PyErr_SetString(py::module_::import("mintor._mintor").attr("InternalError").ptr(),
                    error.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return failed;
}

// ---- operands ----

// 0 bool, 1 int, 2 float; -1: no Python number.
int weak_kind(PyObject* object) {
  if (PyFloat_Check(object)) return 2;  // numpy.float64 too
  if (PyLong_CheckExact(object)) return 1;
  if (PyBool_Check(object)) return 0;
  return -1;
}

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

struct Operand {
  Ref<Variable> variable;
  PyObject* number = nullptr;  // borrowed; a Python number that has no dtype yet
  int kind = -1;
};

Operand operand_of(PyObject* object) {
  if (is_array(object)) return {Ref<Variable>(variable_of(object))};
  if (const int kind = weak_kind(object); kind >= 0) return {{}, object, kind};
  const py::object converted =
      py::reinterpret_steal<py::object>(PyObject_CallOneArg(convert_function, object));
  if (!converted) throw py::error_already_set();
  return {Ref<Variable>(variable_of(converted.ptr()))};
}

// Numbers become leaves of the dtype that the operator gives them.
void settle_numbers(const TracedOperator& op, std::span<Operand> operands) {
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

// ---- attributes ----

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

// ---- calls ----

PyObject* call_operator(const TracedOperator& op, std::span<Operand> operands,
                        const std::string& attributes) {
  settle_numbers(op, operands);
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

struct OperatorObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  const TracedOperator* op;
};

PyTypeObject* operator_type = nullptr;

// operator(operands..., attributes...); an operator of a list takes the list first.
PyObject* operator_call(PyObject* self, PyObject* const* arguments, size_t flags, PyObject* names) {
  const TracedOperator& op = *reinterpret_cast<OperatorObject*>(self)->op;
  auto count = static_cast<size_t>(PyVectorcall_NARGS(flags));
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (names && PyTuple_GET_SIZE(names) > 0) {
      throw py::type_error(std::string(op.name) + " takes no keywords");
    }
    constexpr size_t kFew = 4;
    Operand few[kFew];
    std::vector<Operand> many;
    std::span<Operand> operands;
    if (op.operands < 0) {
      if (count == 0) throw py::type_error(std::string(op.name) + " takes a list of operands");
      const py::object list =
          py::reinterpret_steal<py::object>(PySequence_Fast(arguments[0], "expected a list"));
      if (!list) throw py::error_already_set();
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.ptr()); ++i) {
        many.push_back(operand_of(PySequence_Fast_GET_ITEM(list.ptr(), i)));
      }
      operands = many;
      ++arguments;
      --count;
    } else {
      const auto wanted = static_cast<size_t>(op.operands);
      if (count < wanted) {
        throw py::type_error(std::string(op.name) + " takes " + std::to_string(wanted) +
                             " arrays, got " + std::to_string(count));
      }
      for (size_t i = 0; i < wanted; ++i) few[i] = operand_of(arguments[i]);
      operands = {few, wanted};
      arguments += wanted;
      count -= wanted;
    }
    std::string attributes;
    if (count > 0) {
      trace::AttributeWriter writer(attributes);
      for (size_t i = 0; i < count; ++i) write_attribute(writer, arguments[i]);
    }
    return call_operator(op, operands, attributes);
  });
}

PyObject* operator_repr(PyObject* self) {
  const std::string_view name = reinterpret_cast<OperatorObject*>(self)->op->name;
  return PyUnicode_FromFormat("<mintor operator %s>", std::string(name).c_str());
}

py::object find_operator(const std::string& name) {
  const TracedOperator* op = trace::find_traced_operator(name);
  if (!op) throw py::key_error("there is no operator '" + name + "'");
  auto* object = reinterpret_cast<OperatorObject*>(operator_type->tp_alloc(operator_type, 0));
  if (!object) throw py::error_already_set();
  object->vectorcall = operator_call;
  object->op = op;
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(object));
}

// ---- number protocol ----

bool is_operand(PyObject* object) {
  return is_array(object) || weak_kind(object) >= 0 || PyObject_CheckBuffer(object) ||
         PyList_Check(object) || PyTuple_Check(object) ||
         PyObject_HasAttrString(object, "__array__");
}

const TracedOperator& named(const char* name) {
  const TracedOperator* op = trace::find_traced_operator(name);
  check(op != nullptr, "array", "an operator of the number protocol is missing");
  return *op;
}

template <const char* const& name>
PyObject* binary_slot(PyObject* left, PyObject* right) {
  static const TracedOperator& op = named(name);
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (!is_operand(left) || !is_operand(right)) return Py_NewRef(Py_NotImplemented);
    Operand operands[] = {operand_of(left), operand_of(right)};
    return call_operator(op, operands, "");
  });
}

// The array itself takes the result: every name of it sees the new value.
template <const char* const& name>
PyObject* in_place_slot(PyObject* self, PyObject* other) {
  PyObject* result = binary_slot<name>(self, other);
  if (!result || result == Py_NotImplemented) return result;
  const py::object made = py::reinterpret_steal<py::object>(result);
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Ref<Variable> value(variable_of(made.ptr()));
    const Variable* own = variable_of(self);
    if (value->type->shape != own->type->shape) {
      throw py::value_error("an operation in place does not change the array's shape");
    }
    if (value->type->dtype != own->type->dtype) {
      static const TracedOperator& cast = named("cast");
      std::string attributes;
      trace::AttributeWriter(attributes).text(name_of(own->type->dtype));
      Variable* operand = value.get();
      value = trace::tape().record(cast, {&operand, 1}, attributes)[0];
    }
    hold(reinterpret_cast<ArrayObject*>(self), std::move(value));
    return Py_NewRef(self);
  });
}

template <const char* const& name>
PyObject* unary_slot(PyObject* self) {
  static const TracedOperator& op = named(name);
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Operand operands[] = {operand_of(self)};
    return call_operator(op, operands, "");
  });
}

#define MINTOR_NAME(name) constexpr const char* k_##name = #name;
MINTOR_NAME(add)
MINTOR_NAME(subtract)
MINTOR_NAME(multiply)
MINTOR_NAME(divide) MINTOR_NAME(floor_divide) MINTOR_NAME(remainder) MINTOR_NAME(pow)
    MINTOR_NAME(matmul) MINTOR_NAME(negative) MINTOR_NAME(positive) MINTOR_NAME(abs)
        MINTOR_NAME(bitwise_invert) MINTOR_NAME(bitwise_and) MINTOR_NAME(bitwise_or)
            MINTOR_NAME(bitwise_xor) MINTOR_NAME(bitwise_left_shift)
                MINTOR_NAME(bitwise_right_shift) MINTOR_NAME(equal) MINTOR_NAME(not_equal)
                    MINTOR_NAME(less) MINTOR_NAME(less_equal) MINTOR_NAME(greater)
                        MINTOR_NAME(greater_equal)
#undef MINTOR_NAME

    // A small whole power that the program says is a product; any other is a number of the run.
    PyObject* power_slot(PyObject* base, PyObject* exponent, PyObject* modulus) {
  static const TracedOperator& integer_power = named("integer_power");
  if (modulus != Py_None) {
    PyErr_SetString(PyExc_TypeError, "pow of an array takes no modulus");
    return nullptr;
  }
  double whole = 0;
  if (PyLong_CheckExact(exponent)) {
    whole = static_cast<double>(PyLong_AsLong(exponent));
    if (PyErr_Occurred()) PyErr_Clear();
  } else if (PyFloat_CheckExact(exponent) && is_array(base) &&
             is_float(reinterpret_cast<ArrayObject*>(base)->variable->type->dtype)) {
    whole = PyFloat_AS_DOUBLE(exponent);
  }
  if (!is_array(base) || (whole != 2 && whole != 3)) return binary_slot<k_pow>(base, exponent);
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Operand operands[] = {operand_of(base)};
    std::string attributes;
    trace::AttributeWriter(attributes).integer(static_cast<int64_t>(whole));
    return call_operator(integer_power, operands, attributes);
  });
}

PyObject* in_place_power(PyObject* self, PyObject* exponent, PyObject*) {
  return in_place_slot<k_pow>(self, exponent);
}

PyObject* compare_slot(PyObject* left, PyObject* right, int op) {
  switch (op) {
    case Py_LT:
      return binary_slot<k_less>(left, right);
    case Py_LE:
      return binary_slot<k_less_equal>(left, right);
    case Py_EQ:
      return binary_slot<k_equal>(left, right);
    case Py_NE:
      return binary_slot<k_not_equal>(left, right);
    case Py_GT:
      return binary_slot<k_greater>(left, right);
    default:
      return binary_slot<k_greater_equal>(left, right);
  }
}

// ---- reading ----

py::array numpy_of(Variable* variable) {
  const Ref<Variable> kept(variable);
  trace::tape().compute(variable);
  const trace::ValueType& type = *variable->type;
  py::array array(numpy_dtype(type.dtype),
                  std::vector<py::ssize_t>(type.shape.begin(), type.shape.end()));
  if (type.bytes > 0) {
    std::memcpy(array.mutable_data(), variable->storage->data, static_cast<size_t>(type.bytes));
  }
  return array;
}

Scalar only_element(PyObject* self, const char* what) {
  Variable* variable = variable_of(self);
  if (variable->type->count != 1) {
    throw py::value_error(std::string(what) + " needs an array of one element, this one has " +
                          std::to_string(variable->type->count));
  }
  const Ref<Variable> kept(variable);
  trace::tape().compute(variable);
  return Scalar::read(variable->type->dtype, variable->storage->data);
}

py::object python_number(const Scalar& value) {
  if (value.dtype == DType::boolean) return py::bool_(value.i != 0);
  if (is_float(value.dtype)) return py::float_(value.f);
  if (value.dtype == DType::u64) return py::int_(static_cast<uint64_t>(value.i));
  return py::int_(value.i);
}

PyObject* float_slot(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&] {
    const Scalar value = only_element(self, "float()");
    return PyFloat_FromDouble(is_float(value.dtype) ? value.f : static_cast<double>(value.i));
  });
}

PyObject* int_slot(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Scalar value = only_element(self, "int()");
    if (is_float(value.dtype)) return PyLong_FromDouble(value.f);
    return py::int_(python_number(value)).release().ptr();
  });
}

PyObject* index_slot(PyObject* self) {
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Variable* variable = variable_of(self);
    if (!is_int(variable->type->dtype) || !variable->type->shape.empty()) {
      throw py::type_error("only an integer array without dimensions can be an index");
    }
    return py::int_(python_number(only_element(self, "index"))).release().ptr();
  });
}

int bool_slot(PyObject* self) {
  return guarded<int>(-1, [&] {
    const Scalar value = only_element(self, "bool()");
    return is_float(value.dtype) ? value.f != 0 : value.i != 0;
  });
}

// The bytes, to read: a later value of the array has others.
int buffer_slot(PyObject* self, Py_buffer* view, int flags) {
  return guarded<int>(-1, [&] {
    view->obj = nullptr;
    if (flags & PyBUF_WRITABLE) {
      PyErr_SetString(PyExc_BufferError, "an array's memory cannot be written to");
      throw py::error_already_set();
    }
    const py::array values = numpy_of(variable_of(self));
    return PyObject_GetBuffer(values.ptr(), view, flags);
  });
}

Py_ssize_t length_slot(PyObject* self) {
  return guarded<Py_ssize_t>(-1, [&]() -> Py_ssize_t {
    const Variable* variable = variable_of(self);
    if (variable->type->shape.empty()) {
      throw py::type_error("an array without dimensions has no length");
    }
    return variable->type->shape[0];
  });
}

// ---- life ----

void array_dealloc(PyObject* self) {
  auto* array = reinterpret_cast<ArrayObject*>(self);
  if (array->weak_references) PyObject_ClearWeakRefs(self);
  hold(array, {});
  Py_CLEAR(array->grad);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

void operator_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* shape_getter(PyObject* self, void*) {
  return guarded<PyObject*>(
      nullptr, [&] { return py::tuple(py::cast(variable_of(self)->type->shape)).release().ptr(); });
}

PyObject* ndim_getter(PyObject* self, void*) {
  return guarded<PyObject*>(
      nullptr, [&] { return PyLong_FromSize_t(variable_of(self)->type->shape.size()); });
}

PyObject* dtype_getter(PyObject* self, void*) {
  return guarded<PyObject*>(
      nullptr, [&] { return numpy_dtype(variable_of(self)->type->dtype).release().ptr(); });
}

PyObject* count_getter(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr,
                            [&] { return PyLong_FromLongLong(variable_of(self)->type->count); });
}

PyObject* requires_grad_getter(PyObject* self, void*) {
  return PyBool_FromLong(reinterpret_cast<ArrayObject*>(self)->requires_grad);
}

PyObject* grad_getter(PyObject* self, void*) {
  PyObject* grad = reinterpret_cast<ArrayObject*>(self)->grad;
  return Py_NewRef(grad ? grad : Py_None);
}

int grad_setter(PyObject* self, PyObject* value, void*) {
  if (value && value != Py_None && !is_array(value)) {
    PyErr_SetString(PyExc_TypeError, "a gradient is an Array or None");
    return -1;
  }
  Py_XSETREF(reinterpret_cast<ArrayObject*>(self)->grad, Py_XNewRef(value));
  return 0;
}

int requires_grad_setter(PyObject* self, PyObject* value, void*) {
  const int truth = value ? PyObject_IsTrue(value) : 0;
  if (truth < 0) return -1;
  reinterpret_cast<ArrayObject*>(self)->requires_grad = truth == 1;
  if (truth != 1 || !watch_function) return 0;
  PyObject* none = PyObject_CallOneArg(watch_function, self);
  Py_XDECREF(none);
  return none ? 0 : -1;
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

void make_types() {
  static PyMemberDef members[] = {
      {"__weaklistoffset__", T_PYSSIZET, offsetof(ArrayObject, weak_references), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr}};
  static PyGetSetDef getters[] = {
      {"shape", shape_getter, nullptr, "sizes, a tuple", nullptr},
      {"ndim", ndim_getter, nullptr, "how many dimensions", nullptr},
      {"dtype", dtype_getter, nullptr, "a NumPy dtype", nullptr},
      {"_count", count_getter, nullptr, "how many elements", nullptr},
      {"grad", grad_getter, grad_setter, "what backward() added up, or None", nullptr},
      {"requires_grad", requires_grad_getter, requires_grad_setter,
       "whether optimizers and backward() take it as a parameter", nullptr},
      {nullptr, nullptr, nullptr, nullptr, nullptr}};
  PyType_Slot slots[] = {
      {Py_tp_dealloc, slot(array_dealloc)},
      {Py_tp_members, members},
      {Py_tp_getset, getters},
      {Py_tp_richcompare, slot(compare_slot)},
      {Py_tp_hash, slot(_Py_HashPointer)},
      {Py_nb_add, slot(binary_slot<k_add>)},
      {Py_nb_subtract, slot(binary_slot<k_subtract>)},
      {Py_nb_multiply, slot(binary_slot<k_multiply>)},
      {Py_nb_true_divide, slot(binary_slot<k_divide>)},
      {Py_nb_floor_divide, slot(binary_slot<k_floor_divide>)},
      {Py_nb_remainder, slot(binary_slot<k_remainder>)},
      {Py_nb_power, slot(power_slot)},
      {Py_nb_matrix_multiply, slot(binary_slot<k_matmul>)},
      {Py_nb_and, slot(binary_slot<k_bitwise_and>)},
      {Py_nb_or, slot(binary_slot<k_bitwise_or>)},
      {Py_nb_xor, slot(binary_slot<k_bitwise_xor>)},
      {Py_nb_lshift, slot(binary_slot<k_bitwise_left_shift>)},
      {Py_nb_rshift, slot(binary_slot<k_bitwise_right_shift>)},
      {Py_nb_inplace_add, slot(in_place_slot<k_add>)},
      {Py_nb_inplace_subtract, slot(in_place_slot<k_subtract>)},
      {Py_nb_inplace_multiply, slot(in_place_slot<k_multiply>)},
      {Py_nb_inplace_true_divide, slot(in_place_slot<k_divide>)},
      {Py_nb_inplace_floor_divide, slot(in_place_slot<k_floor_divide>)},
      {Py_nb_inplace_remainder, slot(in_place_slot<k_remainder>)},
      {Py_nb_inplace_matrix_multiply, slot(in_place_slot<k_matmul>)},
      {Py_nb_inplace_power, slot(in_place_power)},
      {Py_nb_inplace_and, slot(in_place_slot<k_bitwise_and>)},
      {Py_nb_inplace_or, slot(in_place_slot<k_bitwise_or>)},
      {Py_nb_inplace_xor, slot(in_place_slot<k_bitwise_xor>)},
      {Py_nb_inplace_lshift, slot(in_place_slot<k_bitwise_left_shift>)},
      {Py_nb_inplace_rshift, slot(in_place_slot<k_bitwise_right_shift>)},
      {Py_nb_negative, slot(unary_slot<k_negative>)},
      {Py_nb_positive, slot(unary_slot<k_positive>)},
      {Py_nb_absolute, slot(unary_slot<k_abs>)},
      {Py_nb_invert, slot(unary_slot<k_bitwise_invert>)},
      {Py_nb_bool, slot(bool_slot)},
      {Py_nb_float, slot(float_slot)},
      {Py_nb_int, slot(int_slot)},
      {Py_nb_index, slot(index_slot)},
      {Py_mp_length, slot(length_slot)},
      {Py_bf_getbuffer, slot(buffer_slot)},
      {Py_tp_doc, const_cast<char*>("An array: a value that is computed when it is read.")},
      {0, nullptr}};
  PyType_Spec spec = {"mintor.Array", sizeof(ArrayObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  array_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));

  static PyMemberDef operator_members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(OperatorObject, vectorcall), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr}};
  PyType_Slot operator_slots[] = {{Py_tp_dealloc, slot(operator_dealloc)},
                                  {Py_tp_members, operator_members},
                                  {Py_tp_call, slot(PyVectorcall_Call)},
                                  {Py_tp_repr, slot(operator_repr)},
                                  {0, nullptr}};
  PyType_Spec operator_spec = {
      "mintor.Operator", sizeof(OperatorObject), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
      operator_slots};
  operator_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&operator_spec));
  if (!array_type || !operator_type) throw py::error_already_set();
}

// A new array with the bytes of a NumPy array, of its dtype.
py::object array_from_numpy(const py::array& given, const py::object& type) {
  const py::array array = py::array::ensure(given, py::array::c_style);
  if (!array) throw py::error_already_set();
  const std::vector<int64_t> shape(array.shape(), array.shape() + array.ndim());
  const trace::ValueType* value_type =
      trace::tape().signatures().type(dtype_of_numpy(array.dtype()), shape);
  Ref<Storage> storage(new Storage(value_type->bytes));
  std::memcpy(storage->data, array.data(), static_cast<size_t>(value_type->bytes));
  PyObject* made = new_array(reinterpret_cast<PyTypeObject*>(type.ptr()),
                             trace::tape().leaf(value_type, std::move(storage)));
  return py::reinterpret_steal<py::object>(made);
}

// The `random` of the graph, evaluated at once.
py::object random_now(const std::string& distribution, const std::string& dtype,
                      const std::vector<int64_t>& shape, uint64_t key, uint64_t counter,
                      const py::object& type) {
  const std::optional<DType> parsed = parse_dtype(dtype);
  if (!parsed) throw CompileError("random", "there is no dtype '" + dtype + "'");
  Graph graph;
  Builder b(graph);
  const auto number = [&](uint64_t value) {
    return b.constant_int(DType::u64, static_cast<int64_t>(value));
  };
  const Value drawn =
      b.random(distribution, *parsed, {shape.begin(), shape.end()}, number(key), number(counter));
  const Tensor tensor = evaluate_constant(drawn);
  const trace::ValueType* value_type = trace::tape().signatures().type(*parsed, shape);
  Ref<Storage> storage(new Storage(value_type->bytes));
  std::memcpy(storage->data, tensor.data, static_cast<size_t>(value_type->bytes));
  return py::reinterpret_steal<py::object>(
      new_array(reinterpret_cast<PyTypeObject*>(type.ptr()),
                trace::tape().leaf(value_type, std::move(storage))));
}

ArrayObject* checked(const py::object& object) {
  if (!is_array(object.ptr())) {
    throw py::type_error("expected an Array, got " + py::repr(object).cast<std::string>());
  }
  return reinterpret_cast<ArrayObject*>(object.ptr());
}

// The innermost frame outside of the package itself.
trace::Place current_place() {
  static auto* const own = new std::unordered_map<const void*, bool>;  // code objects of ours
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  trace::Place place;
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    auto known = own->find(code);
    if (known == own->end()) {
      const char* file = PyUnicode_AsUTF8(code->co_filename);
      const bool ours = file && std::strstr(file, "/mintor/") != nullptr;
      known = own->emplace(Py_NewRef(reinterpret_cast<PyObject*>(code)), ours).first;
    }
    Py_DECREF(code);  // the table holds it
    if (!known->second) {
      place = {code, PyFrame_GetLasti(frame)};
      Py_DECREF(frame);
      return place;
    }
    PyFrameObject* back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
  }
  return place;
}

std::string describe_place(const trace::Place& place) {
  auto* code = static_cast<PyCodeObject*>(const_cast<void*>(place.code));
  const char* file = PyUnicode_AsUTF8(code->co_filename);
  return std::string(file ? file : "?") + ":" +
         std::to_string(PyCode_Addr2Line(code, place.instruction));
}

}  // namespace

void add_arrays(py::module_& module) {
  make_types();
  trace::tape().current_place = current_place;
  trace::tape().describe_place = describe_place;
  module.attr("Array") =
      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(array_type));
  module.def("find_operator", find_operator);
  module.def("operator_names", [] {
    std::vector<std::string> names;
    for (const trace::TracedGroup* group : all_traced_groups()) {
      for (const TracedOperator& op : group->operators) names.emplace_back(op.name);
    }
    return names;
  });
  module.def("set_convert", [](const py::object& function) {
    convert_function = py::object(function).release().ptr();
  });
  module.def("set_watch", [](const py::object& function) {
    watch_function = py::object(function).release().ptr();
  });
  module.def("from_numpy", array_from_numpy);
  module.def("numpy", [](const py::object& array) {
    checked(array);
    return numpy_of(variable_of(array.ptr()));
  });
  module.def("item", [](const py::object& array) {
    checked(array);
    return python_number(only_element(array.ptr(), "item()"));
  });
  // `array` takes the value of `other`; every name of it sees the new value.
  module.def("assign", [](const py::object& array, const py::object& other) {
    checked(other);
    hold(checked(array), Ref<Variable>(variable_of(other.ptr())));
  });
  // Another array with the same value.
  module.def("alias", [](const py::object& array, const py::object& type) {
    checked(array);
    return py::reinterpret_steal<py::object>(new_array(reinterpret_cast<PyTypeObject*>(type.ptr()),
                                                       Ref<Variable>(variable_of(array.ptr()))));
  });
  module.def("is_same_value", [](const py::object& a, const py::object& b) {
    return checked(a)->variable == checked(b)->variable;
  });
  // Before a gradient of `y` is asked for: what it was made of comes onto the tape.
  module.def("include_history", [](const py::object& y, const std::vector<py::object>& xs) {
    checked(y);
    std::vector<Variable*> variables;
    for (const py::object& x : xs) {
      checked(x);
      variables.push_back(variable_of(x.ptr()));
    }
    trace::tape().include_history(variable_of(y.ptr()), variables);
  });
  // For each x whether y depends on it.
  module.def("depends_on", [](const py::object& y, const std::vector<py::object>& xs) {
    checked(y);
    std::vector<Variable*> variables;
    for (const py::object& x : xs) {
      checked(x);
      variables.push_back(variable_of(x.ptr()));
    }
    return trace::depends_on(variable_of(y.ptr()), variables);
  });
  module.def("explain_miss", [] { return trace::tape().last_miss(); });
  module.def("pending_graph", [] { return print(trace::tape().graph()); });
  module.def("random_now", random_now);
  module.def("flush", [] { trace::tape().flush(); });
  module.def("set_gradients",
             [](bool on) { return std::exchange(trace::tape().gradients_on, on); });
  module.def("set_threads", [](int threads) { trace::tape().threads = threads; });
  module.def("statistics", [] {
    const trace::TapeStatistics& counted = trace::tape().statistics();
    py::dict result;
    result["calls"] = counted.calls;
    result["flushes"] = counted.flushes;
    result["compiled"] = counted.compiled;
    return result;
  });
  module.def("memory_use", [] {
    const trace::MemoryUse& use = trace::allocator().use();
    py::dict result;
    result["used"] = use.used;
    result["peak"] = use.peak;
    result["waiting"] = use.waiting;
    result["limit"] = use.limit;
    return result;
  });
  module.def("set_memory_limit", [](int64_t bytes) { trace::allocator().set_limit(bytes); });
  module.def("reset_peak_memory", [] { trace::allocator().reset_peak(); });
  module.def("release_memory", [] { trace::allocator().release_waiting(); });
}

}  // namespace mintor
