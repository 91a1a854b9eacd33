// SPDX-License-Identifier: Apache-2.0
// Which CPU this is, for records of what was measured on it. Takes nothing; gives the name that the
// system knows it by. Keeps true: "" where the system does not say.
#pragma once

#include <string>

namespace mintor {

const std::string& cpu_name();

}  // namespace mintor
