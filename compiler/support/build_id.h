// SPDX-License-Identifier: Apache-2.0
// Which build of the compiler this is. Takes nothing; gives the identity that the linker wrote into
// the program or module that this code lies in (ELF's build-id). Keeps true: other code, other
// identity; "" where the linker wrote none, and then nothing may be remembered by it.
#pragma once

#include <string>

namespace mintor {

const std::string& build_id();  // hex digits

}  // namespace mintor
