// SPDX-License-Identifier: Apache-2.0
// The Program: when and where. Buffers with places, launches of kernels in parallel regions, entry points.
//
// A Program is decided once for all its levels; only the Kernel of a launch differs by level. `prepare` runs once and
// fills the packed buffers from the weights; `forward` runs per call. Launches of one region are separated by barriers;
// a region enters the thread pool once. Offsets and sizes are Index expressions over the symbols.
// Keeps true: no two buffers that are live at the same time overlap in the arena, views and in-place reuse excepted.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/loop/ir.h"
#include "compiler/support/context.h"
#include "compiler/support/target_info.h"

namespace mintor {

enum class Place : uint8_t { input, output, weights, packed, arena };

struct Buffer {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  Place place = Place::arena;
  int32_t slot = 0;             // input, output: position
  Index offset;                 // weights, packed, arena: bytes, a multiple of 64
  int32_t view_of = -1;         // shares the bytes of another buffer (then place/slot/offset are that one's)
  Index bytes() const;          // rounded up to 64
};

struct Launch {
  std::string kernel;           // Program::kernels by name
  std::vector<int32_t> args;    // buffers, in order of the kernel's parameters
  std::vector<Index> symbols;   // values of the kernel's symbol parameters
  Index tasks = 1;              // trip count of its parallel loop (1: none)
};

struct Region { std::vector<Launch> launches; };
struct Entry { std::string name; std::vector<Region> regions; };

struct LevelKernels { std::string name; std::vector<Kernel> levels; };   // one Kernel per Program::levels

struct Weight { std::string name; Tensor value; int32_t buffer = 0; };

struct Program {
  std::string name;
  std::string numerics_hash;
  std::vector<Symbol> symbols;            // bound by inputs, in order
  std::vector<Buffer> buffers;
  std::vector<int32_t> inputs, outputs;   // buffer ids by position
  std::vector<Weight> weights;            // parameters and large constants
  std::vector<LevelKernels> kernels;
  std::vector<TargetInfo> levels;         // lowest first
  Entry prepare{"prepare", {}}, forward{"forward", {}};
  Index arena_bytes = 0, packed_bytes = 0;
  int64_t weights_bytes = 0;
  std::vector<std::string> report;        // memory plan: peak, lower bound, what was reused; `--explain`
};

std::string print(const Program& program);          // kernels included, by level
Program parse_program(std::string_view text, const std::map<std::string, Tensor>& blobs);
void verify(const Program& program);

// Runs `prepare` and `forward` with the loop interpreter on the kernels of one level.
std::vector<Tensor> interpret(const Program& program, const std::vector<Tensor>& inputs, size_t level);

}  // namespace mintor
