// SPDX-License-Identifier: Apache-2.0
// fork and a pipe. Takes a function; gives status and output. Keeps true: descriptors are closed on
// every path, and not inherited by other children.
#include "compiler/jit/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

namespace mintor {
namespace {

constexpr size_t kMaxOutput = 64 << 10;

void collect(int descriptor, pid_t child, CommandResult& result) {
  char block[4096];
  for (;;) {
    const ssize_t got = read(descriptor, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const size_t room = kMaxOutput - std::min(kMaxOutput, result.output.size());
    result.output.append(block, std::min(room, static_cast<size_t>(got)));
  }
  close(descriptor);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] void run_child(int descriptor, const std::function<int(std::string&)>& work) {
  std::string output;
  int status = 125;
  try {
    status = work(output);
  } catch (const std::exception& error) {
    output = error.what();
  }
  for (size_t sent = 0; sent < output.size();) {
    const ssize_t wrote = write(descriptor, output.data() + sent, output.size() - sent);
    if (wrote <= 0) break;
    sent += static_cast<size_t>(wrote);
  }
  _exit(status);
}

}  // namespace

CommandResult run_forked(const std::function<int(std::string& output)>& work) {
  CommandResult result;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return result;
  const pid_t child = fork();
  if (child == 0) run_child(ends[1], work);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return result;
  }
  collect(ends[0], child, result);
  return result;
}

}  // namespace mintor
