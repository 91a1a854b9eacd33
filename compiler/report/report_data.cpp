// SPDX-License-Identifier: Apache-2.0
// The data of a report. Takes a Program and its source; gives JSON: buffers, kernels by level,
// entries as trees of steps. Keeps true: buffers and kernels are named by their positions; sizes
// and operations are those at the hints of the symbols; what all levels have to say is said once.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "compiler/ir/sizes.h"
#include "compiler/loop/step.h"
#include "compiler/memory/liveness.h"
#include "compiler/report/kernel_costs.h"
#include "compiler/report/report.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

std::string type_text(DType dtype, const std::vector<Index>& shape) {
  std::string text;
  for (const Index& extent : shape) text += (text.empty() ? "" : ", ") + extent.str();
  return std::string(name_of(dtype)) + "[" + text + "]";
}

Json symbols_json(const Program& program, const SymbolValues& values) {
  Json all = Json::array();
  for (const Symbol& symbol : program.symbols) {
    const std::string range =
        std::to_string(symbol.lo) + ".." + (symbol.hi < 0 ? "" : std::to_string(symbol.hi));
    all.push_back({{"name", symbol.name},
                   {"range", symbol.value ? "= " + symbol.value->str() : range},
                   {"value", values.at(symbol.name)}});
  }
  return all;
}

Json buffers_json(const Program& program, const SymbolValues& values) {
  Json all = Json::array();
  for (size_t b = 0; b < program.buffers.size(); ++b) {
    const Buffer& buffer = program.buffers[b];
    const Buffer& root = program.buffers[root_of(program, static_cast<int32_t>(b))];
    all.push_back({{"name", port_name(buffer)},
                   {"type", type_text(buffer.dtype, buffer.shape)},
                   {"place", name_of(root.place)},
                   {"view", buffer.view_of >= 0},
                   {"bytes", value_at(buffer.exact_bytes(), values)}});
  }
  return all;
}

Json kernel_json(const LevelKernels& kernel, size_t number, const ProgramSource& source) {
  const std::vector<std::string>& first = kernel.levels[0].because;
  const auto said_by_all = [&](const std::string& line) {
    return std::ranges::all_of(kernel.levels, [&](const Kernel& level) {
      return std::ranges::find(level.because, line) != level.because.end();
    });
  };
  Json params = Json::array(), levels = Json::array(), because = Json::array();
  for (const Param& param : kernel.levels[0].params) {
    params.push_back({{"name", param.name},
                      {"type", type_text(param.dtype, param.shape)},
                      {"written", param.written}});
  }
  std::ranges::copy_if(first, std::back_inserter(because), said_by_all);
  for (size_t l = 0; l < kernel.levels.size(); ++l) {
    Json schedule = Json::array(), own = Json::array();
    for (const StepCall& call : kernel.levels[l].schedule) schedule.push_back(print(call));
    std::ranges::copy_if(kernel.levels[l].because, std::back_inserter(own),
                         [&](const std::string& line) { return !said_by_all(line); });
    levels.push_back(
        {{"schedule", schedule}, {"because", own}, {"source", source.kernels[l][number]}});
  }
  return {{"name", kernel.name},
          {"computes", kernel.levels[0].computes},
          {"multiplies", multiplies_and_adds(kernel.levels.back())},
          {"params", params},
          {"because", because},
          {"levels", levels}};
}

// The steps of an entry, each launch with the moment at which it runs (memory/liveness.h).
class EntryJson {
 public:
  EntryJson(const Program& program, const Entry& entry, const SymbolValues& values)
      : program_(program), entry_(entry), values_(values) {
    moments_ = visit_moments(
        entry.steps, [&](const Launch& launch, int moment) { at_[&launch] = moment; },
        [](int32_t, int) {}, [](int, int) {});
  }

  Json json() const {
    Json conditions = Json::array(), lives = Json::array();
    for (const Condition& condition : entry_.conditions) conditions.push_back(to_string(condition));
    for (const auto& [id, life] : lifetimes(program_, entry_, Place::arena)) {
      const Buffer& buffer = program_.buffers[id];
      lives.push_back({{"buffer", id},
                       {"offset", value_at(buffer.offset, values_)},
                       {"bytes", value_at(buffer.exact_bytes(), values_)},
                       {"first", life.first},
                       {"last", life.last}});
    }
    return {{"name", entry_.name},
            {"inputs", entry_.inputs},
            {"outputs", entry_.outputs},
            {"conditions", conditions},
            {"steps", steps(entry_.steps)},
            {"arena",
             {{"bytes", value_at(entry_.arena_bytes, values_)},
              {"moments", moments_},
              {"lives", lives}}}};
  }

 private:
  Json steps(const HostSteps& list) const {
    Json all = Json::array();
    for (const HostStep& step : list)
      all.push_back(std::visit([&](const auto& node) { return one(node); }, step.node));
    return all;
  }

  Json one(const Launch& launch) const {
    const KernelCost cost = cost_of(program_, launch, values_);
    Json pairs = Json::array();
    for (const InPlace& pair : launch.in_place)
      pairs.push_back(Json::array({pair.output, pair.input}));
    return {{"kernel", find_kernel(program_, launch.kernel)},
            {"at", at_.at(&launch)},
            {"args", launch.args},
            {"scopes", launch.scopes},
            {"in_place", pairs},
            {"flops", cost.flops},
            {"bytes", cost.bytes}};
  }

  Json one(const Branch& branch) const {
    return {{"if", branch.condition}, {"yes", steps(branch.yes)}, {"no", steps(branch.no)}};
  }

  // With a condition, how often it runs is known when it has.
  Json one(const Loop& loop) const {
    Json json = {{"loop", loop.counter}, {"trip", loop.trip.str()}, {"times", nullptr}};
    if (loop.condition >= 0)
      json["while"] = loop.condition;
    else
      json["times"] = value_at(loop.trip, values_);
    json["steps"] = steps(loop.steps);
    return json;
  }

  Json one(const Bind& bind) const { return {{"bind", bind.symbol}, {"value", bind.value}}; }
  Json one(const Check& check) const { return {{"needs", to_string(check.condition)}}; }

  const Program& program_;
  const Entry& entry_;
  const SymbolValues& values_;
  std::map<const Launch*, int> at_;
  int moments_ = 0;
};

}  // namespace

Json report_data(const Program& program, const ProgramSource& source) {
  const SymbolValues values = hint_values(program);
  Json levels = Json::array(), kernels = Json::array(), entries = Json::array();
  for (const TargetInfo& level : program.levels) levels.push_back(level.level);
  for (size_t k = 0; k < program.kernels.size(); ++k)
    kernels.push_back(kernel_json(program.kernels[k], k, source));
  for (const Entry& entry : program.entries)
    entries.push_back(EntryJson(program, entry, values).json());
  return {{"name", program.name},
          {"compiler_version", MINTOR_VERSION},
          {"numerics_hash", program.numerics_hash},
          {"levels", levels},
          {"symbols", symbols_json(program, values)},
          {"weights_bytes", program.weights_bytes},
          {"packed_bytes", value_at(program.packed_bytes, values)},
          {"plan", program.report},
          {"buffers", buffers_json(program, values)},
          {"kernels", kernels},
          {"prepare", EntryJson(program, program.prepare, values).json()},
          {"entries", entries}};
}

}  // namespace mintor
