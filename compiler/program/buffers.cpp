// SPDX-License-Identifier: Apache-2.0
// Sizes and look-ups of a Program's parts. Takes a Program; gives bytes, roots of views, kernels.
// Keeps true: Buffer::bytes() is a multiple of 64 for every value of the symbols.
#include <algorithm>
#include <numeric>

#include "compiler/loop/stack.h"
#include "compiler/program/program.h"
#include "compiler/support/error.h"
#include "compiler/support/index_poly.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

constexpr int64_t kAlignment = 64;   // a cache line, and the widest vector

}  // namespace

Index Buffer::bytes() const {
  Index total = size_of(dtype);
  for (const Index& extent : shape) total = total * extent;
  return floordiv(total + (kAlignment - 1), kAlignment) * kAlignment;
}

const std::string& port_name(const Buffer& buffer) {
  return buffer.port.empty() ? buffer.name : buffer.port;
}

int32_t root_of(const Program& program, int32_t buffer) {
  size_t steps = 0;
  while (program.buffers.at(buffer).view_of >= 0) {
    buffer = program.buffers[buffer].view_of;
    check(++steps <= program.buffers.size(), "root_of", "views form a cycle");
  }
  return buffer;
}

Index offset_in_root(const Program& program, int32_t buffer) {
  Index offset = 0;
  for (; program.buffers.at(buffer).view_of >= 0; buffer = program.buffers[buffer].view_of)
    offset = offset + program.buffers[buffer].offset;
  return offset;
}

int32_t stage_of(const Program& program, const Index& e) {
  int32_t stage = 0;
  for (const std::string& name : e.vars()) {
    for (size_t d = 0; d < program.dynamic.size(); ++d)
      if (program.dynamic[d].symbol == name) stage = std::max(stage, static_cast<int32_t>(d) + 1);
    const auto symbol = std::ranges::find(program.symbols, name, &Symbol::name);
    if (symbol != program.symbols.end() && symbol->value)
      stage = std::max(stage, stage_of(program, *symbol->value));
  }
  return stage;
}

int64_t alignment_of(const Program& program, int32_t buffer) {
  const Place place = program.buffers[root_of(program, buffer)].place;
  if (place <= Place::output) return size_of(program.buffers[buffer].dtype);
  const Index offset = offset_in_root(program, buffer);
  int64_t alignment = kAlignment;
  for (const IndexTerm& term : offset.poly().terms)
    alignment = std::gcd(alignment, term.coefficient);
  return alignment;
}

int64_t scratch_bytes(const Program& program, const Entry& entry) {
  int64_t most = 0;
  visit_launches(entry.steps, [&](const Launch& launch) {
    for (const Kernel& kernel : program.kernels[find_kernel(program, launch.kernel)].levels)
      most = std::max(most, scratch_layout(kernel).bytes);
  });
  return most;
}

size_t find_entry(const Program& program, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Entry& entry : program.entries) names.push_back(entry.name);
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  throw CompileError("program", "there is no entry '" + std::string(name) + "'", "",
                     did_you_mean(name, names));
}

size_t find_kernel(const Program& program, std::string_view name) {
  for (size_t i = 0; i < program.kernels.size(); ++i) {
    if (program.kernels[i].name == name) return i;
  }
  throw InternalError("program", "there is no kernel '" + std::string(name) + "'");
}

}  // namespace mintor
