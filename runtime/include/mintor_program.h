// SPDX-License-Identifier: Apache-2.0
// What a package's generated program.cpp gives to the runtime: constant tables and the functions of
// its entry points. Takes: nothing. Gives: `Program`, `Level`, `Args`, and the share of work of one
// part of a launch. Keeps true: all of it is immutable and constant-initialised; everything that
// changes lies in a context. The namespace is the package's own (-DMT_NAME=<name>), so two packages
// link statically into one program. tests/runtime/example_program.cpp shows a whole program.
#ifndef MINTOR_PROGRAM_H
#define MINTOR_PROGRAM_H

#include "mintor_abi.h"

#define MT_JOIN_(a, b) a##b
#define MT_JOIN(a, b) MT_JOIN_(a, b)
#ifndef MT_NAME
#define MT_NAME mintor_package
#endif
// Not the bare name: a package called `open` or `scale` must not meet one of the system or of the
// prelude (mt_scale).
#ifndef MT_PACKAGE
#define MT_PACKAGE MT_JOIN(mt_package_, MT_NAME)
#endif

namespace MT_PACKAGE {

// Sizes of a program: MT_MAX_SYMBOLS that inputs decide, and those that runs bind. Loops inside of
// each other, branches between them counted.
enum { kMaxSizes = 128, kMaxCounters = 16 };

// Two sizes that the model needs to be equal, and are not.
struct SizeCondition {
  const char* left;  // the size as an expression; null: `because` says all
  int64_t left_value;
  const char* right;  // null: a number
  int64_t right_value;
  const char* alternative;  // " or 1", ", or one of them 1"; "" where there is none
  const char* because;      // the operator and its place; may be null. With `left`: all holds
};

// Base addresses that a launch's arguments are offsets into.
struct Args {
  const void* const* inputs;  // the caller's, by position
  void* const* outputs;       // the caller's, or the context's at `output_offset`
  const char* weights;        // weights.bin as stored; null when there are none
  char* packed;               // what `prepare` made; read-only in the other entries
  char* state;                // of the context, kept from run to run; null in `prepare`
  char* arena;                // working memory, 64-byte aligned; contents undefined at entry
  char* scratch;              // Entry::scratch_bytes for whom the part runs on, aligned alike
  const int64_t* symbols;     // bound values, in order of mt_model_info.symbols, then the counters
                              // of loops where the entry has a `next`
  int32_t symbol_count;
  int64_t* chosen;       // what the last condition that was read said, 0 or 1; the last size
                         // that was bound, kStopped where it cannot be
  char* const* dynamic;  // memory of each dynamic size, after it was bound
  // These give what `chosen` becomes.
  int64_t (*bind)(void* context, int32_t size, int64_t value);
  int64_t (*check)(void* context, SizeCondition (*condition)(const int64_t* symbols),
                   const int64_t* symbols);
  void* context;
};
static const int64_t kStopped = INT64_MIN;

// A phase is one launch: part p of n runs its share. Parts of one phase may run at the same time;
// a barrier lies between phases. `kernels` is the level's table, known to generated code only. A
// condition that a branch or a loop reads is a phase too, of part 0 alone: it sets `chosen`; so is
// a size that is bound, or a condition of a branch that is checked.
using PhaseFn = void (*)(const void* kernels, const Args& args, int32_t phase, int32_t part,
                         int32_t parts);

// A phase that writes a state.
struct StateWrite {
  int32_t phase, state;
};

// What is wrong with the sizes that some symbols lead to.
struct SizeFault {
  enum Kind : int32_t { none, negative, overflow } kind;  // overflow: 64 bits do not hold it
  const char* tensor;                                     // null: the working memory as a whole
  int32_t dim;                                            // -1: the number of its bytes
  int64_t size;                                           // where it is negative
};

struct Entry {
  PhaseFn run;  // may be null when phase_count is 0
  int32_t phase_count;
  const char* const* names;  // kernel name of each phase
  // How many parallel tasks the phase has (1: run it on one thread; 0: skip it; kCondition: it sets
  // `chosen`). A pure function. Null: unknown, use all parts.
  int64_t (*tasks)(const int64_t* symbols, int32_t phase);
  // Of an entry with branches, loops or sizes that it binds: which phase comes after `phase` (-1:
  // after the start), -1 when none does. Counts its loops behind the symbols, and binds and derives
  // symbols. Null: the phases in order.
  int32_t (*next)(int64_t* symbols, int64_t chosen, int32_t phase);
  // Which symbols the entry has, of the first 32: bit i for symbol i of mt_model_info. No function
  // of an entry looks at others.
  uint32_t symbols;
  int64_t (*arena_bytes)(const int64_t* symbols);
  // Of working memory beside the arena, for each part that runs at one time; a multiple of 64.
  int64_t scratch_bytes;
  // `prepare` has no inputs, outputs or symbols: none of the following.
  int64_t (*output_bytes)(const int64_t* symbols, int32_t output);
  int64_t (*output_dim)(const int64_t* symbols, int32_t output, int32_t dim);
  // Offset of output o in the arena when the caller gives no buffer for it (part of arena_bytes).
  int64_t (*output_offset)(const int64_t* symbols, int32_t output);
  // Symbols that inputs do not bind directly are computed from the others here; may be null.
  void (*derive)(int64_t* symbols);
  // The first size of any buffer that cannot be. All other functions and `run` are called with
  // symbols only for which there is none. Null: every size is legal whatever the symbols are.
  SizeFault (*check_sizes)(const int64_t* symbols);
  // The first condition between sizes that does not hold; asked before check_sizes, and not for
  // sizes that memory is only reserved for. Null: there are none.
  SizeCondition (*check_conditions)(const int64_t* symbols);
  // Which dynamic size an output lies with, -1: none; its output_offset is one in that memory.
  // Null: there are no dynamic sizes.
  int32_t (*output_dynamic)(int32_t output);
  // Of a program with states: what each phase serves, `serves_words()` words a phase: bit s, the
  // value that state s has after the run; bit `state_count`, anything else. What serves only states
  // that are not kept need not run. Null: all serves anything.
  const uint32_t* serves;
  const StateWrite* writes;
  int32_t write_count;
};
static const int64_t kCondition = -1;

struct Level {
  const char* name;     // "v3"
  bool (*supported)();  // cpuid and xgetbv say that this CPU and system run it
  const void* kernels;
};

// A symbol that a run binds; all that its value decides lies in memory of its own.
struct DynamicSize {
  int32_t symbol;
  int64_t (*bytes)(const int64_t* symbols);
  // As in Entry, for what its value decides. May be null.
  SizeFault (*check_sizes)(const int64_t* symbols);
  SizeCondition (*check_conditions)(const int64_t* symbols);
};

// A parameter that runs update: where it lies in a context's state, what it starts with, its size.
struct State {
  int64_t offset;
  int64_t initial;  // offset in the weights
  int64_t bytes;
};

// A parameter that no run updates: where it lies in the weights.
struct FixedParameter {
  int64_t offset;
  int64_t bytes;
};

struct Program {
  mt_model_info info;   // `level` null; the runtime fills it in its own copy
  const Level* levels;  // best last
  int32_t level_count;
  Entry prepare;               // runs once; its working memory is given back after it
  const Entry* entries;        // as many as info.entries
  const char* weights_sha256;  // hex; compared with the trailer of weights.bin; "" skips
  const DynamicSize* dynamic;  // entry by entry, in the order in which they are bound first
  int32_t dynamic_count;
  int32_t early_symbols;  // those before are known when inputs are bound
  const State* states;    // as many as info.states
  int64_t state_bytes;
  const FixedParameter* fixed;  // as many as info.fixed
  const void* weights;          // weights.bin in the library, trailer and all; null: a file
};

// The generated table, one per package.
extern const Program program;

// Tasks [begin, end) of `count` that part `part` of `parts` runs: contiguous, sizes differ by at
// most one. A function of its own: a program calls it once a launch, which would be most of its
// code.
struct Share {
  int64_t begin, end;
};
[[gnu::noinline]] static inline Share share(int64_t count, int32_t part, int32_t parts) {
  const int64_t base = count / parts, extra = count % parts;
  const int64_t begin = part * base + (part < extra ? part : extra);
  return {begin, begin + base + (part < extra ? 1 : 0)};
}

// A typed pointer into a block.
template <class T>
static inline T* at(char* block, int64_t byte_offset) {
  return reinterpret_cast<T*>(block + byte_offset);
}
template <class T>
static inline const T* at(const char* block, int64_t byte_offset) {
  return reinterpret_cast<const T*>(block + byte_offset);
}

struct Model;
struct Context;

// What the extern "C" functions of a package (runtime/src/api.cpp) forward to.
mt_status open(const Program& program, const mt_options* options, Model** model);
// Bytes of working memory that a context with these options needs.
mt_status context_bytes(const Model* model, const mt_context_options* options, size_t* bytes);
mt_status context_create(Model* model, const mt_context_options* options, Context** context);
// The first entry; the one at a position of info.entries.
mt_status run(Context* context, const mt_tensor* inputs, mt_tensor* outputs);
mt_status run_entry(Context* context, int32_t entry, const mt_tensor* inputs, mt_tensor* outputs);
void context_destroy(Context* context);
// Every state and parameter is what the weights say, as in a new context.
mt_status reset(Context* context);
// Where the context keeps a state, and its type: to be read and written between runs.
mt_status state(Context* context, int32_t index, mt_tensor* state);
// A state or parameter by name. get: into the caller's memory, or to where it lies; set: of its
// dtype and shape.
mt_status get_parameter(Context* context, const char* name, mt_tensor* value);
mt_status set_parameter(Context* context, const char* name, const mt_tensor* value);
// All of them, as a file of the safetensors format.
mt_status save_parameters(Context* context, const char* path);
mt_status load_parameters(Context* context, const char* path, int32_t allow);
// Whether runs of this context keep what they make of a state and of those that belong to it; null:
// of all that have a gradient.
mt_status set_trained(Context* context, const char* name, int32_t trained);
// The sums of gradients that are kept, in order of info.states.
mt_status visit_gradients(Context* context, mt_gradient visit, void* data);
void close(Model* model);
// Threads for several models.
mt_status pool_create(int32_t threads, mt_pool** pool);
void pool_destroy(mt_pool* pool);
const mt_model_info* info(const Model* model);
// Why the last call on this thread that failed did so; "" when none has. Valid until the next
// failure on this thread.
const char* last_error();

}  // namespace MT_PACKAGE
#endif
