// SPDX-License-Identifier: Apache-2.0
// Child processes through posix_spawn. Takes and gives what subprocess.h says. Keeps true: output
// goes to an unlinked temporary file, not a pipe, so no child ever waits for us to read.
#include "compiler/support/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "compiler/support/error.h"
#include "compiler/support/parallel.h"

extern char** environ;

namespace mintor {
namespace {

struct Child {
  pid_t pid = -1;
  FILE* output = nullptr;
};

Child start(const std::vector<std::string>& command, const std::string& directory) {
  Child child;
  child.output = tmpfile();
  if (!child.output) throw CompileError("subprocess", "no temporary file can be made");
  const int file = fileno(child.output);
  fcntl(file, F_SETFD, FD_CLOEXEC);
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, file, 1);
  posix_spawn_file_actions_adddup2(&actions, file, 2);
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  const int failed =
      posix_spawnp(&child.pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) child.pid = -1;
  return child;
}

CommandResult finish(const Child& child) {
  CommandResult result;
  result.status = 127;
  if (child.pid > 0) {
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0) {
      if (errno != EINTR) break;
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  rewind(child.output);
  char buffer[4096];
  while (const size_t bytes = fread(buffer, 1, sizeof(buffer), child.output)) {
    result.output.append(buffer, bytes);
  }
  fclose(child.output);
  return result;
}

}  // namespace

// Each of `jobs` threads takes the next command: simpler than waiting for any child, which would
// also reap children of the host program.
std::vector<CommandResult> run_commands(std::span<const std::vector<std::string>> commands,
                                        int jobs, const std::string& directory,
                                        const CommandsDone& on_done) {
  std::vector<CommandResult> results(commands.size());
  size_t width = jobs > 0 ? static_cast<size_t>(jobs) : std::thread::hardware_concurrency();
  width = std::min(width, commands.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  int64_t done = 0;
  const auto ended = [&] {
    const std::lock_guard lock(mutex);
    on_done(++done, static_cast<int64_t>(commands.size()));
  };
  const auto work = [&] {
    for (size_t i = next++; i < commands.size(); i = next++) {
      try {
        results[i] = finish(start(commands[i], directory));
      } catch (const CompileError&) {
        failed = true;
      }
      if (on_done) ended();
    }
  };
  work_side_by_side(width, work);
  if (failed) throw CompileError("subprocess", "no temporary file can be made");
  return results;
}

CommandResult run_command(const std::vector<std::string>& command, const std::string& directory) {
  return run_commands(std::span(&command, 1), 1, directory).front();
}

std::string find_executable(std::span<const std::string> names) {
  const char* path = getenv("PATH");
  const std::string places = path ? path : "/usr/bin:/bin";
  for (const std::string& name : names) {
    if (name.empty()) continue;
    if (name.find('/') != std::string::npos) {
      if (access(name.c_str(), X_OK) == 0) return name;
      continue;
    }
    for (size_t begin = 0; begin <= places.size();) {
      const size_t end = std::min(places.find(':', begin), places.size());
      const std::string candidate = places.substr(begin, end - begin) + "/" + name;
      if (access(candidate.c_str(), X_OK) == 0) return candidate;
      begin = end + 1;
    }
  }
  return "";
}

}  // namespace mintor
