// SPDX-License-Identifier: Apache-2.0
// A counted pointer to what the tracer makes millions of: values, calls, storages. Takes types with
// a field `references` and a function `destroy`. Keeps true: counts are plain integers, changed
// under the interpreter's lock alone; freeing a long chain takes no stack (what is freed in the
// course of another's destruction waits its turn).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace mintor::trace {

// Destroys at once, or after the object that is being destroyed now.
void destroy_in_turn(void* object, void (*destroy)(void*));

template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_) ++object_->references;
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (!object_ || --object_->references > 0) return;
    destroy_in_turn(object_, [](void* object) { delete static_cast<T*>(object); });
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace mintor::trace
