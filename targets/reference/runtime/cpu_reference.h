// SPDX-License-Identifier: Apache-2.0
// Which levels of this target the running CPU has. Included by a package's program.cpp.
// Takes nothing; gives one function per level. `reference` is plain C++ and runs anywhere.
#ifndef MINTOR_REFERENCE_CPU_H
#define MINTOR_REFERENCE_CPU_H

static inline bool supports_reference() { return true; }

#endif
