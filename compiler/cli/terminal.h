// SPDX-License-Identifier: Apache-2.0
// What a terminal shows beside text: colours, and one line of progress that is written over.
// Takes text and the stream that it goes to; gives the text, coloured where a person looks at it.
// Keeps true: both only on terminals that can ($TERM is neither dumb nor empty), colours not where
// $NO_COLOR is set (no-color.org); progress is gone before anything else is said.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace mintor {

bool is_terminal(std::FILE* stream);

enum class Tone : uint8_t { good, bad, warning, help, quiet };
std::string toned(std::FILE* stream, Tone tone, const std::string& text);

// Text on stderr, ended by a line feed. What its lines begin with gives them their tone: "error:",
// "usage:", "warning:", "  help:".
void say(const std::string& text);

// "[#####.....]": how much of `total` is done.
std::string bar_text(int64_t done, int64_t total);

// One line on stderr, from the first second on and not more often than a person can read. It is
// gone when all is done, or the object is.
class ProgressLine {
 public:
  ProgressLine() = default;
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(const std::string& stage, int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now(), last_{};
  bool shown_ = false;
};

}  // namespace mintor
