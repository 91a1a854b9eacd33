// SPDX-License-Identifier: Apache-2.0
// Work in a forked child, so that its crash is a status (compiler/support/subprocess.h starts other
// programs). Takes a function; gives its exit status and what it had to say. Keeps true: the child
// is waited for, and runs none of this process's exit handlers.
#pragma once

#include <functional>
#include <string>

#include "compiler/support/subprocess.h"

namespace mintor {

// `work` fills the output and returns the status; 125 when it threw, 128 + n when signal n ended
// it.
CommandResult run_forked(const std::function<int(std::string& output)>& work);

}  // namespace mintor
