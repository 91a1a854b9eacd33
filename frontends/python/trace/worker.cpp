// SPDX-License-Identifier: Apache-2.0
// A queue, a thread, and how far it is. Takes jobs under one lock, which nobody holds while a job
// runs.
#include "frontends/python/trace/worker.h"

#include <exception>
#include <utility>

namespace mintor::trace {

Ticket Worker::submit(std::unique_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(job));
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_all();
  return ++last_ticket_;
}

bool Worker::has_room() const {
  if (collected_ == last_ticket_) return true;
  const std::lock_guard lock(mutex_);
  return waiting_.size() < kMostWaiting;
}

bool Worker::is_done(Ticket ticket) const {
  if (ticket <= collected_) return true;
  const std::lock_guard lock(mutex_);
  return done_ >= ticket;
}

void Worker::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.size() < kMostWaiting; });
}

void Worker::wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= ticket; });
}

void Worker::collect() {
  if (collected_ == last_ticket_) return;
  std::vector<std::unique_ptr<Job>> finished;
  const std::lock_guard lock(mutex_);
  finished.swap(finished_);
  collected_ = done_;
}

std::string Worker::failure(Ticket ticket) const {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(ticket);
  return found == failures_.end() ? "" : found->second;
}

Ticket Worker::new_failure() {
  const std::lock_guard lock(mutex_);
  return std::exchange(new_failure_, 0);
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  stopping_ = false;
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::unique_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    std::string failure;
    for (const Ticket before : job->after) {
      if (const auto found = failures_.find(before); found != failures_.end()) {
        failure = found->second;
      }
    }
    const bool inherits = !failure.empty();
    lock.unlock();
    if (!inherits) {
      try {
        job->run();
      } catch (const std::exception& error) {
        failure = error.what();
      }
    }
    lock.lock();
    ++done_;
    if (!failure.empty()) {
      failures_[done_] = failure;
      if (!inherits && new_failure_ == 0) new_failure_ = done_;
    }
    finished_.push_back(std::move(job));
    changed_.notify_all();
  }
}

namespace {
Worker* the_worker = nullptr;
}

Worker& worker() {
  if (!the_worker) the_worker = new Worker;  // stopped when the interpreter ends, never destroyed
  return *the_worker;
}

void forget_worker() {
  if (the_worker) the_worker = new Worker(*the_worker);  // the other's thread cannot be joined
}

}  // namespace mintor::trace
