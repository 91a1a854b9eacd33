// SPDX-License-Identifier: Apache-2.0
// Takes /proc/cpuinfo; gives the name and numbers of the first CPU's model (virtual machines
// often have short names), or who made it and which part it is. Keeps true: read once.
#include "compiler/tune/machine.h"

#include <fstream>
#include <map>

namespace mintor {

static std::string read_name() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> first;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':'), end = line.find_last_not_of(" \t", colon - 1);
    if (colon == std::string::npos || end == std::string::npos) continue;
    first.emplace(line.substr(0, end + 1), line.substr(std::min(colon + 2, line.size())));
  }
  if (first.contains("model name"))
    return first["model name"] + " family " + first["cpu family"] + " model " + first["model"] +
           " stepping " + first["stepping"];
  if (!first.contains("CPU part")) return "";
  return "implementer " + first["CPU implementer"] + " part " + first["CPU part"];
}

const std::string& cpu_name() {
  static const std::string name = read_name();
  return name;
}

}  // namespace mintor
