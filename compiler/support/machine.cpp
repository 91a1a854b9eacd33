// SPDX-License-Identifier: Apache-2.0
// Asks the system. Takes and gives what machine.h says. Keeps true: it does not change while the
// process lives.
#include "compiler/support/machine.h"

#include <sys/utsname.h>

namespace mintor {

std::string host_machine() {
  utsname names;
  return uname(&names) == 0 ? names.machine : "";
}

}  // namespace mintor
