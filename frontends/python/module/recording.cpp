// SPDX-License-Identifier: Apache-2.0
// Functions that are traced once, for mt.jit. Takes what Python code does with arrays while a
// function runs: which arrays from outside it uses, which it changes, which of those that it made
// outlive it. Gives the same calls again without that code. Keeps true: arrays from outside are
// read at each call; what cannot be done again by calls alone says why.
#include "frontends/python/trace/recording.h"

#include <pybind11/stl.h>

#include <optional>
#include <unordered_set>

#include "frontends/python/module/array.h"
#include "frontends/python/module/array_object.h"

namespace py = pybind11;

namespace mintor {

using trace::Ref;
using trace::Variable;
using Source = trace::Recording::Source;

namespace {

class RecordedFunction {
 public:
  explicit RecordedFunction(const std::vector<py::object>& inputs) {
    for (const py::object& input : inputs) add_input(input);
  }
  RecordedFunction(const RecordedFunction&) = delete;
  ~RecordedFunction() { stop(); }

  void start() {
    running().push_back(this);
    const trace::BodyRecorder* body = trace::tape().body();
    recording_.body = body ? body->serial() : 0;
    trace::tape().recordings.push_back(&recording_);
    ++arrays_are_watched;
  }

  void stop() {
    const auto at = std::ranges::find(running(), this);
    if (at == running().end()) return;
    running().erase(at);
    std::erase(trace::tape().recordings, &recording_);
    --arrays_are_watched;
  }

  // One more array whose value comes with each call: not where the function makes it, or where it
  // is one already.
  bool add_held(const py::object& array) {
    Variable* variable = checked_array(array)->variable;
    if (recording_.source_of(variable).call >= 0 || is_input(array.ptr())) return false;
    if (input_of_.contains(variable)) fail("two arrays that share a value");
    add_input(array);
    return true;
  }

  // What the last call took first.
  py::list last_numbers(size_t count) const {
    py::list numbers;
    for (Variable* number : recording_.last_operands(count)) {
      auto array = py::reinterpret_steal<py::object>(new_array(array_type, Ref<Variable>(number)));
      for (RecordedFunction* function : running()) function->made_.erase(array.ptr());  // is ours
      numbers.append(array);
    }
    return numbers;
  }

  // Numbers that come with each call; gives which of all such numbers the first is.
  size_t add_numbers(const std::vector<py::object>& numbers) {
    const size_t first = number_types_.size();
    for (const py::object& number : numbers) {
      Variable* variable = checked_array(number)->variable;
      if (recording_.source_of(variable).call >= 0) fail("a number that is computed");
      number_types_.push_back(variable->type);
      add_input(number);
    }
    return first;
  }

  // Those from `first` on as arrays, for replay().
  py::list numbers(size_t first, const std::vector<py::float_>& given) const {
    py::list made;
    for (size_t i = 0; i < given.size(); ++i) {
      made.append(py::reinterpret_steal<py::object>(
          array_of_number(given[i].ptr(), number_types_.at(first + i)->dtype)));
    }
    return made;
  }

  // An array that may live on: it belongs to what passes the gradient of a call (kept()).
  void excuse(const py::object& array) { excused_.push_back(array); }

  void add_input(const py::object& array) {
    Variable* variable = checked_array(array)->variable;
    inputs_.push_back(array);
    input_of_.try_emplace(variable, inputs_.size() - 1);
    input_values_.emplace_back(variable);
    made_.erase(array.ptr());
  }

  void fail(const std::string& reason) { recording_.fail(reason); }

  // After stop(): these are the function's results. Gives why it cannot be made again; "": it can.
  std::string finish(const std::vector<py::object>& results) {
    for (const py::object& result : results) made_.erase(result.ptr());
    for (const py::object& array : excused_) made_.erase(array.ptr());
    if (!made_.empty()) fail("an array that it makes and keeps elsewhere");
    for (const py::object& result : results) {
      wanted_.push_back(recording_.source_of(checked_array(result)->variable));
    }
    for (const auto& [object, array] : changed_) {
      wanted_.push_back(recording_.source_of(checked_array(array)->variable));
    }
    for (const Ref<Variable>& value : recording_.outside()) {
      Outside outside;
      if (const auto input = input_of_.find(value.get()); input != input_of_.end()) {
        outside.input = static_cast<int>(input->second);
      } else if (const auto used = used_.find(value.get()); used != used_.end()) {
        outside.array = used->second;
      } else {
        outside.constant = value;
      }
      outside.type = value->type;
      outside_.push_back(std::move(outside));
    }
    results_ = results.size();
    for (const auto& [object, array] : changed_) {
      const auto input =
          std::ranges::find_if(inputs_, [&](const py::object& one) { return one.ptr() == object; });
      changes_.emplace_back(array, input == inputs_.end() ? -1 : input - inputs_.begin());
    }
    recording_.finish();
    inputs_.clear();
    input_of_.clear();
    input_values_.clear();
    kept_.clear();
    used_.clear();
    changed_.clear();
    excused_.clear();
    return recording_.failure();
  }

  // Whether the arrays from outside have the types that they had, and no gradients where they had
  // none.
  bool matches() const {
    const auto is_none = [](const py::object& array) {
      const PyObject* grad = checked_array(array)->grad;
      return !grad || grad == Py_None;
    };
    return std::ranges::all_of(outside_,
                               [](const Outside& outside) {
                                 return !outside.array ||
                                        checked_array(outside.array)->variable->type ==
                                            outside.type;
                               }) &&
           std::ranges::all_of(without_gradient_, is_none);
  }

  // None: what the arrays were made of, or their types, ask for other calls.
  std::optional<py::list> replay(const std::vector<py::object>& inputs) const {
    std::vector<Ref<Variable>> values;
    for (const Outside& outside : outside_) {
      if (outside.input >= 0) {
        values.emplace_back(variable_of(inputs.at(static_cast<size_t>(outside.input)).ptr()));
      } else if (outside.array) {
        values.emplace_back(variable_of(outside.array.ptr()));
      } else {
        values.push_back(outside.constant);
      }
      if (values.back()->type != outside.type) return std::nullopt;
    }
    trace::Holding holding;
    const auto replayed = recording_.replay(values, wanted_, owner_again, holding);
    if (!replayed) return std::nullopt;
    const std::vector<Ref<Variable>>& made = *replayed;
    for (size_t i = 0; i < changes_.size(); ++i) {
      const auto& [array, input] = changes_[i];
      hold(checked_array(input < 0 ? array : inputs.at(static_cast<size_t>(input))),
           made[results_ + i]);
    }
    py::list results;
    for (size_t i = 0; i < results_; ++i) {
      results.append(py::reinterpret_steal<py::object>(new_array(array_type, made[i])));
    }
    return results;
  }

  static std::vector<RecordedFunction*>& running() {
    static auto* const all = new std::vector<RecordedFunction*>;
    return *all;
  }

  bool has_made(const py::object& array) const { return made_.contains(array.ptr()); }

  void note_used(PyObject* array) {
    Variable* variable = reinterpret_cast<ArrayObject*>(array)->variable;
    if (made_.contains(array) || is_input(array)) return;
    const auto [at, is_new] =
        used_.try_emplace(variable, py::reinterpret_borrow<py::object>(array));
    kept_.emplace_back(variable);
    const bool shared = !is_new && at->second.ptr() != array;
    if ((shared || input_of_.contains(variable)) && !changed_.contains(array)) {
      fail("two arrays that share a value");
    }
  }

  void note_made(PyObject* array) { made_.insert(array); }

  void note_gradient(PyObject* array, bool known) {
    if (made_.contains(array)) return;
    if (known || is_input(array)) return fail("a gradient that an array from outside has (grad)");
    without_gradient_.push_back(py::reinterpret_borrow<py::object>(array));
  }

  void note_changed(PyObject* array) {
    if (Py_REFCNT(array) == 0) {
      made_.erase(array);
    } else if (!made_.contains(array)) {
      changed_.try_emplace(array, py::reinterpret_borrow<py::object>(array));
    }
  }

 private:
  struct Outside {
    int input = -1;    // comes with each call
    py::object array;  // whose value is read at each call
    Ref<Variable> constant;
    const trace::ValueType* type = nullptr;
  };

  bool is_input(PyObject* array) const {
    return std::ranges::any_of(inputs_,
                               [&](const py::object& input) { return input.ptr() == array; });
  }

  trace::Recording recording_;
  // While it records:
  std::vector<py::object> inputs_;
  std::vector<Ref<Variable>> input_values_, kept_;  // so that no two have the same address
  std::unordered_map<const Variable*, size_t> input_of_;
  std::unordered_map<const Variable*, py::object> used_;
  std::unordered_map<PyObject*, py::object> changed_;
  std::unordered_set<PyObject*> made_;
  std::vector<py::object> excused_;
  // After it:
  std::vector<const trace::ValueType*> number_types_;
  std::vector<py::object> without_gradient_;
  std::vector<Outside> outside_;
  std::vector<Source> wanted_;  // results, then what changed arrays take
  size_t results_ = 0;
  std::vector<std::pair<py::object, std::ptrdiff_t>> changes_;  // an array, or an input by place
};

template <void (RecordedFunction::*note)(PyObject*)>
void tell(PyObject* array) {
  for (RecordedFunction* function : RecordedFunction::running()) (function->*note)(array);
}

void tell_gradient(PyObject* array, bool known) {
  for (RecordedFunction* function : RecordedFunction::running()) {
    function->note_gradient(array, known);
  }
}

// What arguments are but for the values of their arrays; their arrays, and what is no array.
class Arguments {
 public:
  py::tuple of(const py::object& arguments) {
    visit(arguments);
    return py::make_tuple(py::tuple(key_), arrays_, others_);
  }

 private:
  void visit(const py::handle& item) {
    if (is_array(item.ptr())) {
      Variable* variable = variable_of(item.ptr());
      const auto [at, is_new] = places_.try_emplace(variable, places_.size());
      key_.append(reinterpret_cast<uintptr_t>(variable->type));
      key_.append(at->second);
      arrays_.append(item);
    } else if (PyList_CheckExact(item.ptr()) || PyTuple_Check(item.ptr())) {
      key_.append(py::type::handle_of(item));
      key_.append(py::len(item));
      for (const py::handle& part : item) visit(part);
    } else if (PyDict_Check(item.ptr())) {
      key_.append(py::type::handle_of(item));
      key_.append(py::len(item));
      for (const auto& [name, part] : py::reinterpret_borrow<py::dict>(item)) {
        key_.append(name);
        visit(part);
      }
    } else {
      key_.append(py::type::handle_of(item));
      key_.append(item);
      others_.append(item);
    }
  }

  py::list key_, arrays_, others_;
  std::unordered_map<const Variable*, size_t> places_;
};

}  // namespace

void add_recordings(py::module_& module) {
  array_watch = {tell<&RecordedFunction::note_used>, tell<&RecordedFunction::note_made>,
                 tell<&RecordedFunction::note_changed>, tell_gradient};
  py::class_<RecordedFunction>(module, "RecordedFunction")
      .def(py::init<const std::vector<py::object>&>())
      .def("start", &RecordedFunction::start)
      .def("stop", &RecordedFunction::stop)
      .def("add_input", &RecordedFunction::add_input)
      .def("add_held", &RecordedFunction::add_held)
      .def("last_numbers", &RecordedFunction::last_numbers)
      .def("add_numbers", &RecordedFunction::add_numbers)
      .def("numbers", &RecordedFunction::numbers)
      .def("has_made", &RecordedFunction::has_made)
      .def("fail", &RecordedFunction::fail)
      .def("finish", &RecordedFunction::finish)
      .def("matches", &RecordedFunction::matches)
      .def("replay", &RecordedFunction::replay);
  module.def("arguments", [](const py::object& given) { return Arguments().of(given); });
  module.def("excuse", [](const std::vector<py::object>& arrays) {
    for (RecordedFunction* function : RecordedFunction::running()) {
      for (const py::object& array : arrays) function->excuse(array);
    }
  });
  // Whatever is recorded now cannot be made again.
  module.def("not_replayable", [](const std::string& reason) {
    for (trace::Recording* recording : trace::tape().recordings) recording->fail(reason);
  });
}

}  // namespace mintor
