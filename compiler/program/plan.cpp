// SPDX-License-Identifier: Apache-2.0
// Buffers and launches from fusion groups. Takes graph, groups and their kernels; gives the Program
// that compiler/memory then places. Keeps true: launches follow the plan's order of groups; buffers
// are made in the order in which launches first name them; a view comes after what it views.
#include "compiler/program/plan.h"

#include <algorithm>
#include <set>

#include "compiler/loop/lower_expr.h"
#include "compiler/loop/stack.h"
#include "compiler/program/canonical.h"
#include "compiler/program/legal_names.h"
#include "compiler/program/weights.h"
#include "compiler/support/error.h"

namespace mintor {
namespace {

using Key = std::pair<int32_t, int32_t>;      // node id, result

Key key_of(const Value& value) { return {value.node->id, value.result}; }

bool is_weight(const Value& value) {
  return value.node->kind == Kind::parameter || value.node->kind == Kind::constant;
}

const Tensor& tensor_of(const Value& value) {
  if (value.node->kind == Kind::parameter) return value.node->as<ParameterAttr>().value;
  return value.node->as<ConstantAttr>().value;
}

std::string weight_name(const Graph& graph, const Value& value) {
  if (value.node->kind == Kind::parameter) return value.node->as<ParameterAttr>().name;
  return value_name(graph, value);
}

// y[i] = x[i] over n elements, in blocks that threads share.
Kernel copy_kernel(DType dtype) {
  constexpr int64_t kBlock = 4096;
  Kernel kernel;
  kernel.name = "copy_" + std::string(name_of(dtype));
  kernel.computes = "y = x";
  const Index n = Index::var("n"), block = Index::var("block"), i = Index::var("i");
  kernel.params = {{"x", dtype, {n}, false, size_of(dtype)},
                   {"y", dtype, {n}, true, size_of(dtype)}};
  kernel.symbols = {{"n", 0, -1, 1}};
  kernel.because = {"a result that is also an input, a weight or another result is copied"};
  Stmt store = k::store("y", {i}, k::load("x", dtype, {i}));
  Stmt inner = k::loop("i", block * kBlock, min(n, (block + 1) * kBlock), store);
  kernel.body = k::loop("block", 0, ceildiv(n, kBlock), inner, LoopKind::parallel);
  return kernel;
}

// Where one level has scratch, so have the others.
void make_scratch_uniform(std::vector<Kernel>& levels) {
  if (std::ranges::none_of(levels, has_scratch)) return;
  for (Kernel& kernel : levels) {
    if (has_scratch(kernel)) continue;
    const Stmt spare = k::alloc(fresh_name(kernel, "spare"), DType::u8, {1}, Space::scratch);
    kernel.body = k::block({spare, kernel.body});
  }
}

// All levels of a kernel have one signature: where one has a parallel loop, the others get one of a
// single task.
void make_uniform(std::vector<Kernel>& levels) {
  make_scratch_uniform(levels);
  const auto has_parallel = [](const Kernel& kernel) {
    bool found = false;
    visit(kernel.body, [&](const Stmt& stmt) {
      const auto* loop = std::get_if<For>(&stmt->node);
      found = found || (loop != nullptr && loop->kind == LoopKind::parallel);
    });
    return found;
  };
  if (std::ranges::none_of(levels, has_parallel)) return;
  for (Kernel& kernel : levels) {
    if (has_parallel(kernel)) continue;
    kernel.body = k::loop(fresh_name(kernel, "task"), 0, 1, kernel.body, LoopKind::parallel);
  }
}

class Planner {
 public:
  Planner(const Graph& graph, const FusionPlan& fusion, std::vector<TargetInfo> levels)
      : graph_(graph), fusion_(fusion) {
    program_.name = graph.name();
    program_.symbols = graph.symbols();
    program_.conditions = graph.conditions();
    program_.levels = std::move(levels);
    for (const View& view : fusion.views) views_[key_of(view.value)] = view.of;
  }

  Program run(const GroupKernels& kernels) {
    find_producers();
    make_inputs();
    make_outputs();
    for (size_t g = 0; g < fusion_.groups.size(); ++g) {
      launch_group(fusion_.groups[g], kernels.at(g));
    }
    copy_results();
    place_weights();
    keep_used_symbols();
    return std::move(program_);
  }

 private:
  Value root(Value value) const {
    for (auto at = views_.find(key_of(value)); at != views_.end();
         at = views_.find(key_of(value))) {
      value = at->second;
    }
    return value;
  }

  // Which group stores a value, and whether anything in `forward` reads it.
  void find_producers() {
    for (const Group& group : fusion_.groups) {
      for (const Value& value : group.outputs) producer_[key_of(value)] = &group;
    }
    for (const Group& group : fusion_.groups) {
      if (group.prepare) continue;
      for (const Value& value : group.inputs) read_in_forward_.insert(key_of(root(value)));
    }
    for (const Result& result : graph_.results) {
      read_in_forward_.insert(key_of(root(result.value)));
    }
  }

  int32_t add_buffer(std::string name, const Type& type, Place place, int32_t slot = 0) {
    Buffer buffer;
    buffer.name = name;
    for (int n = 2; !names_.insert(buffer.name).second; ++n) {
      buffer.name = name + "_" + std::to_string(n);
    }
    buffer.dtype = type.dtype;
    buffer.shape = type.shape;
    buffer.place = place;
    buffer.slot = slot;
    program_.buffers.push_back(std::move(buffer));
    return static_cast<int32_t>(program_.buffers.size() - 1);
  }

  int32_t add_view(std::string name, const Type& type, int32_t of) {
    const int32_t id = add_buffer(std::move(name), type, program_.buffers[of].place);
    program_.buffers[id].view_of = of;
    return id;
  }

  void make_inputs() {
    for (const auto& node : graph_.nodes()) {
      if (node->kind != Kind::input) continue;
      const auto slot = static_cast<int32_t>(program_.inputs.size());
      const int32_t id =
          add_buffer(node->as<InputAttr>().name, node->results[0], Place::input, slot);
      program_.inputs.push_back(id);
      buffers_[{node->id, 0}] = id;
    }
  }

  // A value that forward computes lies in the first output that is it, or a view of it.
  void make_outputs() {
    for (const Result& result : graph_.results) {
      const auto slot = static_cast<int32_t>(program_.outputs.size());
      const int32_t id = add_buffer(result.name, result.value.type(), Place::output, slot);
      if (program_.buffers[id].name != result.name) program_.buffers[id].port = result.name;
      program_.outputs.push_back(id);
      const Value home = root(result.value);
      const auto producer = producer_.find(key_of(home));
      const bool computed = producer != producer_.end() && !producer->second->prepare;
      if (!computed || buffers_.contains(key_of(home))) {
        copies_.push_back(slot);
        continue;
      }
      const bool same = home.shape() == result.value.shape() &&
                        home.dtype() == result.value.dtype();
      buffers_[key_of(home)] = same ? id : add_view(value_name(graph_, home), home.type(), id);
    }
  }

  int32_t buffer_of(const Value& value) {
    const auto found = buffers_.find(key_of(value));
    if (found != buffers_.end()) return found->second;
    int32_t id = -1;
    if (const auto view = views_.find(key_of(value)); view != views_.end()) {
      const int32_t of = buffer_of(view->second);
      id = add_view(value_name(graph_, value), value.type(), of);
    } else if (is_weight(value)) {
      id = weight_of(value);
    } else {
      const auto producer = producer_.find(key_of(value));
      if (producer == producer_.end()) {
        throw InternalError("plan", "no group computes '" + value_name(graph_, value) + "'");
      }
      const bool packed = producer->second->prepare && read_in_forward_.contains(key_of(value));
      id = add_buffer(value_name(graph_, value), value.type(),
                      packed ? Place::packed : Place::arena);
    }
    buffers_[key_of(value)] = id;
    return id;
  }

  // Parameters with equal bytes share one place, and so do constants. A parameter and a constant do
  // not: which parameters are equal is asked before anything is planned (equal_parameters).
  int32_t weight_of(const Value& value) {
    const Tensor& tensor = tensor_of(value);
    const bool is_parameter = value.node->kind == Kind::parameter;
    for (const Weight& known : program_.weights) {
      if (known.parameter.empty() == is_parameter) continue;
      if (!same_weight(known.value, tensor)) continue;
      if (program_.buffers[known.buffer].shape == value.shape()) return known.buffer;
      return add_view(weight_name(graph_, value), value.type(), known.buffer);
    }
    const int32_t id = add_buffer(weight_name(graph_, value), value.type(), Place::weights);
    program_.weights.push_back(
        {is_parameter ? value.node->as<ParameterAttr>().name : "", tensor, id});
    return id;
  }

  void place_weights() {
    int64_t end = 0;
    for (const Weight& weight : program_.weights) {
      program_.buffers[weight.buffer].offset = end;
      end += (weight.value.bytes() + 63) / 64 * 64;
    }
    program_.weights_bytes = end;
  }

  // A symbol that no size, condition or computed symbol mentions is bound by nothing.
  void keep_used_symbols() {
    std::set<std::string> used;
    const auto use = [&](const Index& e) { used.merge(e.vars()); };
    for (const Buffer& buffer : program_.buffers) std::ranges::for_each(buffer.shape, use);
    for (const Condition& c : program_.conditions) use(c.left), use(c.right);
    for (const Entry* entry : {&program_.prepare, &program_.forward})
      for (const Region& region : entry->regions)
        for (const Launch& launch : region.launches) std::ranges::for_each(launch.symbols, use);
    for (size_t i = program_.symbols.size(); i-- > 0;) {
      const Symbol& symbol = program_.symbols[i];
      if (symbol.value && used.contains(symbol.name)) use(*symbol.value);
    }
    std::erase_if(program_.symbols,
                  [&](const Symbol& symbol) { return !used.contains(symbol.name); });
  }

  void launch_group(const Group& group, const GroupKernels::value_type& kernels) {
    const std::vector<Kernel>& levels = *kernels;
    Launch launch;
    for (const Value& value : group.inputs) launch.args.push_back(buffer_of(value));
    for (const Value& value : group.outputs) launch.args.push_back(buffer_of(value));
    for (const SymbolParam& symbol : levels.at(0).symbols) {
      launch.symbols.push_back(Index::var(symbol.name));
    }
    for (const Kernel& kernel : levels) launch.tasks.push_back(tasks_of(kernel));
    check_bound(launch);
    launch.kernel = kernel_for(launch, kernels);
    add_launch(group.prepare ? program_.prepare : program_.forward, std::move(launch));
  }

  void copy_results() {
    for (const int32_t slot : copies_) {
      const Value value = graph_.results[slot].value;
      const int32_t from = buffer_of(value), to = program_.outputs[slot];
      Index count = 1;
      for (const Index& extent : value.shape()) count = count * extent;
      // The copy runs over a flat array: views of both sides.
      const Type flat{value.dtype(), {count}};
      const std::string name = program_.buffers[to].name;
      Launch launch;
      launch.args = {add_view(name + "_source", flat, from), add_view(name + "_flat", flat, to)};
      launch.symbols = {count};
      Kernel kernel = copy_kernel(value.dtype());
      const Index tasks = tasks_of(kernel).substitute({{"n", count}});
      launch.tasks.assign(program_.levels.size(), tasks);
      launch.kernel = stored(launch, std::vector<Kernel>(program_.levels.size(), kernel));
      add_launch(program_.forward, std::move(launch));
    }
  }

  void check_bound(const Launch& launch) const {
    for (const Index& symbol : launch.symbols) {
      const std::string name = *symbol.as_var();
      const auto known = std::ranges::find(program_.symbols, name, &Symbol::name);
      if (known != program_.symbols.end() && known->value) continue;
      const bool bound = std::ranges::any_of(program_.inputs, [&](int32_t id) {
        return std::ranges::find(program_.buffers[id].shape, symbol) !=
               program_.buffers[id].shape.end();
      });
      if (bound) continue;
      throw CompileError("program", "no input has the size '" + name + "'", "",
                         "sizes that depend on data are not supported in programs");
    }
  }

  bool is_callers(int32_t buffer) const {
    return program_.buffers[root_of(program_, buffer)].place <= Place::output;
  }

  // Only buffers of our own start at a multiple of 64 bytes.
  void set_alignment(const Launch& launch, Kernel& kernel) const {
    for (size_t i = 0; i < kernel.params.size(); ++i) {
      Param& param = kernel.params[i];
      param.alignment = is_callers(launch.args.at(i)) ? size_of(param.dtype) : 64;
    }
  }

  // Groups that share kernels share the stored one too, where their buffers are aligned alike.
  std::string kernel_for(const Launch& launch, const GroupKernels::value_type& kernels) {
    std::vector<bool> callers;
    for (const int32_t id : launch.args) callers.push_back(is_callers(id));
    std::string& name = shared_[{kernels.get(), std::move(callers)}];
    if (name.empty()) name = stored(launch, *kernels);
    return name;
  }

  // The name of the kernel of the program that this one is.
  std::string stored(const Launch& launch, std::vector<Kernel> levels) {
    std::string text;
    make_uniform(levels);
    for (Kernel& kernel : levels) {
      check(kernel.params.size() == launch.args.size(), "plan", "a kernel has other parameters");
      set_alignment(launch, kernel);
      kernel = with_legal_names(kernel);
      text += canonical_text(kernel) + "---\n";
    }
    const auto [known, is_new] = kernels_.emplace(std::move(text), legal_name(levels.at(0).name));
    if (is_new) {
      std::string name = known->second;
      for (int n = 2; !kernel_names_.insert(name).second; ++n) {
        name = known->second + "_" + std::to_string(n);
      }
      known->second = name;
      for (Kernel& kernel : levels) kernel.name = name;
      program_.kernels.push_back({name, std::move(levels)});
    }
    return known->second;
  }

  static void add_launch(Entry& entry, Launch launch) {
    if (entry.regions.empty()) entry.regions.emplace_back();
    entry.regions[0].launches.push_back(std::move(launch));
  }

  const Graph& graph_;
  const FusionPlan& fusion_;
  Program program_;
  std::map<Key, Value> views_;
  std::map<Key, const Group*> producer_;
  std::set<Key> read_in_forward_;
  std::map<Key, int32_t> buffers_;
  std::map<std::string, std::string> kernels_;       // canonical texts of all levels -> name
  std::map<std::pair<const void*, std::vector<bool>>, std::string> shared_;
  std::set<std::string> names_, kernel_names_;
  std::vector<int32_t> copies_;                      // results that a kernel copies
};

bool stores_to_param(const Kernel& kernel, const Stmt& stmt) {
  const auto is_param = [&](const std::string& name) {
    return std::ranges::any_of(kernel.params, [&](const Param& p) { return p.name == name; });
  };
  bool found = false;
  visit(stmt, [&](const Stmt& inner) {
    if (const auto* store = std::get_if<Store>(&inner->node)) {
      found = found || is_param(store->buffer);
    } else if (const auto* instr = std::get_if<Instr>(&inner->node)) {
      for (const InstrOperand& operand : instr->operands) {
        found = found || is_param(operand.buffer);
      }
    }
  });
  return found;
}

}  // namespace

Index tasks_of(const Kernel& kernel) {
  const auto as_parallel = [](const Stmt& stmt) -> const For* {
    const auto* loop = std::get_if<For>(&stmt->node);
    return loop != nullptr && loop->kind == LoopKind::parallel ? loop : nullptr;
  };
  std::vector<Stmt> outer{kernel.body};
  if (const auto* block = std::get_if<Block>(&kernel.body->node)) outer = block->body;
  const For* parallel = nullptr;
  for (const Stmt& stmt : outer) {
    if (const For* loop = as_parallel(stmt)) parallel = loop;
  }
  if (parallel == nullptr) return 1;
  check(parallel->begin.is_const(0), "plan", "a parallel loop starts at 0");
  for (const Stmt& stmt : outer) {
    if (as_parallel(stmt) != parallel && stores_to_param(kernel, stmt)) {
      throw InternalError("plan", kernel.name + " stores outside its parallel loop", print(kernel));
    }
  }
  return parallel->end;
}

Program plan(const Graph& graph, const FusionPlan& fusion, std::vector<TargetInfo> levels,
             const GroupKernels& kernels) {
  check(!levels.empty(), "plan", "a program has at least one level");
  check(kernels.size() == fusion.groups.size(), "plan", "one list of kernels per group");
  if (!graph.updates.empty()) {
    throw CompileError("program",
                       "the graph updates parameter '" + graph.updates[0].parameter + "'", "",
                       "compile the graph without its updates: programs of inference hold none");
  }
  return Planner(graph, fusion, std::move(levels)).run(kernels);
}

}  // namespace mintor
