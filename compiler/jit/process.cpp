// SPDX-License-Identifier: Apache-2.0
// posix_spawn, fork and a pipe. Takes arguments; gives status and output. Keeps true: descriptors
// are closed on every path, and not inherited by other children.
#include "compiler/jit/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

extern char** environ;

namespace mintor {
namespace {

constexpr size_t kMaxOutput = 64 << 10;

void collect(int descriptor, pid_t child, ProcessResult& result) {
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

bool make_pipe(int (&ends)[2]) { return pipe2(ends, O_CLOEXEC) == 0; }

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments) {
  ProcessResult result;
  int ends[2];
  if (arguments.empty() || !make_pipe(ends)) return result;
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed) {
    close(ends[0]);
    return result;
  }
  collect(ends[0], child, result);
  return result;
}

ProcessResult run_forked(const std::function<int(std::string& output)>& work) {
  ProcessResult result;
  int ends[2];
  if (!make_pipe(ends)) return result;
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    std::string output;
    int status = 125;
    try {
      status = work(output);
    } catch (const std::exception& error) {
      output = error.what();
    }
    for (size_t sent = 0; sent < output.size();) {
      const ssize_t wrote = write(ends[1], output.data() + sent, output.size() - sent);
      if (wrote <= 0) break;
      sent += static_cast<size_t>(wrote);
    }
    _exit(status);
  }
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return result;
  }
  collect(ends[0], child, result);
  return result;
}

std::string find_program(const std::string& name) {
  if (name.empty()) return "";
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  const std::string folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
  for (size_t at = 0; at <= folders.size();) {
    const size_t end = std::min(folders.find(':', at), folders.size());
    const std::string candidate = folders.substr(at, end - at) + "/" + name;
    struct stat info;
    if (stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    at = end + 1;
  }
  return "";
}

}  // namespace mintor
