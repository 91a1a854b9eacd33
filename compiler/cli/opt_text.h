// SPDX-License-Identifier: Apache-2.0
// The texts that `mintor opt` takes: a graph, one kernel, or what `mintor compile --emit=kernel`
// and `--emit=program` print, which hold several. Takes text; gives one kernel's text; throws
// CompileError that lists what there is. Keeps true: what Mintor prints is found by its lines, a
// text of a single kernel is taken as it stands.
#pragma once

#include <string>
#include <vector>

namespace mintor {

// The first word that is not in a comment: "graph", "kernel", "program".
std::string first_word(const std::string& text);

struct KernelText {
  std::string name, level, text;  // level "" where the text does not say it
};
std::vector<KernelText> kernels_in(const std::string& text);

// The kernel called `name` for `level`; either may be "" where it leaves no choice.
std::string choose_kernel(const std::string& text, const std::string& name,
                          const std::string& level);

}  // namespace mintor
