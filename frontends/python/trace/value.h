// SPDX-License-Identifier: Apache-2.0
// What is traced: values that are known or will be, and the calls that make them.
// A Variable is what an array of the user holds: its type, its bytes once they were computed
// (Storage), and the call that makes it. A Call is one use of a traced operator. Keeps true: a
// Variable never changes its meaning: an array that is assigned to takes another Variable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/support/dtype.h"
#include "frontends/python/trace/reference.h"

namespace mintor::trace {

// Dtype and sizes; one object for all equal ones, so that types are compared by address.
struct ValueType {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  int64_t count = 1, bytes = 0;
  uint64_t hash = 0;  // of dtype and shape: the same in every process
};

struct Layout;

// Bytes of one value, 64-byte aligned, from the caching allocator (allocator.h).
struct Storage {
  int32_t references = 0;
  int64_t capacity = 0;
  std::byte* data = nullptr;
  int64_t ticket = 0;  // of the job that writes it (worker.h); 0: it was written
  const Layout* layout = nullptr;  // in which order elements lie (layouts.h); null: row-major
  explicit Storage(int64_t bytes);
  Storage(const Storage&) = delete;
  ~Storage();
};

struct Call;

// What the user's side ties to a value or a call, and gets back where a gradient passes there.
// Keeps true: `release` is called once, when nothing is tied to it any more.
struct Attachment {
  int32_t references = 0;
  void* object = nullptr;
  void (*release)(void* object) = nullptr;
  Attachment(void* object_, void (*release_)(void*));
  Attachment(const Attachment&) = delete;
  ~Attachment();
};
int64_t attachments();  // that exist

struct Variable {
  int32_t references = 0;
  int32_t handles = 0;  // arrays of the user that hold it
  const ValueType* type = nullptr;
  Ref<Storage> storage;     // null: not computed
  Ref<Call> producer;       // null: given by the user, or its history was dropped
  int32_t result = 0;       // which result of the producer
  uint32_t leaf_epoch = 0;  // `leaf` holds in this epoch of the tape
  int32_t leaf = 0;
  uint32_t body = 0;      // the body that it was made in, where `leaf` is its number; 0: none
  Ref<Attachment> hooks;  // what gradients pass on their way through this value
  ~Variable();
};

struct Signature;

// A place in the user's program, as whoever set Tape::current_place means it.
struct Place {
  const void* code = nullptr;
  int32_t instruction = 0;
};

struct Call {
  int32_t references = 0;
  const Signature* signature = nullptr;
  int64_t number = 0;  // later calls have higher ones
  uint32_t epoch = 0;  // of the tape that holds it; `position` is its place there
  int32_t position = 0;
  int32_t scope = 0;          // scope_name of it; 0: none
  bool in_history = false;    // it ran in an earlier epoch, and is there for a gradient
  bool reaches_held = false;  // of the last Tape::forget_history
  Place place;
  Ref<Attachment> owner;  // of a call with a gradient of its own (Flow::owned)
  std::vector<Ref<Variable>> operands;
  std::vector<Variable*> results;  // null: nobody holds it any more
  // All calls that exist, oldest first: operands come before their users.
  Call *older = nullptr, *newer = nullptr;
  Call();
  Call(const Call&) = delete;
  ~Call();
};

// Its call is on the tape of this epoch.
inline bool on_tape(const Variable& value, uint32_t epoch) {
  return value.producer && value.producer->epoch == epoch && !value.producer->in_history;
}

// Its call is on the tape as history, and is what users of the value from here on refer to.
inline bool in_history(const Variable& value, uint32_t epoch) {
  return value.producer && value.producer->epoch == epoch && value.producer->in_history;
}

struct CallList {
  Call *oldest = nullptr, *newest = nullptr;
  int64_t count = 0;
  int64_t made = 0;  // ever; the number of the last
};
CallList& all_calls();

// Where calls are made, as a profile tells them: paths of modules.
int32_t scope_number(const std::string& name);  // "": 0
const std::string& scope_name(int32_t number);

}  // namespace mintor::trace
