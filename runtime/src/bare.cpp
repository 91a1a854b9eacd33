// SPDX-License-Identifier: Apache-2.0
// A machine without an operating system, for compilers that are told so (-ffreestanding): no
// message, no file, no thread, no clock, no memory but what the caller gives. Takes the place of
// failure.cpp, weights_file.cpp, pool.cpp and checkpoint.cpp. Keeps true: what
// is asked for and not there is refused by its status.
#include "pool.h"
#include "runtime.h"

#if !__STDC_HOSTED__
namespace MT_PACKAGE {

mt_status fail(mt_status status, const char*, ...) { return status; }
const char* last_error() { return ""; }

mt_status open_weights_file(const Program&, const mt_options&, Weights*) { return MT_IO_ERROR; }
void close_weights(Weights* weights) { memset(weights, 0, sizeof(*weights)); }
mt_status save_parameters(Context*, const char*) { return MT_IO_ERROR; }
mt_status load_parameters(Context*, const char*, int32_t) { return MT_IO_ERROR; }

int64_t now_ns() { return 0; }

mt_pool* create_pool(const Memory&, int32_t) { return nullptr; }
void destroy_pool(mt_pool*) {}
mt_status pool_create(int32_t, mt_pool**) { return MT_OUT_OF_MEMORY; }
void pool_destroy(mt_pool*) {}
void Barrier::wait(int32_t) {}

}  // namespace MT_PACKAGE
#endif
