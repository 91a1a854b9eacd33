// SPDX-License-Identifier: Apache-2.0
// One golden file: `input --- arguments --- expected`, each part text, `---` alone on its line.
// Takes a path; gives the parts, and writes them back with another expected text (--update).
// Keeps true: the input and the arguments are never rewritten.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace mintor::golden {

struct File {
  std::string path, input, arguments, expected;
};

inline std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

inline File read(const std::string& path) {
  std::vector<std::string> parts(1);
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) {
    if (line == "---") {
      parts.emplace_back();
    } else {
      parts.back() += line + "\n";
    }
  }
  if (parts.size() != 3 && parts.size() != 2) {
    throw std::runtime_error(path + ": not `input --- arguments --- expected`");
  }
  parts.resize(3);  // a new file may lack what is expected
  return {path, parts[0], parts[1], parts[2]};
}

inline void write(const File& file, const std::string& expected) {
  std::ofstream stream(file.path, std::ios::binary);
  stream << file.input << "---\n" << file.arguments << "---\n" << expected;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace mintor::golden
