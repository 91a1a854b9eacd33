// SPDX-License-Identifier: Apache-2.0
// Lifetimes of values and calls. Takes and gives storages of the allocator. Keeps true: a call
// forgets a result that is freed before it.
#include "frontends/python/trace/value.h"

#include <algorithm>

#include "frontends/python/trace/allocator.h"

namespace mintor::trace {

void destroy_in_turn(void* object, void (*destroy)(void*)) {
  struct Waiting {
    void* object;
    void (*destroy)(void*);
  };
  static thread_local std::vector<Waiting> waiting;
  static thread_local bool destroying = false;
  if (destroying) {
    waiting.push_back({object, destroy});
    return;
  }
  destroying = true;
  destroy(object);
  while (!waiting.empty()) {
    const Waiting next = waiting.back();
    waiting.pop_back();
    next.destroy(next.object);
  }
  destroying = false;
}

Storage::Storage(int64_t bytes) : capacity(bytes), data(allocator().take(capacity)) {}

Storage::~Storage() { allocator().give_back(data, capacity); }

namespace {
int64_t attachments_that_exist = 0;
}

Attachment::Attachment(void* object_, void (*release_)(void*))
    : object(object_), release(release_) {
  ++attachments_that_exist;
}

Attachment::~Attachment() {
  --attachments_that_exist;
  release(object);
}

int64_t attachments() { return attachments_that_exist; }

CallList& all_calls() {
  static CallList list;
  return list;
}

namespace {
std::vector<std::string>& scope_names() {
  static auto* const names = new std::vector<std::string>{""};
  return *names;
}
}  // namespace

int32_t scope_number(const std::string& name) {
  std::vector<std::string>& names = scope_names();
  const auto at = std::ranges::find(names, name);
  if (at != names.end()) return static_cast<int32_t>(at - names.begin());
  names.push_back(name);
  return static_cast<int32_t>(names.size()) - 1;
}

const std::string& scope_name(int32_t number) { return scope_names()[static_cast<size_t>(number)]; }

Call::Call() : older(all_calls().newest) {
  CallList& list = all_calls();
  (older ? older->newer : list.oldest) = this;
  list.newest = this;
  number = ++list.made;
  ++list.count;
}

Call::~Call() {
  CallList& list = all_calls();
  (older ? older->newer : list.oldest) = newer;
  (newer ? newer->older : list.newest) = older;
  --list.count;
}

Variable::~Variable() {
  if (producer) producer->results[static_cast<size_t>(result)] = nullptr;
}

}  // namespace mintor::trace
