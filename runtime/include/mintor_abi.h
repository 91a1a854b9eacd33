// SPDX-License-Identifier: Apache-2.0
// The plain C types that every Mintor package speaks. A package's own header (`<name>.h`) includes
// this file and declares `<name>_open`, `<name>_context_create`, `<name>_run`, `<name>_run_entry`,
// `<name>_context_destroy`, `<name>_close`, `<name>_info` and a few more (docs/runtime_abi.md).
// Nothing here is exported: types only, so several packages can meet in one program.
// Keeps true: a struct only grows at its end; `size` fields say which version the caller was built
// with, and fields that a caller sets but a package does not know are refused, never ignored.
#ifndef MINTOR_ABI_H
#define MINTOR_ABI_H

#include <stddef.h>
#include <stdint.h>

#define MT_ABI_VERSION 1
enum { MT_MAX_RANK = 8, MT_MAX_SYMBOLS = 16 };

typedef enum mt_status {
  MT_OK = 0,
  MT_INVALID_ARGUMENT = 1,  // a null pointer, an unknown option, a wrong dtype or rank
  MT_SHAPE_MISMATCH = 2,    // a size outside its declared range, or two inputs that disagree
  MT_OUT_OF_MEMORY = 3,
  MT_IO_ERROR = 4,          // the weights file is missing, short, or has other contents
  MT_UNSUPPORTED_CPU = 5,   // the CPU is below the lowest level of this package
  MT_BUFFER_TOO_SMALL = 6,  // an output or memory block given by the caller is too small
  MT_CANCELLED = 7          // mt_context_options.cancel said so
} mt_status;

typedef enum mt_dtype {
  MT_F64 = 0,
  MT_F32,
  MT_F16,
  MT_BF16,
  MT_I8,
  MT_I16,
  MT_I32,
  MT_I64,
  MT_U8,
  MT_U16,
  MT_U32,
  MT_U64,
  MT_BOOL
} mt_dtype;

// A dense row-major array. For an input: `data` is read, all fields are set by the caller.
// For an output: the caller sets `data` and `bytes` (capacity); `run` sets dtype, rank and shape,
// and `bytes` to what it wrote. With `data` null, `run` sets it to memory of the context, valid
// until the context's next run; a `data` that points there already counts as null, so an array can
// be passed again as it came back. Data is aligned to its element; outputs overlap no input.
typedef struct mt_tensor {
  void* data;
  size_t bytes;
  int32_t dtype;  // mt_dtype
  int32_t rank;   // 0..MT_MAX_RANK
  int64_t shape[MT_MAX_RANK];
} mt_tensor;

// One input or output as the package declares it. shape[d] >= 0 is fixed; -1 is a symbol, its name
// in symbol[d] (null where the size is fixed, or is an expression that only an output can have).
typedef struct mt_tensor_info {
  const char* name;
  int32_t dtype;
  int32_t rank;
  int64_t shape[MT_MAX_RANK];
  const char* symbol[MT_MAX_RANK];
} mt_tensor_info;

typedef struct mt_symbol_info {
  const char* name;
  int64_t lo, hi;   // inclusive range; hi < 0: unbounded
  int64_t divisor;  // it is a multiple of this; 0 and 1: of nothing
  int64_t hint;     // a typical value: at the hints of all symbols every size is legal
} mt_symbol_info;

// What a model can be asked to do: `forward`, `train_step`, ... All entries of a model share its
// weights and, in one context, its states.
typedef struct mt_entry_info {
  const char* name;
  int32_t input_count, output_count, kernel_count;
  const mt_tensor_info* inputs;
  const mt_tensor_info* outputs;
  const char* const* kernels;  // names, in launch order
} mt_entry_info;

// What a state is for: a value of the model; what the optimizer keeps of one; the sum of its
// gradients.
typedef enum mt_state_role {
  MT_STATE_VALUE = 0,
  MT_STATE_OPTIMIZER,
  MT_STATE_GRADIENT
} mt_state_role;

typedef struct mt_state_info {
  int32_t role;  // mt_state_role
  int32_t of;    // position of the state that it belongs to; -1: none
} mt_state_info;

// Inputs, outputs and kernels are those of the first entry, which `run` runs.
typedef struct mt_model_info {
  const char* name;
  const char* numerics_hash;  // equal hash + equal input = equal bits
  const char* levels;         // "v3,v4"
  const char* level;          // the one chosen on this CPU, null before open
  int32_t input_count, output_count, symbol_count, kernel_count;
  const mt_tensor_info* inputs;
  const mt_tensor_info* outputs;
  const mt_symbol_info* symbols;
  const char* const* kernels;
  int64_t weights_bytes, packed_bytes;
  int32_t state_count;  // parameters that runs update; each context has its own
  const mt_tensor_info* states;
  int32_t entry_count;  // at least 1
  const mt_entry_info* entries;
  const mt_state_info* state_infos;  // as many as states
  int32_t fixed_count;  // parameters that no run updates, where they can be set by name
  const mt_tensor_info* fixed;
} mt_model_info;

#ifdef __cplusplus
extern "C" {
#endif

// Runs task(context, i) for every i in [0, count), in any order, on any threads, and returns when
// all are done.
typedef void (*mt_task)(void* task_context, int32_t index);
typedef void (*mt_parallel_for)(void* data, int32_t count, mt_task task, void* task_context);
// Threads that any number of models use, of one package or of several. <name>_pool_create makes
// one; a host may fill one in for threads of its own.
typedef struct mt_pool {
  size_t size;      // sizeof(mt_pool)
  int32_t threads;  // the caller of `run` and those beside it
  // Runs task(context, i) for every i in [0, threads), all at the same time, i = 0 on the calling
  // thread, and returns 1 when all are done. 0: it has run nothing, for the threads are in use, or
  // stayed with the parent of a forked process; the caller then does all alone.
  int32_t (*run)(struct mt_pool* pool, mt_task task, void* task_context);
} mt_pool;
// Called between pieces of the work of a run, on the thread of the run. Not 0: the run ends soon.
typedef int32_t (*mt_cancel)(void* data);
// Called after each launch of an entry on the calling thread.
typedef void (*mt_profile)(void* data, const char* kernel, int64_t begin_ns, int64_t end_ns);
// Called for the sum of gradients of each parameter: of its name, to be read and written in place.
// Not 0: the walk ends there, and this is in the message.
typedef int32_t (*mt_gradient)(void* data, const char* parameter, mt_tensor* gradient);

// What <name>_load_parameters lets pass: names that the file lacks keep their values, names that
// the model lacks are left out. 0: neither.
enum { MT_ALLOW_MISSING = 1, MT_ALLOW_UNKNOWN = 2 };

// Memory of the host's own: gives `bytes` bytes on a 64-byte boundary, or null; takes them back.
typedef void* (*mt_allocate)(void* data, size_t bytes);
typedef void (*mt_release)(void* data, void* block);

// Zero-initialise, set `size = sizeof(mt_options)`, then what you need. A null pointer instead of
// options is all defaults.
typedef struct mt_options {
  size_t size;
  const char* weights_path;      // a file, or a folder of files by their hash; null: those in the
                                 // library, or weights.bin beside it, in weights/ or ../weights/
  const void* weights;           // the weights themselves, instead of a path: 64-byte aligned and
  size_t weights_bytes;          // kept alive by the caller; with or without the file's trailer
  const char* level;             // null: the best the CPU has; else one of the package's, by name
  int32_t threads;               // 0 or 1: the caller's thread; n: n-1 threads of ours beside it
  int32_t parallel_width;        // how many ways to split for parallel_for; 0: 2
  mt_parallel_for parallel_for;  // the host's own threads, instead of ours
  void* parallel_for_data;
  int32_t check_weights;  // not 0: reads all of the weights and compares their SHA-256
  // What new contexts train, as <name>_set_trained would have it: of the states that have a
  // gradient, the named ones alone. Null: all. Not read after open.
  const char* const* trained;
  int32_t trained_count;  // with `trained`; 0: none
  // Called in each run that applies gradients, before it reads any, for those that are trained, in
  // order of mt_model_info.states, on the thread of the run. Not 0: that run fails.
  mt_gradient reduce;
  void* reduce_data;
  mt_pool* pool;  // whose threads run it, instead of `threads`; it outlives the model
  // Where all memory of the model and its contexts comes from, both or none; null: the system's.
  mt_allocate allocate;
  mt_release release;
  void* memory_data;
} mt_options;

typedef struct mt_context_options {
  size_t size;
  void* memory;                         // working memory (64-byte aligned), or null: allocated
  size_t memory_bytes;                  // at least what <name>_context_bytes says
  int64_t max_symbols[MT_MAX_SYMBOLS];  // upper values to reserve for, in order of
                                        // mt_model_info.symbols; 0: mt_symbol_info.hint
  mt_profile profile;
  void* profile_data;
  void* share;       // a context of the same model whose parameters and states this one
                     // has too, whichever is destroyed first; null: its own
  mt_cancel cancel;  // ends runs with MT_CANCELLED; null: nothing does
  void* cancel_data;
} mt_context_options;

#ifdef __cplusplus
}
#endif
#endif
