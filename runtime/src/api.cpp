// SPDX-License-Identifier: Apache-2.0
// The C functions of a package, `<name>_open` and so on, made from its name (-DMT_NAME=<name>).
// Takes what include/<name>.h declares; gives what the runtime answers. Keeps true: these are the
// only symbols that the library exports.
#include "mintor_program.h"

#define MT_API extern "C" __attribute__((visibility("default")))
#define MT_FUNCTION(suffix) MT_JOIN(MT_NAME, suffix)
#define MT_MODEL struct MT_JOIN(MT_NAME, _model)
#define MT_CONTEXT struct MT_JOIN(MT_NAME, _context)

// The header of the package declares these types; they are never defined.
MT_MODEL;
MT_CONTEXT;

static MT_PACKAGE::Model* own(MT_MODEL* model) {
  return reinterpret_cast<MT_PACKAGE::Model*>(model);
}
static MT_PACKAGE::Context* own(MT_CONTEXT* context) {
  return reinterpret_cast<MT_PACKAGE::Context*>(context);
}

MT_API mt_status MT_FUNCTION(_open)(const mt_options* options, MT_MODEL** model) {
  return MT_PACKAGE::open(MT_PACKAGE::program, options,
                          reinterpret_cast<MT_PACKAGE::Model**>(model));
}

MT_API mt_status MT_FUNCTION(_context_bytes)(MT_MODEL* model, const mt_context_options* options,
                                             size_t* bytes) {
  return MT_PACKAGE::context_bytes(own(model), options, bytes);
}

MT_API mt_status MT_FUNCTION(_context_create)(MT_MODEL* model, const mt_context_options* options,
                                              MT_CONTEXT** context) {
  return MT_PACKAGE::context_create(own(model), options,
                                    reinterpret_cast<MT_PACKAGE::Context**>(context));
}

MT_API mt_status MT_FUNCTION(_run)(MT_CONTEXT* context, const mt_tensor* inputs,
                                   mt_tensor* outputs) {
  return MT_PACKAGE::run(own(context), inputs, outputs);
}

MT_API mt_status MT_FUNCTION(_run_entry)(MT_CONTEXT* context, int32_t entry,
                                         const mt_tensor* inputs, mt_tensor* outputs) {
  return MT_PACKAGE::run_entry(own(context), entry, inputs, outputs);
}

MT_API mt_status MT_FUNCTION(_get_parameter)(MT_CONTEXT* context, const char* name,
                                             mt_tensor* value) {
  return MT_PACKAGE::get_parameter(own(context), name, value);
}

MT_API mt_status MT_FUNCTION(_set_parameter)(MT_CONTEXT* context, const char* name,
                                             const mt_tensor* value) {
  return MT_PACKAGE::set_parameter(own(context), name, value);
}

MT_API mt_status MT_FUNCTION(_save_parameters)(MT_CONTEXT* context, const char* path) {
  return MT_PACKAGE::save_parameters(own(context), path);
}

MT_API mt_status MT_FUNCTION(_load_parameters)(MT_CONTEXT* context, const char* path,
                                               int32_t allow) {
  return MT_PACKAGE::load_parameters(own(context), path, allow);
}

MT_API mt_status MT_FUNCTION(_set_trained)(MT_CONTEXT* context, const char* name, int32_t trained) {
  return MT_PACKAGE::set_trained(own(context), name, trained);
}

MT_API mt_status MT_FUNCTION(_visit_gradients)(MT_CONTEXT* context, mt_gradient visit, void* data) {
  return MT_PACKAGE::visit_gradients(own(context), visit, data);
}

MT_API mt_status MT_FUNCTION(_reset)(MT_CONTEXT* context) {
  return MT_PACKAGE::reset(own(context));
}

MT_API mt_status MT_FUNCTION(_state)(MT_CONTEXT* context, int32_t index, mt_tensor* state) {
  return MT_PACKAGE::state(own(context), index, state);
}

MT_API void MT_FUNCTION(_context_destroy)(MT_CONTEXT* context) {
  MT_PACKAGE::context_destroy(own(context));
}

MT_API void MT_FUNCTION(_close)(MT_MODEL* model) { MT_PACKAGE::close(own(model)); }

MT_API mt_status MT_FUNCTION(_pool_create)(int32_t threads, mt_pool** pool) {
  return MT_PACKAGE::pool_create(threads, pool);
}

MT_API void MT_FUNCTION(_pool_destroy)(mt_pool* pool) { MT_PACKAGE::pool_destroy(pool); }

MT_API const mt_model_info* MT_FUNCTION(_info)(const MT_MODEL* model) {
  if (!model) return &MT_PACKAGE::program.info;
  return MT_PACKAGE::info(reinterpret_cast<const MT_PACKAGE::Model*>(model));
}

MT_API const char* MT_FUNCTION(_last_error)(void) { return MT_PACKAGE::last_error(); }
