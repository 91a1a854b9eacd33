// SPDX-License-Identifier: Apache-2.0
// The thread that runs segments while Python makes the next ones. Takes jobs; runs them one after
// another, in the order in which they came. Keeps true: a job touches no Variable and no Python
// object; what it holds is let go by the thread that gives jobs (collect), under its lock; a job
// that takes what a failed one was to make fails as that one did.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mintor::trace {

// Numbers of jobs, from 1; 0: none.
using Ticket = int64_t;

class Job {
 public:
  virtual ~Job() = default;
  virtual void run() = 0;
  std::vector<Ticket> after;  // jobs that made what it takes
};

class Worker {
 public:
  static constexpr size_t kMostWaiting = 2;  // so that memory in flight stays bounded

  Worker() = default;
  // Goes on from another, all of whose jobs are done, with a thread of its own.
  explicit Worker(const Worker& parent)
      : last_ticket_(parent.last_ticket_),
        collected_(parent.last_ticket_),
        done_(parent.done_),
        failures_(parent.failures_) {}
  ~Worker() { stop(); }
  Ticket submit(std::unique_ptr<Job> job);
  bool has_room() const;
  bool is_idle() const { return is_done(last_ticket_); }
  bool is_done(Ticket ticket) const;
  void wait_for_room();
  void wait(Ticket ticket);  // until it and all before it are done
  void wait_all() { wait(last_ticket_); }
  void collect();  // lets go what jobs that are done held
  // What went wrong in that job; "": nothing, or it is not done.
  std::string failure(Ticket ticket) const;
  // The first job that failed by itself since this was asked last; 0: none.
  Ticket new_failure();
  void stop();  // after all jobs are done

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::vector<std::unique_ptr<Job>> finished_;
  Ticket last_ticket_ = 0;  // the giver's alone
  Ticket collected_ = 0;    // too: jobs up to here are done and hold nothing
  Ticket done_ = 0;
  std::map<Ticket, std::string> failures_;
  Ticket new_failure_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // started with the first job
};

// The one of this process.
Worker& worker();
// In a forked child, which has none of its parent's threads.
void forget_worker();

}  // namespace mintor::trace
