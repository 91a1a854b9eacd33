// SPDX-License-Identifier: Apache-2.0
// Gradients that Python code passes on: hooks of arrays, and functions with a backward of their
// own. Takes arrays and Python objects; gives, for a gradient that is asked for, the places where
// it leaves the graph. Keeps true: what is tied to a value or a call lives as long as that, and is
// let go when no tape is walked; a value that is kept here is not held: it may be computed again.
#include <pybind11/stl.h>

#include "frontends/python/module/array.h"
#include "frontends/python/module/array_object.h"

namespace py = pybind11;

namespace mintor {

using trace::Attachment;
using trace::Call;
using trace::Ref;
using trace::Variable;

namespace {

// Python's destructors may call anything, so they wait until the tape is at rest.
std::vector<PyObject*>& released() {
  static auto* const objects = new std::vector<PyObject*>;
  return *objects;
}

int let_released_go(void*) {
  while (!released().empty()) {
    PyObject* object = released().back();
    released().pop_back();
    Py_DECREF(object);
  }
  return 0;
}

Ref<Attachment> attachment(const py::object& object) {
  return Ref<Attachment>(new Attachment(py::object(object).release().ptr(), [](void* tied) {
    released().push_back(static_cast<PyObject*>(tied));
    if (released().size() == 1) Py_AddPendingCall(let_released_go, nullptr);
  }));
}

py::object tied_object(const Ref<Attachment>& tied) {
  return tied ? py::reinterpret_borrow<py::object>(static_cast<PyObject*>(tied->object))
              : py::none();
}

py::object array_of(Ref<Variable> variable) {
  return py::reinterpret_steal<py::object>(new_array(array_type, std::move(variable)));
}

// A value that nobody holds on its account: where it is needed again, it is read or made again.
struct KeptValue {
  Ref<Variable> variable;
};

// A call with a gradient of its own.
struct OwnedCall {
  Ref<Call> call;

  // What it gave at that place; as a value of its own again where nobody has it any more.
  py::object result(size_t place) const {
    if (Variable* known = call->results.at(place)) return array_of(Ref<Variable>(known));
    Ref<Variable> made(new Variable);
    made->type = call->signature->results[place];
    made->producer = call;
    made->result = static_cast<int32_t>(place);
    call->results[place] = made.get();
    return array_of(std::move(made));
  }

  py::list living_results() const {
    py::list living;
    for (Variable* result : call->results) {
      living.append(result ? array_of(Ref<Variable>(result)) : py::none());
    }
    return living;
  }

  py::list taken() const {
    py::list values;
    for (const Ref<Variable>& operand : trace::taken_by(*call)) values.append(array_of(operand));
    return values;
  }
};

std::vector<Variable*> variables_of(const std::vector<py::object>& arrays) {
  std::vector<Variable*> variables;
  for (const py::object& array : arrays) {
    checked_array(array);
    variables.push_back(variable_of(array.ptr()));
  }
  return variables;
}

// For functions that are recorded: the owner without the values that it keeps. Null: nothing
// records, or the owner is one that cannot be made again.
Ref<Attachment> like(const py::object& owner) {
  if (trace::tape().recordings.empty()) return {};
  const py::object template_ = owner.attr("without_values")();
  if (!template_.is_none()) return attachment(template_);
  for (trace::Recording* recording : trace::tape().recordings) {
    recording->fail("a mt.Function that keeps more than numbers as attributes of ctx");
  }
  return {};
}

// The results of a call that took and gave these, whose gradient is `owner`'s affair.
py::list owned_call(const std::vector<py::object>& given, const std::vector<py::object>& taken,
                    const py::object& owner) {
  std::vector<Variable*> operands = variables_of(given);
  for (Variable* variable : variables_of(taken)) operands.push_back(variable);
  std::string attributes;
  trace::AttributeWriter(attributes).integer(static_cast<int64_t>(given.size()));
  static const trace::TracedOperator& op = *trace::find_traced_operator("function");
  py::list results;
  Call* call = nullptr;  // null: the results have no bytes
  for (Ref<Variable>& result : trace::tape().record(op, operands, attributes)) {
    if (result->producer) call = result->producer.get();
    results.append(array_of(std::move(result)));
  }
  if (!call) return results;
  const Ref<Attachment> without_values = like(owner);
  std::vector<Ref<Variable>> kept;
  if (without_values) {
    for (const py::handle& value : owner.attr("kept")()) {
      kept.push_back(value.cast<const KeptValue&>().variable);
    }
  }
  trace::tape().tie_owner(*call, attachment(owner), without_values, kept);
  return results;
}

// For each place (call or None, value or None, what is tied to it, which of what it took lead on).
py::list points(const std::vector<py::object>& ys, const std::vector<py::object>& xs) {
  py::list found;
  for (const trace::GradientPoint& point :
       trace::gradient_points(variables_of(ys), variables_of(xs))) {
    if (point.call) {
      found.append(py::make_tuple(OwnedCall{Ref<Call>(point.call)}, py::none(),
                                  tied_object(point.call->owner), point.leads));
    } else {
      found.append(py::make_tuple(py::none(), array_of(Ref<Variable>(point.value)),
                                  tied_object(point.value->hooks), py::none()));
    }
  }
  return found;
}

}  // namespace

Ref<Attachment> owner_again(const Attachment& like, std::span<const Ref<Variable>> kept) {
  py::list values;
  for (const Ref<Variable>& value : kept) values.append(py::cast(KeptValue{value}));
  return attachment(py::reinterpret_borrow<py::object>(static_cast<PyObject*>(like.object))
                        .attr("again")(values));
}

void add_gradient_points(py::module_& module) {
  py::class_<KeptValue>(module, "KeptValue")
      .def(py::init([](const py::object& array) {
        checked_array(array);
        return KeptValue{Ref<Variable>(variable_of(array.ptr()))};
      }))
      .def("array", [](const KeptValue& kept) { return array_of(kept.variable); })
      .def("is_value_of", [](const KeptValue& kept, const py::object& array) {
        return kept.variable.get() == checked_array(array)->variable;
      });
  py::class_<OwnedCall>(module, "OwnedCall")
      .def("result", &OwnedCall::result)
      .def("living_results", &OwnedCall::living_results)
      .def("taken", &OwnedCall::taken);
  module.def("attachments", trace::attachments);
  module.def("calls_made", [] { return trace::all_calls().made; });
  module.def("values_before", [](const std::vector<py::object>& ys, int64_t number) {
    py::list found;
    for (Variable* value : trace::values_before(variables_of(ys), number)) {
      found.append(array_of(Ref<Variable>(value)));
    }
    return found;
  });
  module.def("owned_call", owned_call);
  module.def("gradient_points", points);
  module.def("hooks_of", [](const py::object& array) {
    checked_array(array);
    return tied_object(variable_of(array.ptr())->hooks);
  });
  module.def("set_hooks", [](const py::object& array, const py::object& hooks) {
    checked_array(array);
    if (const trace::BodyRecorder* body = trace::tape().body()) {
      body->refuse("ties a hook to a gradient, which Python cannot be called for there",
                   "register hooks outside");
    }
    for (trace::Recording* recording : trace::tape().recordings) {
      recording->fail("a hook of a gradient");
    }
    variable_of(array.ptr())->hooks = hooks.is_none() ? Ref<Attachment>() : attachment(hooks);
  });
}

}  // namespace mintor
