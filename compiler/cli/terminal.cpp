// SPDX-License-Identifier: Apache-2.0
// Escape sequences that every terminal has: SGR colours, "erase the line".
// Takes and gives what the header says. Keeps true: text without a tone is unchanged, byte for
// byte.
#include "compiler/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace mintor {
namespace {

bool shows_colours(std::FILE* stream) {
  const char* none = std::getenv("NO_COLOR");
  return is_terminal(stream) && (none == nullptr || *none == '\0');
}

const char* code_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "\033[32m";
    case Tone::bad:
      return "\033[1;31m";
    case Tone::warning:
      return "\033[33m";
    case Tone::help:
      return "\033[36m";
    case Tone::quiet:
      return "\033[2m";
  }
  return "";
}

// The beginning of a line that has a tone, up to its colon.
struct Heading {
  std::string_view text;
  Tone tone;
};
constexpr Heading kHeadings[] = {{"error:", Tone::bad},
                                 {"usage:", Tone::bad},
                                 {"warning:", Tone::warning},
                                 {"  help:", Tone::help}};

std::string line_toned(std::string_view line) {
  for (const Heading& heading : kHeadings) {
    if (!line.starts_with(heading.text)) continue;
    return toned(stderr, heading.tone, std::string(heading.text)) +
           std::string(line.substr(heading.text.size()));
  }
  return std::string(line);
}

// Where what a line holds can be replaced.
void erase_line() {
  if (is_terminal(stderr)) std::fputs("\r\033[K", stderr);
}

}  // namespace

bool is_terminal(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  const std::string_view kind = term == nullptr ? "" : term;
  return isatty(fileno(stream)) != 0 && !kind.empty() && kind != "dumb";
}

std::string toned(std::FILE* stream, Tone tone, const std::string& text) {
  return shows_colours(stream) ? code_of(tone) + text + "\033[0m" : text;
}

void say(const std::string& text) {
  erase_line();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::fprintf(stderr, "%s\n", line_toned(std::string_view(text).substr(at, end - at)).c_str());
    at = end + 1;
  }
}

std::string bar_text(int64_t done, int64_t total) {
  constexpr int64_t kWidth = 20;
  const int64_t full = total <= 0 ? kWidth : std::min(kWidth, kWidth * done / total);
  return "[" + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(kWidth - full), '.') + "] ";
}

ProgressLine::~ProgressLine() {
  if (shown_) erase_line();
}

void ProgressLine::show(const std::string& stage, int64_t done, int64_t total) {
  const auto now = Clock::now();
  if (!is_terminal(stderr) || now - begin_ < std::chrono::seconds(1)) return;
  if (done >= total) {
    if (std::exchange(shown_, false)) erase_line();
    return;
  }
  if (now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  shown_ = true;
  erase_line();
  std::fprintf(stderr, "%s%lld/%lld  %.40s", bar_text(done, total).c_str(),
               static_cast<long long>(done), static_cast<long long>(total), stage.c_str());
  std::fflush(stderr);
}

}  // namespace mintor
