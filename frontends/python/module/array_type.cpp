// SPDX-License-Identifier: Apache-2.0
// mintor.Array: Python's number protocol, reading of values, attributes. Takes and gives Python
// objects; every operator is a row of trace/operators. Keeps true: operators in place give the
// array itself the result, of its own shape and dtype.
#include <pybind11/numpy.h>
#include <structmember.h>

#include <cstring>

#include "frontends/python/module/array_object.h"
#include "frontends/python/module/numpy_dtype.h"

namespace py = pybind11;

namespace mintor {

using trace::Ref;
using trace::TracedOperator;
using trace::Variable;

py::object numpy_of(Variable* variable) {
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

namespace {

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

#define MINTOR_NAME(name) constexpr const char* k_##name = #name
MINTOR_NAME(add);
MINTOR_NAME(subtract);
MINTOR_NAME(multiply);
MINTOR_NAME(divide);
MINTOR_NAME(floor_divide);
MINTOR_NAME(remainder);
MINTOR_NAME(pow);
MINTOR_NAME(matmul);
MINTOR_NAME(negative);
MINTOR_NAME(positive);
MINTOR_NAME(abs);
MINTOR_NAME(bitwise_invert);
MINTOR_NAME(bitwise_and);
MINTOR_NAME(bitwise_or);
MINTOR_NAME(bitwise_xor);
MINTOR_NAME(bitwise_left_shift);
MINTOR_NAME(bitwise_right_shift);
MINTOR_NAME(equal);
MINTOR_NAME(not_equal);
MINTOR_NAME(less);
MINTOR_NAME(less_equal);
MINTOR_NAME(greater);
MINTOR_NAME(greater_equal);
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

Py_hash_t hash_slot(PyObject* self) {
  return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(self) >> 4);
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

void array_dealloc(PyObject* self) {
  auto* array = reinterpret_cast<ArrayObject*>(self);
  if (array->weak_references) PyObject_ClearWeakRefs(self);
  hold(array, {});
  Py_CLEAR(array->grad);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* shape_getter(PyObject* self, void*) {
  return guarded<PyObject*>(nullptr, [&] {
    const std::vector<int64_t>& shape = variable_of(self)->type->shape;
    py::tuple sizes(shape.size());
    for (size_t d = 0; d < shape.size(); ++d) sizes[d] = py::int_(shape[d]);
    return sizes.release().ptr();
  });
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
  if (arrays_are_watched) array_watch.gradient(self, grad && grad != Py_None);
  return Py_NewRef(grad ? grad : Py_None);
}

int grad_setter(PyObject* self, PyObject* value, void*) {
  if (value && value != Py_None && !is_array(value)) {
    PyErr_SetString(PyExc_TypeError, "a gradient is an Array or None");
    return -1;
  }
  PyObject*& grad = reinterpret_cast<ArrayObject*>(self)->grad;
  if (arrays_are_watched) {
    array_watch.gradient(self, (grad && grad != Py_None) || (value && value != Py_None));
  }
  Py_XSETREF(grad, Py_XNewRef(value));
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

}  // namespace

void make_array_type() {
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
      {Py_tp_hash, slot(hash_slot)},
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
  if (!array_type) throw py::error_already_set();
}

}  // namespace mintor
