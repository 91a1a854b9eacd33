// SPDX-License-Identifier: Apache-2.0
// Machines by the names that `uname -m` has for them. Takes nothing; gives this one's. Keeps true:
// "" stands for any machine where a target or a package names one.
#pragma once

#include <string>

namespace mintor {

std::string host_machine();

}  // namespace mintor
