// SPDX-License-Identifier: Apache-2.0
// Finds kernels in text by lines: one starts with "kernel NAME (" at the first column and ends with
// "}" there. Levels come from the comments "# level v4" of --emit=kernel, or from the level lines
// of a program, whose kernels hold one text per level in that order.
#include "compiler/cli/opt_text.h"

#include <algorithm>
#include <sstream>

#include "compiler/support/error.h"
#include "compiler/support/nearest.h"

namespace mintor {
namespace {

// The word after `prefix` in a line that starts with it, without quotes; "" otherwise.
std::string word_after(const std::string& line, const std::string& prefix) {
  if (!line.starts_with(prefix)) return "";
  const std::string rest = line.substr(prefix.size());
  const std::string word = rest.substr(0, rest.find_first_of(" ({"));
  const bool in_quotes = word.size() > 1 && word.front() == '"' && word.back() == '"';
  return in_quotes ? word.substr(1, word.size() - 2) : word;
}

std::string list_of(const std::vector<KernelText>& kernels, std::string KernelText::* field) {
  std::vector<std::string> names;
  std::string list;
  for (const KernelText& kernel : kernels) {
    if (std::ranges::find(names, kernel.*field) != names.end()) continue;
    names.push_back(kernel.*field);
    list += (list.empty() ? "" : ", ") + kernel.*field;
  }
  return list;
}

[[noreturn]] void no_such(const char* what, const std::string& name,
                          const std::vector<KernelText>& all, std::string KernelText::* field) {
  std::vector<std::string_view> names;
  for (const KernelText& kernel : all) names.emplace_back(kernel.*field);
  const std::string near(nearest(name, names));
  throw CompileError("opt", std::string("the text has no ") + what + " '" + name + "'", "",
                     near.empty() ? "it has " + list_of(all, field)
                                  : "did you mean '" + near + "'?");
}

std::vector<KernelText> only(std::vector<KernelText> kernels, std::string KernelText::* field,
                             const std::string& wanted, const char* what) {
  if (wanted.empty()) return kernels;
  const std::vector<KernelText> all = kernels;
  std::erase_if(kernels, [&](const KernelText& kernel) { return kernel.*field != wanted; });
  if (kernels.empty()) no_such(what, wanted, all, field);
  return kernels;
}

}  // namespace

std::string first_word(const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at == std::string::npos) return "";
    if (text[at] != '#') break;
    at = text.find('\n', at);
  }
  return at >= text.size() ? "" : text.substr(at, text.find_first_of(" \t\r\n(", at) - at);
}

std::vector<KernelText> kernels_in(const std::string& text) {
  std::vector<KernelText> kernels;
  std::vector<std::string> levels;
  std::string comment_level;
  size_t of_kernel = 0;  // texts of the program's kernel so far
  bool inside = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (const std::string level = word_after(line, "# level "); !level.empty()) {
      comment_level = level;
    } else if (const std::string listed = word_after(line, "  level "); !listed.empty()) {
      levels.push_back(listed);
    } else if (!inside && line.starts_with("  kernel ")) {
      of_kernel = 0;
    } else if (const std::string name = word_after(line, "kernel "); !name.empty()) {
      const size_t index = of_kernel++;
      kernels.push_back({name, index < levels.size() ? levels[index] : comment_level, ""});
      inside = true;
    }
    if (inside) kernels.back().text += line + "\n";
    if (line == "}") inside = false;
  }
  return kernels;
}

std::string choose_kernel(const std::string& text, const std::string& name,
                          const std::string& level) {
  const std::vector<KernelText> all = kernels_in(text);
  if (all.size() <= 1 && first_word(text) == "kernel" && name.empty() && level.empty()) return text;
  const std::vector<KernelText> named = only(all, &KernelText::name, name, "kernel");
  const std::vector<KernelText> found = only(named, &KernelText::level, level, "level");
  if (found.size() == 1) return found[0].text;
  if (found.empty()) throw CompileError("opt", "the text holds no kernel");
  if (list_of(found, &KernelText::name) != found[0].name) {
    throw CompileError("opt",
                       "the text holds the kernels " + list_of(found, &KernelText::name), "",
                       "name one with --kernel");
  }
  throw CompileError("opt", "kernel " + found[0].name + " is there for the levels " +
                                list_of(found, &KernelText::level),
                     "", "name one with --target");
}

}  // namespace mintor
