// SPDX-License-Identifier: Apache-2.0
// Operators as Python calls them: find_operator("matmul")(x, y). Takes operands first, then
// attributes, all by position; gives Arrays. `__doc__` can be set. Keeps true: a call allocates no
// tuple and parses no keywords.
#include <pybind11/pybind11.h>
#include <structmember.h>

#include <vector>

#include "frontends/python/module/array_object.h"

namespace py = pybind11;

namespace mintor {

using trace::TracedOperator;

namespace {

struct OperatorObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  const TracedOperator* op;
  PyObject* doc;  // owned; null: there is none
};

PyTypeObject* operator_type = nullptr;

// operator(operands..., attributes...); an operator of a list takes the list first.
constexpr size_t kFew = 4;  // operands that a row may count; more are a list

PyObject* operator_call(PyObject* self, PyObject* const* arguments, size_t flags, PyObject* names) {
  const TracedOperator& op = *reinterpret_cast<OperatorObject*>(self)->op;
  auto count = static_cast<size_t>(PyVectorcall_NARGS(flags));
  return guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (names && PyTuple_GET_SIZE(names) > 0) {
      throw py::type_error(std::string(op.name) + " takes no keywords");
    }
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

void operator_dealloc(PyObject* self) {
  Py_XDECREF(reinterpret_cast<OperatorObject*>(self)->doc);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

py::object find_operator(const std::string& name) {
  const TracedOperator* op = trace::find_traced_operator(name);
  if (!op) throw py::key_error("there is no operator '" + name + "'");
  auto* object = reinterpret_cast<OperatorObject*>(operator_type->tp_alloc(operator_type, 0));
  if (!object) throw py::error_already_set();
  check(op->operands <= static_cast<int>(kFew), "operator",
        "a row counts more operands than a call holds");
  object->vectorcall = operator_call;
  object->op = op;
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(object));
}

void make_operator_type() {
  static PyMemberDef operator_members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(OperatorObject, vectorcall), READONLY, nullptr},
      {"__doc__", T_OBJECT, offsetof(OperatorObject, doc), 0, nullptr},
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
  if (!operator_type) throw py::error_already_set();
}

}  // namespace mintor
