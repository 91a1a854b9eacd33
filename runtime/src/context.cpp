// SPDX-License-Identifier: Apache-2.0
// Contexts: the mutable state of one user of a model, and `run`.
// Takes a model and the caller's arrays; gives outputs. Keeps true: `run` allocates nothing while
// the sizes fit what was reserved; a context that owns its memory grows when they do not; one that
// lives in the caller's memory never does.
#include "runtime.h"

namespace MT_PACKAGE {

const Entry& entry_of(const Context& context) {
  return context.model->program->entries[context.entry];
}

const mt_entry_info& entry_info_of(const Context& context) {
  return context.model->info.entries[context.entry];
}

// Working memory for any entry. Sizes that an entry cannot have are refused, whichever it is.
static mt_status bytes_for(const Model& model, const int64_t* symbols, int64_t* bytes) {
  const Program& program = *model.program;
  *bytes = 0;
  for (int32_t i = 0; i < program.info.entry_count; ++i) {
    const Entry& entry = program.entries[i];
    int64_t own[kMaxSizes];
    memcpy(own, symbols, size_t(program.info.symbol_count) * sizeof(int64_t));
    if (entry.derive) entry.derive(own);
    const mt_status status = check_sizes(program, entry, entry.check_sizes, own);
    if (status) return status;
    const int64_t needed = working_bytes(entry, own, most_parts(model.options));
    if (needed > *bytes) *bytes = needed;
  }
  return MT_OK;
}

mt_status context_bytes(const Model* model, const mt_context_options* options, size_t* bytes) {
  if (!model || !bytes) return fail(MT_INVALID_ARGUMENT, "context_bytes: a pointer is null");
  mt_context_options read;
  int64_t symbols[kMaxSizes] = {};
  mt_status status = read_context_options(*model->program, options, &read, symbols);
  int64_t needed = 0;
  if (!status) status = bytes_for(*model, symbols, &needed);
  if (!status) *bytes = size_t(needed);
  return status;
}

static mt_status reserve(Context* context, const mt_context_options& options) {
  int64_t needed = 0;
  const mt_status status = bytes_for(*context->model, context->symbols, &needed);
  if (status) return status;
  const int64_t states = options.cancel ? context->model->program->state_bytes : 0;
  if (!allocate(context->memory, &context->before, states, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory to keep %lld bytes of state", (long long)states);
  }
  if (!options.memory) {
    context->owns_memory = true;
    if (allocate(context->memory, &context->arena, needed, Fill::undefined)) return MT_OK;
    return fail(MT_OUT_OF_MEMORY, "no memory for a context of %lld bytes", (long long)needed);
  }
  if (uint64_t(options.memory_bytes) < uint64_t(needed)) {
    return fail(MT_BUFFER_TOO_SMALL, "memory of the context: %zu bytes, expected at least %lld",
                options.memory_bytes, (long long)needed);
  }
  context->arena.data = static_cast<char*>(options.memory);
  context->arena.bytes = int64_t(options.memory_bytes);
  return MT_OK;
}

// How many arrays the entry with most has.
static size_t most_tensors(const mt_model_info& info, int32_t mt_entry_info::* count) {
  int32_t most = 0;
  for (int32_t i = 0; i < info.entry_count; ++i) {
    if (info.entries[i].*count > most) most = info.entries[i].*count;
  }
  return size_t(most);
}

static int32_t size_count(const Program& program) {
  return program.info.symbol_count > MT_MAX_SYMBOLS ? program.info.symbol_count : MT_MAX_SYMBOLS;
}

// A context, what it remembers of each entry, sizes, and the addresses of arrays, in one block.
static Context* allocate_context(const Model* model) {
  const mt_model_info& info = model->info;
  const size_t inputs = most_tensors(info, &mt_entry_info::input_count);
  const size_t outputs = most_tensors(info, &mt_entry_info::output_count);
  const size_t entries = size_t(info.entry_count), sizes = size_t(size_count(*model->program));
  const size_t dynamic = size_t(model->program->dynamic_count);
  Context* made = static_cast<Context*>(allocate_object(
      model->memory, sizeof(Context) + entries * sizeof(Fitting) + sizes * sizeof(int64_t) +
                         dynamic * (sizeof(Block) + sizeof(char*)) +
                         (inputs + outputs) * sizeof(void*)));
  if (!made) return nullptr;
  made->model = model;
  made->memory = model->memory;
  made->fitting = reinterpret_cast<Fitting*>(made + 1);
  made->symbols = reinterpret_cast<int64_t*>(made->fitting + entries);
  made->dynamic = reinterpret_cast<Block*>(made->symbols + sizes);
  made->dynamic_data = reinterpret_cast<char**>(made->dynamic + dynamic);
  made->outputs = reinterpret_cast<void**>(made->dynamic_data + dynamic);
  made->inputs = const_cast<const void**>(made->outputs + outputs);
  return made;
}

// Its own, with what the weights say, or those of another context.
static mt_status give_parameters(Context* context, const mt_context_options& options) {
  const Context* other = static_cast<const Context*>(options.share);
  if (!other) {
    const mt_status status = create_parameters(*context->model, &context->parameters);
    if (!status) start_values(*context->model, context->parameters);
    return status;
  }
  if (other->model != context->model) {
    return fail(MT_INVALID_ARGUMENT, "share: that context is of another model");
  }
  context->parameters = other->parameters;
  __atomic_add_fetch(&context->parameters->contexts, 1, __ATOMIC_RELAXED);
  return MT_OK;
}

mt_status context_create(Model* model, const mt_context_options* options, Context** context) {
  if (!model || !context) return fail(MT_INVALID_ARGUMENT, "context_create: a pointer is null");
  *context = nullptr;
  Context* made = allocate_context(model);
  if (!made) return fail(MT_OUT_OF_MEMORY, "no memory for a context");
  mt_context_options read;
  mt_status status = read_context_options(*model->program, options, &read, made->symbols);
  if (!status) status = give_parameters(made, read);
  if (!status) status = start_mask(made);
  if (!status) status = reserve(made, read);
  if (status) {
    release(made->memory, &made->before);
    release_mask(made->memory, &made->mask);
    leave_parameters(made->parameters);
    release_object(made->memory, made);
    return status;
  }
  made->executor = make_executor(model->options);
  made->executor.profile = read.profile;
  made->executor.profile_data = read.profile_data;
  made->executor.cancel = read.cancel;
  made->executor.cancel_data = read.cancel_data;
  *context = made;
  return MT_OK;
}

void context_destroy(Context* context) {
  if (!context) return;
  destroy_executor(&context->executor);
  const Memory memory = context->memory;
  if (context->owns_memory) release(memory, &context->arena);
  for (int32_t i = 0; i < context->model->program->dynamic_count; ++i) {
    release(memory, &context->dynamic[i]);
  }
  release(memory, &context->before);
  release_mask(memory, &context->mask);
  leave_parameters(context->parameters);
  release_object(memory, context);
}

// Makes the arena fit the symbols that were just bound.
static mt_status fit_arena(Context* context) {
  const int64_t needed =
      working_bytes(entry_of(*context), context->symbols, context->executor.width);
  if (needed <= context->arena.bytes) return MT_OK;
  if (!context->owns_memory) {
    return fail(MT_BUFFER_TOO_SMALL,
                "these sizes need %lld bytes of working memory, the context was given %lld",
                (long long)needed, (long long)context->arena.bytes);
  }
  Block larger;
  if (!allocate(context->memory, &larger, needed, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for a context of %lld bytes", (long long)needed);
  }
  // Nothing in the arena outlives a run. No page of the new block was touched so far.
  release(context->memory, &context->arena);
  context->arena = larger;
  return MT_OK;
}

static mt_status check_and_fit(Context* context, const mt_tensor* outputs) {
  // A run mostly has the sizes of the one before.
  const size_t bytes = sizeof(Fitting::symbols);
  Fitting& fitting = context->fitting[context->entry];
  const bool known = fitting.known && memcmp(fitting.symbols, context->symbols, bytes) == 0;
  mt_status status = MT_OK;
  const Program& program = *context->model->program;
  const Entry& entry = entry_of(*context);
  const int64_t* symbols = context->symbols;
  if (!known) status = check_conditions(program, entry, entry.check_conditions, symbols);
  if (!known && !status) status = check_sizes(program, entry, entry.check_sizes, symbols);
  if (!status) status = check_outputs(context, outputs);
  if (status || known) return status;
  status = fit_arena(context);
  if (status) return status;
  memcpy(fitting.symbols, context->symbols, bytes);
  fitting.known = true;
  return MT_OK;
}

// What a run was given and found so far says that a size is `value`: checks it, and makes memory
// for what it decides. What lies there outlives a binding to the value that it has, and no other.
static mt_status bind_size(Context* context, int32_t index, int64_t value) {
  const Program& program = *context->model->program;
  const Entry& entry = entry_of(*context);
  const DynamicSize& size = program.dynamic[index];
  const mt_symbol_info& symbol = program.info.symbols[size.symbol];
  if (!in_range(symbol, value)) {
    return fail(MT_SHAPE_MISMATCH, "'%s' becomes %lld in this run, expected %s", symbol.name,
                (long long)value, range_text(symbol).text);
  }
  context->symbols[size.symbol] = value;
  if (entry.derive) entry.derive(context->symbols);
  mt_status status = check_conditions(program, entry, size.check_conditions, context->symbols);
  if (!status) status = check_sizes(program, entry, size.check_sizes, context->symbols);
  if (status) return status;
  // Before any state is written, so that a run which fails has changed none.
  status = check_dynamic_outputs(*context, index);
  if (status) return status;
  const int64_t needed = size.bytes(context->symbols);
  Block& block = context->dynamic[index];
  if (needed <= block.bytes) return MT_OK;
  // What grows in every iteration is not made anew in every one.
  const int64_t more = block.bytes / 2;
  const int64_t ample = needed > INT64_MAX - more ? needed : needed + more;
  release(context->memory, &block);
  context->dynamic_data[index] = nullptr;
  if (!allocate(context->memory, &block, ample, Fill::undefined) &&
      !allocate(context->memory, &block, needed, Fill::undefined)) {
    return fail(MT_OUT_OF_MEMORY, "no memory for %lld bytes with '%s' = %lld", (long long)needed,
                symbol.name, (long long)value);
  }
  context->dynamic_data[index] = block.data;
  return MT_OK;
}

static int64_t bind_in_run(void* context, int32_t size, int64_t value) {
  Context* running = static_cast<Context*>(context);
  running->bound = bind_size(running, size, value);
  return running->bound ? kStopped : value;
}

static int64_t check_in_run(void* context, CheckConditions condition, const int64_t* symbols) {
  Context* running = static_cast<Context*>(context);
  running->bound =
      check_conditions(*running->model->program, entry_of(*running), condition, symbols);
  return running->bound ? kStopped : 0;
}

// What a cancelled run did to the states is undone.
static void keep_states(Context* context) {
  if (!context->before.data || entry_of(*context).write_count == 0) return;
  memcpy(context->before.data, context->parameters->state.data, size_t(context->before.bytes));
}

static void restore_states(Context* context) {
  if (!context->before.data || entry_of(*context).write_count == 0) return;
  memcpy(context->parameters->state.data, context->before.data, size_t(context->before.bytes));
}

static mt_status run_bound(Context* context, const mt_tensor* inputs, mt_tensor* outputs) {
  mt_status status = bind_inputs(context, inputs);
  if (!status) status = check_and_fit(context, outputs);
  if (!status) status = reduce_gradients(context);
  if (status) return status;
  describe_outputs(context, outputs);
  context->given = outputs;
  const Model& model = *context->model;
  context->bound = MT_OK;
  const Entry& entry = entry_of(*context);
  Args args = {};
  args.inputs = context->inputs;
  args.outputs = context->outputs;
  const Parameters& parameters = *context->parameters;
  const bool own = parameters.weights.data != nullptr;
  args.weights = own ? parameters.weights.data : model.weights.data;
  args.packed = own ? parameters.packed.data : model.packed.data;
  args.state = parameters.state.data;
  args.arena = context->arena.data;
  args.scratch = scratch_in(context->arena, entry, context->executor.width);
  args.symbols = context->symbols;
  args.symbol_count = model.info.symbol_count;
  args.dynamic = context->dynamic_data;
  args.bind = bind_in_run;
  args.check = check_in_run;
  args.context = context;
  keep_frozen(context);
  keep_states(context);
  const bool whole =
      launch(entry, model.level->kernels, args, context->executor, skipped_phases(*context));
  restore_frozen(context);
  if (!whole) {
    restore_states(context);
    return fail(MT_CANCELLED, "run: cancelled");
  }
  if (!context->bound && entry.output_dynamic) deliver_dynamic_outputs(context, outputs);
  return context->bound;
}

mt_status run(Context* context, const mt_tensor* inputs, mt_tensor* outputs) {
  return run_entry(context, 0, inputs, outputs);
}

mt_status run_entry(Context* context, int32_t entry, const mt_tensor* inputs, mt_tensor* outputs) {
  if (!context) return fail(MT_INVALID_ARGUMENT, "run: context is null");
  const int32_t count = context->model->info.entry_count;
  if (entry < 0 || entry >= count) {
    return fail(MT_INVALID_ARGUMENT, "run: entry %d, there are %d", entry, count);
  }
  if (__atomic_exchange_n(&context->busy, 1, __ATOMIC_ACQUIRE)) {
    return fail(MT_INVALID_ARGUMENT, "run: this context is running in another thread");
  }
  context->entry = entry;
  const Use use = entry_of(*context).write_count > 0 ? Use::change : Use::read;
  mt_status status = begin_run(context, use);
  if (!status) {
    status = run_bound(context, inputs, outputs);
    end_use(context->parameters, use);
  }
  __atomic_store_n(&context->busy, 0, __ATOMIC_RELEASE);
  return status;
}

}  // namespace MT_PACKAGE
