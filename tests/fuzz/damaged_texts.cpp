// SPDX-License-Identifier: Apache-2.0
// Damaged texts of graphs, kernels and programs through the target of text_fuzzer.cpp.
//   mintor_damaged_texts FOLDER FIRST..LAST
// Takes right texts, the files of FOLDER, and seeds: seed s changes one of them. Ends with status 0
// where each is refused with a CompileError or reads back as it prints; else names the seed, writes
// its text to stdout and ends with status 1. A text has 10 s.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "compiler/ir/seeded.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace mintor::test {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kSeconds = 10;
constexpr const char* kWords[] = {
    "0",  "-1", "9223372036854775807", "1e999", "nan", "(", ")", "[", "]", "{", "}", "=", ",", "@",
    "\"", "\n"};

std::string current;  // what is run, for the handler
uint64_t current_seed = 0;

[[noreturn]] void on_signal(int signal) {
  std::fprintf(stderr, "seed %llu: signal %d\n", static_cast<unsigned long long>(current_seed),
               signal);
  if (write(STDOUT_FILENO, current.data(), current.size()) < 0) _exit(2);
  _exit(1);
}

std::vector<std::string> texts_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<std::string> texts;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return texts;
}

// One to four parts cut out, put in twice, exchanged for a word or for a part of another text.
std::string changed(const std::vector<std::string>& texts, uint64_t seed) {
  uint64_t state = seed;
  const auto below = [&](size_t n) { return n == 0 ? 0 : next_random(state) % n; };
  std::string text = texts[below(texts.size())];
  for (size_t change = 1 + below(4); change > 0; --change) {
    const size_t at = below(text.size() + 1), length = below(12);
    switch (below(5)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(below(text.size() + 1), text.substr(at, 8 * length));
        break;
      case 2:
        text.replace(at, length, kWords[below(std::size(kWords))]);
        break;
      case 3: {
        const std::string& other = texts[below(texts.size())];
        text.replace(at, length, other.substr(below(other.size() + 1), length));
        break;
      }
      default:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
    }
  }
  return text;
}

int run(const fs::path& folder, uint64_t first, uint64_t last) {
  const std::vector<std::string> texts = texts_in(folder);
  if (texts.empty()) {
    std::fprintf(stderr, "no text in %s\n", folder.c_str());
    return 2;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM})
    std::signal(signal, on_signal);
  for (current_seed = first; current_seed <= last; ++current_seed) {
    current = changed(texts, current_seed);
    alarm(kSeconds);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current.data()), current.size());
  }
  std::printf("%llu texts\n", static_cast<unsigned long long>(last - first + 1));
  return 0;
}

}  // namespace
}  // namespace mintor::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s FOLDER FIRST..LAST\n", argv[0]);
    return 2;
  }
  char* rest = nullptr;
  const uint64_t first = std::strtoull(argv[2], &rest, 10);
  const uint64_t last = *rest == '.' ? std::strtoull(rest + 2, nullptr, 10) : first;
  return mintor::test::run(argv[1], first, last);
}
