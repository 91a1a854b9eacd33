// SPDX-License-Identifier: Apache-2.0
// Every command and flag as data, for completion and the manual. Takes nothing; gives what parsing
// declares. Keeps true: it is read back from the declarations and the option table: there is no
// second list.
#pragma once

#include <string>
#include <vector>

namespace mintor {

struct FlagText {
  std::vector<std::string> names;  // "-o", "--output"; none of what has no name: MODEL
  std::string argument;            // what its value is called: MODEL; empty: it takes none
  std::string help;
  std::vector<std::string> choices;  // all its values; empty: any, or a file
};

struct CommandText {
  std::string name, summary, examples;
  std::vector<FlagText> flags;  // in the order of --help
};

std::vector<CommandText> command_texts();

}  // namespace mintor
