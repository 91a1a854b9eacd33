// SPDX-License-Identifier: Apache-2.0
// The border of `run`: the caller's arrays against what the package declares.
// Takes mt_tensor arrays; gives symbol values, input pointers and described outputs. Keeps true:
// nothing is read through a pointer whose size, dtype and alignment were not checked, and nothing
// is written before all of it was; messages name the tensor, what was expected and what came.
#include "runtime.h"

namespace MT_PACKAGE {

static int32_t find_symbol(const mt_model_info& info, const char* name) {
  for (int32_t i = 0; i < info.symbol_count; ++i) {
    if (strcmp(info.symbols[i].name, name) == 0) return i;
  }
  return -1;
}

static mt_status check_kind(const char* role, const mt_tensor_info& expected,
                            const mt_tensor& given) {
  if (given.dtype != expected.dtype) {
    return fail(MT_INVALID_ARGUMENT, "%s '%s': dtype is %s (%d), expected %s", role, expected.name,
                dtype_name(given.dtype), given.dtype, dtype_name(expected.dtype));
  }
  if (given.rank != expected.rank) {
    return fail(MT_INVALID_ARGUMENT, "%s '%s': rank is %d, expected %d", role, expected.name,
                given.rank, expected.rank);
  }
  return MT_OK;
}

static mt_status check_block(const char* role, const mt_tensor_info& expected, const void* data,
                             uint64_t given, uint64_t needed) {
  if (given < needed) {
    return fail(MT_BUFFER_TOO_SMALL, "%s '%s': %llu bytes, expected at least %llu", role,
                expected.name, (unsigned long long)given, (unsigned long long)needed);
  }
  if (needed && !data) {
    return fail(MT_INVALID_ARGUMENT, "%s '%s': data is null", role, expected.name);
  }
  if (reinterpret_cast<uintptr_t>(data) % uintptr_t(dtype_bytes(expected.dtype)) != 0) {
    return fail(MT_INVALID_ARGUMENT, "%s '%s': data does not lie on a boundary of its dtype %s",
                role, expected.name, dtype_name(expected.dtype));
  }
  return MT_OK;
}

// Memory that an earlier run gave out, or works in: null counts as the same for an output, and an
// input there would be written over while it is read.
static bool lies_in(const Block& block, const void* data) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(block.data);
  return reinterpret_cast<uintptr_t>(data) - begin < uint64_t(block.bytes);
}

static bool is_own_memory(const Context& context, const void* data) {
  if (lies_in(context.arena, data)) return true;
  for (int32_t i = 0; i < context.model->program->dynamic_count; ++i)
    if (lies_in(context.dynamic[i], data)) return true;
  return false;
}

// Binds the symbol of one dimension, or checks that it agrees. `bound_by` names who bound it.
static mt_status bind_dim(Context* context, const mt_tensor_info& expected, int32_t dim,
                          int64_t given, const char** bound_by) {
  if (expected.shape[dim] >= 0) {
    if (given == expected.shape[dim]) return MT_OK;
    return fail(MT_SHAPE_MISMATCH, "input '%s': dimension %d is %lld, expected %lld", expected.name,
                dim, (long long)given, (long long)expected.shape[dim]);
  }
  const mt_model_info& info = context->model->info;
  const int32_t index = expected.symbol[dim] ? find_symbol(info, expected.symbol[dim]) : -1;
  if (index < 0) {
    return fail(MT_INVALID_ARGUMENT, "input '%s': dimension %d has no symbol in this package",
                expected.name, dim);
  }
  const mt_symbol_info& symbol = info.symbols[index];
  if (!in_range(symbol, given)) {
    return fail(MT_SHAPE_MISMATCH, "input '%s': dimension %d ('%s') is %lld, expected %s",
                expected.name, dim, symbol.name, (long long)given, range_text(symbol).text);
  }
  if (bound_by[index] && context->symbols[index] != given) {
    return fail(MT_SHAPE_MISMATCH,
                "input '%s': dimension %d ('%s') is %lld, but input '%s' has %lld", expected.name,
                dim, symbol.name, (long long)given, bound_by[index],
                (long long)context->symbols[index]);
  }
  bound_by[index] = expected.name;
  context->symbols[index] = given;
  return MT_OK;
}

static mt_status bind_input(Context* context, const mt_tensor_info& expected,
                            const mt_tensor& given, const char** bound_by) {
  mt_status status = check_kind("input", expected, given);
  if (status) return status;
  uint64_t bytes = uint64_t(dtype_bytes(expected.dtype));
  bool empty = false;
  for (int32_t dim = 0; dim < expected.rank; ++dim) {
    status = bind_dim(context, expected, dim, given.shape[dim], bound_by);
    if (status) return status;
    empty = empty || given.shape[dim] == 0;
  }
  for (int32_t dim = 0; dim < expected.rank && !empty; ++dim) {
    if (__builtin_mul_overflow(bytes, uint64_t(given.shape[dim]), &bytes)) {
      return fail(MT_SHAPE_MISMATCH, "input '%s': its shape holds more than 2^64 bytes",
                  expected.name);
    }
  }
  if (!empty && is_own_memory(*context, given.data)) {
    return fail(MT_INVALID_ARGUMENT,
                "input '%s': data lies in the memory of this context; copy it first",
                expected.name);
  }
  return check_block("input", expected, given.data, given.bytes, empty ? 0 : bytes);
}

// Symbols that were computed from others have ranges too.
static mt_status check_derived(const Context& context, const char* const* bound_by) {
  const Entry& entry = entry_of(context);
  if (!entry.derive) return MT_OK;
  const mt_model_info& info = context.model->info;
  for (int32_t i = 0; i < context.model->program->early_symbols; ++i) {
    const mt_symbol_info& symbol = info.symbols[i];
    const int64_t value = context.symbols[i];
    if (has_symbol(entry, i) && !bound_by[i] && !in_range(symbol, value)) {
      return fail(MT_SHAPE_MISMATCH, "symbol '%s' becomes %lld, expected %s", symbol.name,
                  (long long)value, range_text(symbol).text);
    }
  }
  return MT_OK;
}

mt_status bind_inputs(Context* context, const mt_tensor* inputs) {
  const Entry& entry = entry_of(*context);
  const mt_entry_info& info = entry_info_of(*context);
  if (!inputs && info.input_count) return fail(MT_INVALID_ARGUMENT, "run: inputs is null");
  const char* bound_by[MT_MAX_SYMBOLS] = {};
  for (int32_t i = 0; i < context->model->info.symbol_count; ++i) context->symbols[i] = 0;
  for (int32_t i = 0; i < info.input_count; ++i) {
    const mt_status status = bind_input(context, info.inputs[i], inputs[i], bound_by);
    if (status) return status;
    context->inputs[i] = inputs[i].data;
  }
  if (entry.derive) entry.derive(context->symbols);
  return check_derived(*context, bound_by);
}

static bool is_dynamic(const Entry& entry, int32_t output) {
  return entry.output_dynamic && entry.output_dynamic(output) >= 0;
}

mt_status check_outputs(Context* context, const mt_tensor* outputs) {
  const Entry& entry = entry_of(*context);
  const mt_entry_info& info = entry_info_of(*context);
  if (!outputs && info.output_count) return fail(MT_INVALID_ARGUMENT, "run: outputs is null");
  for (int32_t i = 0; i < info.output_count; ++i) {
    const bool own = is_own_memory(*context, outputs[i].data);
    context->outputs[i] = own ? nullptr : outputs[i].data;
    if (!context->outputs[i] || is_dynamic(entry, i)) continue;
    const int64_t bytes = entry.output_bytes(context->symbols, i);
    const mt_status status =
        check_block("output", info.outputs[i], outputs[i].data, outputs[i].bytes, uint64_t(bytes));
    if (status) return status;
  }
  return MT_OK;
}

static void describe_output(Context* context, int32_t i, mt_tensor* described) {
  const Entry& entry = entry_of(*context);
  const mt_tensor_info& info = entry_info_of(*context).outputs[i];
  described->bytes = size_t(entry.output_bytes(context->symbols, i));
  described->dtype = info.dtype;
  described->rank = info.rank;
  for (int32_t dim = 0; dim < info.rank; ++dim) {
    described->shape[dim] = entry.output_dim(context->symbols, i, dim);
  }
}

void describe_outputs(Context* context, mt_tensor* outputs) {
  const Entry& entry = entry_of(*context);
  for (int32_t i = 0; i < entry_info_of(*context).output_count; ++i) {
    if (is_dynamic(entry, i)) continue;
    mt_tensor& output = outputs[i];
    describe_output(context, i, &output);
    output.data = context->outputs[i];
    if (!output.data) {
      // An empty one could lie behind the last byte, which may be another's first.
      output.data =
          context->arena.data + (output.bytes ? entry.output_offset(context->symbols, i) : 0);
    }
    context->outputs[i] = output.data;
  }
}

mt_status check_dynamic_outputs(const Context& context, int32_t dynamic) {
  const Entry& entry = entry_of(context);
  const mt_entry_info& info = entry_info_of(context);
  for (int32_t i = 0; i < info.output_count; ++i) {
    if (!context.outputs[i] || !is_dynamic(entry, i) || entry.output_dynamic(i) != dynamic)
      continue;
    const int64_t bytes = entry.output_bytes(context.symbols, i);
    const mt_status status = check_block("output", info.outputs[i], context.outputs[i],
                                         context.given[i].bytes, uint64_t(bytes));
    if (status) return status;
  }
  return MT_OK;
}

void deliver_dynamic_outputs(Context* context, mt_tensor* outputs) {
  const Entry& entry = entry_of(*context);
  const mt_entry_info& info = entry_info_of(*context);
  for (int32_t i = 0; i < info.output_count; ++i) {
    if (!is_dynamic(entry, i)) continue;
    mt_tensor made = outputs[i];
    describe_output(context, i, &made);
    const char* block = context->dynamic_data[entry.output_dynamic(i)];
    made.data =
        const_cast<char*>(block) + (made.bytes ? entry.output_offset(context->symbols, i) : 0);
    if (void* given = context->outputs[i]) {
      if (made.bytes) memcpy(given, made.data, made.bytes);
      made.data = given;
    }
    outputs[i] = made;
  }
}

}  // namespace MT_PACKAGE
