// SPDX-License-Identifier: Apache-2.0
// What the Python half of arrays asks the native one for. Takes and gives Python objects; names and
// defaults are the Python half's.
#include "frontends/python/module/array.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "compiler/ir/evaluate.h"
#include "compiler/ir/text.h"
#include "frontends/python/module/array_object.h"
#include "frontends/python/module/numpy_dtype.h"
#include "frontends/python/trace/allocator.h"
#include "frontends/python/trace/worker.h"

namespace py = pybind11;

namespace mintor {

using trace::Ref;
using trace::Storage;
using trace::TracedOperator;
using trace::Variable;

namespace {

// A new array of that Python type with a copy of the bytes.
py::object array_of_bytes(DType dtype, std::span<const int64_t> shape, const void* bytes,
                          const py::object& type) {
  const trace::ValueType* value_type = trace::tape().signatures().type(dtype, shape);
  Ref<Storage> storage(new Storage(value_type->bytes));
  std::memcpy(storage->data, bytes, static_cast<size_t>(value_type->bytes));
  PyObject* made = new_array(reinterpret_cast<PyTypeObject*>(type.ptr()),
                             trace::tape().leaf(value_type, std::move(storage)));
  return py::reinterpret_steal<py::object>(made);
}

// A new array with the bytes of a NumPy array, of its dtype.
py::object array_from_numpy(const py::array& given, const py::object& type) {
  const py::array array = py::array::ensure(given, py::array::c_style);
  if (!array) throw py::error_already_set();
  const std::vector<int64_t> shape(array.shape(), array.shape() + array.ndim());
  return array_of_bytes(dtype_of_numpy(array.dtype()), shape, array.data(), type);
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
  return array_of_bytes(*parsed, shape, evaluate_constant(drawn).data, type);
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

std::mutex running;

// Python goes on in other threads while a segment runs.
void run_apart(const std::function<void()>& body) {
  const py::gil_scoped_release unlocked;
  const std::lock_guard lock(running);
  body();
}

void unlocked(const std::function<void()>& body) {
  const py::gil_scoped_release released;
  body();
}

void wait_while_running() {
  const py::gil_scoped_release unlocked;
  const std::lock_guard lock(running);
}

PyObject* after_flush = nullptr;

void call_after_flush() {
  const py::object made = py::reinterpret_steal<py::object>(PyObject_CallNoArgs(after_flush));
  if (!made) throw py::error_already_set();
}

PyObject* checked_pointer(const py::object& array) {
  return reinterpret_cast<PyObject*>(checked_array(array));
}

// Running, counts and memory.
void add_tape(py::module_& module) {
  module.def("flush", [] { trace::tape().flush_recorded(); });
  module.def("set_gradients",
             [](bool on) { return std::exchange(trace::tape().gradients_on, on); });
  module.def("sync", [] {
    for (trace::Recording* recording : trace::tape().recordings) {
      recording->fail("a computation that is asked for (sync)");
    }
    trace::tape().sync();
  });
  // Whether segments may run on a thread of their own; gives what it was.
  module.def("set_asynchronous", [](bool on) {
    if (!on) trace::tape().sync();
    return std::exchange(trace::tape().asynchronous, on);
  });
  module.def("is_computed", [](const py::object& array) {
    return static_cast<bool>(variable_of(checked_pointer(array))->storage);
  });
  // Called after each flush; None: nothing is.
  module.def("set_after_flush", [](const py::object& function) {
    Py_XSETREF(after_flush, function.is_none() ? nullptr : py::object(function).release().ptr());
    trace::tape().flushed = after_flush ? call_after_flush : nullptr;
  });
  module.def("set_also_small", [](bool on) { return std::exchange(trace::tape().also_small, on); });
  // 0: nothing, 1: NaN, 2: infinities too; gives what it was.
  module.def("set_check", [](int check) {
    return static_cast<int>(std::exchange(trace::tape().check, static_cast<trace::Check>(check)));
  });
  // Before a fork nothing runs, and nothing begins until it is over: the lock, too, is the thread's
  // that forks, which alone is there in the child. At the end the worker stops.
  module.def("before_fork", [] {
    trace::tape().hold();
    running.lock();
    unlocked([] { trace::worker().wait_all(); });
    trace::worker().collect();
  });
  module.def("after_fork", [](bool in_child) {
    running.unlock();
    trace::tape().let_go(in_child);
    if (in_child) trace::forget_worker();
  });
  module.def("stop_worker", [] {
    trace::tape().asynchronous = false;
    unlocked([] { trace::worker().stop(); });
  });
  module.def("gradients_on", [] { return trace::tape().gradients_on; });
  // The dtype of operators of low precision, or None; gives what it was.
  module.def("set_autocast", [](const std::optional<std::string>& dtype) {
    const std::optional<DType> before = trace::tape().autocast;
    trace::tape().autocast = dtype ? parse_dtype(*dtype) : std::nullopt;
    return before ? py::object(py::str(std::string(name_of(*before)))) : py::object(py::none());
  });
  // What a call depends on besides its operands.
  module.def("modes", [] {
    const trace::Tape& tape = trace::tape();
    const trace::BodyRecorder* body = tape.body();
    const int autocast = tape.autocast ? static_cast<int>(*tape.autocast) + 1 : 0;
    return (autocast * 2 + tape.gradients_on) * 3 + (body ? 1 + body->assigns() : 0);
  });
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
    trace::worker().collect();
    const trace::MemoryUse& use = trace::allocator().use();
    py::dict result;
    result["used"] = use.used;
    result["peak"] = use.peak;
    result["waiting"] = use.waiting;
    result["limit"] = use.limit;
    return result;
  });
  // With a limit nothing is in flight: what could be freed is free when more is taken.
  module.def("set_memory_limit", [](int64_t bytes) {
    trace::tape().sync();
    trace::allocator().set_limit(bytes);
  });
  module.def("reset_peak_memory", [] { trace::allocator().reset_peak(); });
  module.def("release_memory", [] { trace::allocator().release_waiting(); });
}

}  // namespace

void add_arrays(py::module_& module) {
  make_array_type();
  make_operator_type();
  trace::tape().current_place = current_place;
  trace::tape().describe_place = describe_place;
  trace::tape().run_apart = run_apart;
  trace::tape().wait_while_running = wait_while_running;
  trace::tape().unlocked = unlocked;
  trace::tape().warn = [](const std::string& text) {
    if (PyErr_WarnEx(PyExc_RuntimeWarning, text.c_str(), 1) < 0) throw py::error_already_set();
  };
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
    checked_array(array);
    return numpy_of(variable_of(array.ptr()));
  });
  module.def("item", [](const py::object& array) {
    checked_array(array);
    return python_number(only_element(array.ptr(), "item()"));
  });
  // `array` takes the value of `other`; every name of it sees the new value.
  module.def("assign", [](const py::object& array, const py::object& other) {
    checked_array(other);
    hold(checked_array(array), Ref<Variable>(variable_of(other.ptr())));
  });
  // Another array with the same value.
  module.def("alias", [](const py::object& array, const py::object& type) {
    checked_array(array);
    return py::reinterpret_steal<py::object>(new_array(reinterpret_cast<PyTypeObject*>(type.ptr()),
                                                       Ref<Variable>(variable_of(array.ptr()))));
  });
  module.def("is_same_value", [](const py::object& a, const py::object& b) {
    return checked_array(a)->variable == checked_array(b)->variable;
  });
  // Before gradients of ys are asked for: what they were made of comes onto the tape.
  module.def("include_history",
             [](const std::vector<py::object>& ys, const std::vector<py::object>& xs) {
               std::vector<Variable*> values, variables;
               for (const py::object& y : ys) values.push_back(variable_of(checked_pointer(y)));
               for (const py::object& x : xs) variables.push_back(variable_of(checked_pointer(x)));
               trace::tape().include_history(values, variables);
             });
  // For each x whether y depends on it.
  module.def(
      "depends_on",
      [](const py::object& y, const std::vector<py::object>& xs, bool through_owned) {
        checked_array(y);
        std::vector<Variable*> variables;
        for (const py::object& x : xs) {
          checked_array(x);
          variables.push_back(variable_of(x.ptr()));
        }
        return trace::tape().depends_on(variable_of(y.ptr()), variables, through_owned);
      },
      py::arg("y"), py::arg("xs"), py::arg("through_owned") = true);
  // The smallest and largest value of an integer array whose bytes are there; else None.
  module.def("known_range", [](const py::object& array) -> py::object {
    checked_array(array);
    const Variable& variable = *variable_of(array.ptr());
    const trace::ValueType& type = *variable.type;
    if (!variable.storage || type.count == 0 || !is_int(type.dtype)) return py::none();
    trace::tape().wait_for(variable.storage->ticket);
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (int64_t i = 0; i < type.count; ++i) {
      const int64_t value =
          Scalar::read(type.dtype, variable.storage->data + i * size_of(type.dtype)).i;
      least = std::min(least, value);
      most = std::max(most, value);
    }
    return py::make_tuple(least, most);
  });
  module.def("explain_miss", [] { return trace::tape().last_miss(); });
  add_explanations(module);
  module.def("random_now", random_now);
  add_tape(module);
}

}  // namespace mintor
