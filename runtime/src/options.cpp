// SPDX-License-Identifier: Apache-2.0
// Reads the option structs of callers that were built with any version of mintor_abi.h.
// Takes the caller's struct, or null; gives a whole struct of ours, every value checked.
// Keeps true: a field that the caller set is used or refused, never ignored.
#include "runtime.h"

namespace MT_PACKAGE {

static mt_status copy_versioned(const void* given, size_t given_bytes, void* own, size_t own_bytes,
                                const char* name) {
  if (given_bytes < sizeof(size_t)) {
    return fail(MT_INVALID_ARGUMENT, "%s.size is %zu; set it to sizeof(%s)", name, given_bytes,
                name);
  }
  memcpy(own, given, given_bytes < own_bytes ? given_bytes : own_bytes);
  const char* bytes = static_cast<const char*>(given);
  for (size_t i = own_bytes; i < given_bytes; ++i) {
    if (bytes[i] != 0) {
      return fail(MT_INVALID_ARGUMENT,
                  "%s has a field at byte %zu that this package does not know (it knows %zu bytes)",
                  name, i, own_bytes);
    }
  }
  return MT_OK;
}

static mt_status check_training(const mt_options& options) {
  if (options.trained_count < 0 || (options.trained_count && !options.trained)) {
    return fail(MT_INVALID_ARGUMENT, "trained_count is %d, but trained is %s",
                options.trained_count, options.trained ? "a list" : "null");
  }
  if (!options.reduce && options.reduce_data) {
    return fail(MT_INVALID_ARGUMENT, "reduce_data is set, but reduce is null");
  }
  return MT_OK;
}

// Who runs it: one of the three.
static mt_status check_threads(const mt_options& options) {
  if (options.threads < 0 || options.threads > 1024) {
    return fail(MT_INVALID_ARGUMENT, "threads is %d, expected 0..1024", options.threads);
  }
  if (options.parallel_width < 0 || options.parallel_width > 1024) {
    return fail(MT_INVALID_ARGUMENT, "parallel_width is %d, expected 0..1024",
                options.parallel_width);
  }
  if (!options.parallel_for && (options.parallel_width || options.parallel_for_data)) {
    return fail(MT_INVALID_ARGUMENT, "%s is set, but parallel_for is null",
                options.parallel_width ? "parallel_width" : "parallel_for_data");
  }
  const bool threads = options.threads > 1;
  if (options.parallel_for && threads) {
    return fail(MT_INVALID_ARGUMENT, "threads is %d beside parallel_for; give one of the two",
                options.threads);
  }
  const mt_pool* pool = options.pool;
  if (!pool) return MT_OK;
  if (options.parallel_for || threads) {
    return fail(MT_INVALID_ARGUMENT, "%s is set beside pool; give one of the two",
                threads ? "threads" : "parallel_for");
  }
  if (pool->size < sizeof(mt_pool) || pool->threads < 1 || pool->threads > 1024 || !pool->run) {
    return fail(MT_INVALID_ARGUMENT,
                "pool has size %zu, threads %d and %s; expected at least %zu, 1..1024 and run",
                pool->size, pool->threads, pool->run ? "run" : "no run", sizeof(mt_pool));
  }
  return MT_OK;
}

static mt_status check_memory(const mt_options& options) {
  if (!options.allocate != !options.release) {
    return fail(MT_INVALID_ARGUMENT, "%s is set, but %s is null",
                options.allocate ? "allocate" : "release",
                options.allocate ? "release" : "allocate");
  }
  if (!options.allocate && options.memory_data) {
    return fail(MT_INVALID_ARGUMENT, "memory_data is set, but allocate is null");
  }
  return MT_OK;
}

mt_status read_options(const mt_options* given, mt_options* options) {
  memset(options, 0, sizeof(*options));
  if (given) {
    const mt_status status =
        copy_versioned(given, given->size, options, sizeof(*options), "mt_options");
    if (status) return status;
  }
  options->size = sizeof(*options);
  const mt_status threads = check_threads(*options);
  if (threads) return threads;
  const mt_status memory = check_memory(*options);
  if (memory) return memory;
  if (options->weights && options->weights_path) {
    return fail(MT_INVALID_ARGUMENT, "weights and weights_path are both given; give one of them");
  }
  if (!options->weights && options->weights_bytes) {
    return fail(MT_INVALID_ARGUMENT, "weights_bytes is %zu, but weights is null",
                options->weights_bytes);
  }
  return check_training(*options);
}

// Symbol values to reserve for: the caller's maxima, else the declared hints.
static mt_status reserved_symbols(const Program& program, const mt_context_options& options,
                                  int64_t* symbols) {
  const mt_model_info& info = program.info;
  for (int32_t i = 0; i < info.symbol_count; ++i) {
    const mt_symbol_info& symbol = info.symbols[i];
    const int64_t wanted = i < MT_MAX_SYMBOLS ? options.max_symbols[i] : 0;
    const int64_t step = symbol.divisor > 1 ? symbol.divisor : 1;
    // The largest legal value up to what is wanted.
    symbols[i] = wanted ? wanted / step * step : symbol.hint;
    if (wanted < 0 || (wanted && (wanted > symbol.hi && symbol.hi >= 0)) ||
        (wanted && symbols[i] < symbol.lo)) {
      return fail(MT_SHAPE_MISMATCH, "max_symbols[%d] ('%s') is %lld, expected %s", i, symbol.name,
                  (long long)wanted, range_text(symbol).text);
    }
  }
  for (int32_t i = info.symbol_count; i < MT_MAX_SYMBOLS; ++i) {
    if (options.max_symbols[i]) {
      return fail(MT_INVALID_ARGUMENT, "max_symbols[%d] is set, but the model has %d symbols", i,
                  info.symbol_count);
    }
  }
  return MT_OK;
}

mt_status read_context_options(const Program& program, const mt_context_options* given,
                               mt_context_options* options, int64_t* symbols) {
  memset(options, 0, sizeof(*options));
  if (given) {
    const mt_status status =
        copy_versioned(given, given->size, options, sizeof(*options), "mt_context_options");
    if (status) return status;
  }
  options->size = sizeof(*options);
  if (reinterpret_cast<uintptr_t>(options->memory) % 64 != 0) {
    return fail(MT_INVALID_ARGUMENT, "memory of a context has to lie on a 64-byte boundary");
  }
  if (!options->memory && options->memory_bytes) {
    return fail(MT_INVALID_ARGUMENT, "memory_bytes is %zu, but memory is null",
                options->memory_bytes);
  }
  if (!options->profile && options->profile_data) {
    return fail(MT_INVALID_ARGUMENT, "profile_data is set, but profile is null");
  }
  if (!options->cancel && options->cancel_data) {
    return fail(MT_INVALID_ARGUMENT, "cancel_data is set, but cancel is null");
  }
  return reserved_symbols(program, *options, symbols);
}

}  // namespace MT_PACKAGE
