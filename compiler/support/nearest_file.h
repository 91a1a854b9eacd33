// SPDX-License-Identifier: Apache-2.0
// The help for a file that is not there: what lies beside it under a name that is near. Takes a
// path; gives "did you mean 'F'?", or `otherwise`. Keeps true: it looks at names alone, at no more
// than a few thousand of them, and never fails.
#pragma once

#include <string>

namespace mintor {

std::string did_you_mean_file(const std::string& path, const std::string& otherwise);

}  // namespace mintor
