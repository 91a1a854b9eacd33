// SPDX-License-Identifier: Apache-2.0
// What the parts of the runtime share: Model, Context, and the helpers that each part gives.
// Takes: the generated Program and the caller's options. Gives: nothing outside this folder.
// Keeps true: no exceptions, no RTTI, no operator new, no static initialisers, nothing of the C++
// library at link time; a function that can fail returns mt_status after fail() said why; a model
// is immutable after open; `run` calls nothing that allocates unless a context has to grow.
#ifndef MINTOR_RUNTIME_H
#define MINTOR_RUNTIME_H

#include "mintor_program.h"
#include "system.h"

namespace MT_PACKAGE {

// --- failures (failure.cpp) ---
// Keeps the message for last_error() of this thread, and returns `status`.
mt_status fail(mt_status status, const char* format, ...) __attribute__((format(printf, 2, 3)));
const char* dtype_name(int32_t dtype);  // "f32"; "?" for a value that is none
int64_t dtype_bytes(int32_t dtype);     // 0 for a value that is none

// --- memory (memory.cpp) ---
// A 64-byte aligned block that is owned; huge pages are asked for when it is large.
struct Block {
  char* data;
  int64_t bytes;
};
enum class Fill { undefined, zeros };
// Where it comes from. All zero: the system's.
struct Memory {
  mt_allocate allocate;
  mt_release release;
  void* data;
};
Memory memory_of(const mt_options& options);
// `data` stays null for 0 bytes.
bool allocate(const Memory& memory, Block* block, int64_t bytes, Fill fill);
void release(const Memory& memory, Block* block);
// An object, all zero; null where there is no memory for it.
void* allocate_object(const Memory& memory, size_t bytes);
template <class T>
T* allocate_object(const Memory& memory) {
  return static_cast<T*>(allocate_object(memory, sizeof(T)));
}
void release_object(const Memory& memory, void* object);
// Working memory of an entry: its arena, and behind it a piece of scratch for each of `parts`. A
// block of at least so many bytes has the pieces at its end. INT64_MAX: 64 bits do not hold it.
int64_t working_bytes(const Entry& entry, const int64_t* symbols, int32_t parts);
char* scratch_in(const Block& working, const Entry& entry, int32_t parts);

// --- options (options.cpp) ---
// Copies the caller's struct of any version into ours: what he does not know is zero, what we do
// not know has to be zero.
mt_status read_options(const mt_options* given, mt_options* options);
// `symbols`: values to reserve for.
mt_status read_context_options(const Program& program, const mt_context_options* given,
                               mt_context_options* options, int64_t* symbols);

// --- sizes (sizes.cpp) ---
bool in_range(const mt_symbol_info& symbol, int64_t value);
struct RangeText {
  char text[96];
};
RangeText range_text(const mt_symbol_info& symbol);  // "0..64", "a multiple of 8 in 8.."
bool has_symbol(const Entry& entry, int32_t symbol);
// MT_SHAPE_MISMATCH or MT_OUT_OF_MEMORY with the first size that cannot be, and the entry's
// symbols.
using CheckSizes = SizeFault (*)(const int64_t* symbols);
using CheckConditions = SizeCondition (*)(const int64_t* symbols);
mt_status check_sizes(const Program& program, const Entry& entry, CheckSizes check,
                      const int64_t* symbols);
mt_status check_conditions(const Program& program, const Entry& entry, CheckConditions check,
                           const int64_t* symbols);

// --- weights (weights.cpp, sha256.cpp) ---
void sha256(const void* data, uint64_t bytes, unsigned char hash[32]);
struct Weights {
  const char* data;  // payload, without trailer
  void* mapping;     // what to unmap; null when the memory is the caller's
  int64_t mapped_bytes;
};
mt_status open_weights(const Program& program, const mt_options& options, Weights* weights);
// weights_file.cpp: those of weights_path, or where the package keeps them.
mt_status open_weights_file(const Program& program, const mt_options& options, Weights* weights);
// What follows the payload, and the payload itself; `source` names them.
static const int64_t kTrailerBytes = 64;
inline bool has_hash(const Program& program) {
  return program.weights_sha256 && program.weights_sha256[0];
}
mt_status check_trailer(const Program& program, const unsigned char* trailer, const char* source);
mt_status check_contents(const Program& program, const char* payload, const unsigned char* trailer,
                         const char* source);
void close_weights(Weights* weights);

// --- threads (pool.cpp, launch.cpp) ---
struct Begun;
// Who runs the phases: only the caller (width 1), a pool, or the host's parallel_for.
struct Executor {
  int32_t width;
  mt_pool* pool;
  mt_pool* own_pool;  // null: `pool` is shared
  Begun* begun;       // of each part's share; null: a share is begun as a whole
  mt_parallel_for parallel_for;
  void* parallel_for_data;
  mt_profile profile;
  void* profile_data;
  mt_cancel cancel;
  void* cancel_data;
  Memory memory;
};
int64_t now_ns();
Executor make_executor(const mt_options& options);
// The most parts that it splits a phase into: fewer where threads cannot be had.
int32_t most_parts(const mt_options& options);
void destroy_executor(Executor* executor);
// Runs all phases in order. The floating-point environment is the default inside, and as the
// caller had it afterwards.
// `skipped`: of each phase, whether it is left out; null: none is. False: it was cancelled, some of
// the work is not done.
bool launch(const Entry& entry, const void* kernels, Args args, const Executor& executor,
            const uint8_t* skipped);

// --- model and context (model.cpp, context.cpp, parameters.cpp, trained.cpp, bind.cpp) ---
struct Model {
  const Program* program;
  const Level* level;
  mt_model_info info;
  mt_options options;
  Memory memory;
  uint32_t* frozen;  // as in the Mask that contexts begin with
  Weights weights;
  Block packed;
};

// Runs `prepare`: fills `packed` from `weights`.
mt_status prepare(const Model& model, const char* weights, char* packed, const Executor& executor);

// The values that runs read and update, of one context or of several that share them: the states,
// and copies of weights and of what is packed, once a parameter that no run updates was set.
struct Parameters {
  Memory memory;
  int32_t contexts;
  int32_t users;  // runs that read the states; kChanging: somebody changes values
  Block state;
  Block weights;  // without data: those of the model
  Block packed;
  bool stale;  // `packed` is older than `weights`
};
enum class Use { read, change };
mt_status create_parameters(const Model& model, Parameters** made);
void leave_parameters(Parameters* parameters);  // the last context takes them along
// Refused, with `what` in the message, where another use is under way that cannot be beside it.
mt_status begin_use(Parameters* parameters, Use use, const char* what);
void end_use(Parameters* parameters, Use use);
// The same for a run, which packs what was set since the last one.
struct Context;
mt_status begin_run(Context* context, Use use);
// Own weights, to be written; `packed` is made of them again before the next run.
mt_status own_weights(const Model& model, Parameters* parameters);

// What runs of a context do not keep (trained.cpp).
struct Mask {
  uint32_t* frozen;  // bit s: what runs make of state s is not kept; null: all is
  uint8_t* skipped;  // phases, entry by entry
  Block kept;        // values of states that are written all the same
};

// The last symbols of an entry whose sizes are legal and fit the arena.
struct Fitting {
  bool known;
  int64_t symbols[MT_MAX_SYMBOLS];
};

struct Context {
  const Model* model;
  Memory memory;
  Executor executor;
  bool owns_memory;
  Parameters* parameters;
  Mask mask;
  Block arena;       // `data` is the caller's when !owns_memory
  int32_t busy;      // 1 while a run is in it
  int32_t entry;     // which one runs, or did last
  int64_t* symbols;  // of the program, MT_MAX_SYMBOLS at least
  Fitting* fitting;  // by entry
  Block* dynamic;    // by size that runs bind, grown as they are bound
  char** dynamic_data;
  mt_status bound;      // why a run stopped
  Block before;         // states before a run that can be cancelled
  const void** inputs;  // by position, filled by each run
  void** outputs;
  const mt_tensor* given;  // the outputs of this run, as the caller has them
};

// All parameters by position: states, then those that no run updates (state.cpp).
struct NamedValue {
  const mt_tensor_info* info;
  char* data;  // not to be written where the weights are the model's
  int64_t bytes;
};
int32_t value_count(const Context& context);
NamedValue value_at(const Context& context, int32_t index);
void describe(const NamedValue& value, mt_tensor* described);
// -1: none has the name.
int32_t find_value(const mt_model_info& info, const char* name);
// Both by who uses the parameters to change them.
void start_values(const Model& model, Parameters* parameters);
mt_status change_value(Context* context, int32_t index, const void* data);

// --- checkpoints (checkpoint.cpp, safetensors.cpp) ---
// One array of a file of the safetensors format.
struct StoredTensor {
  const char* name;
  const char* dtype;  // as the file spells it
  int32_t rank;
  int64_t shape[MT_MAX_RANK];
  int64_t begin, end;  // bytes of what follows the header
};
const char* stored_dtype(int32_t dtype);  // "F32"
// Reads `header`, which it changes (strings are decoded in place and end in 0), and calls visit for
// each array. The status that visit gave where it is not MT_OK; MT_IO_ERROR where this is no
// header.
using VisitStored = mt_status (*)(void* data, const StoredTensor& tensor);
mt_status read_header(char* header, int64_t bytes, const char* path, VisitStored visit, void* data);

inline int32_t serves_words(const Program& program) { return program.info.state_count / 32 + 1; }
// Fills model->frozen as `options.trained` says; a new context's mask is made of it.
mt_status open_trained(Model* model);
mt_status start_mask(Context* context);
// Phases of an entry that a run leaves out; null: none.
const uint8_t* skipped_phases(const Context& context);
// Around a run: keeps what it shall not change, and puts it back.
void keep_frozen(Context* context);
void restore_frozen(Context* context);
void release_mask(const Memory& memory, Mask* mask);
bool is_frozen(const Context& context, int32_t state);  // `state` < state_count
// gradients.cpp: refuses `options.reduce` where no entry would call it; calls it where the entry
// that is to run applies gradients.
mt_status check_reduce(const Model& model);
mt_status reduce_gradients(Context* context);
const Entry& entry_of(const Context& context);
const mt_entry_info& entry_info_of(const Context& context);
// Checks the caller's arrays against the declarations, binds and derives the symbols, checks their
// ranges, fills context.inputs.
mt_status bind_inputs(Context* context, const mt_tensor* inputs);
// Checks capacities before anything is written; fills context.outputs with the caller's memory,
// null where there is none.
mt_status check_outputs(Context* context, const mt_tensor* outputs);
// Points the rest of context.outputs to the arena, and describes each output whose size is known.
void describe_outputs(Context* context, mt_tensor* outputs);
// Once a dynamic size is bound: the capacities of those that lie with it.
mt_status check_dynamic_outputs(const Context& context, int32_t dynamic);
// After a run: describes these, and copies them to the caller's memory where he gave some.
void deliver_dynamic_outputs(Context* context, mt_tensor* outputs);

}  // namespace MT_PACKAGE
#endif
