// SPDX-License-Identifier: Apache-2.0
// Every scalar function, once, for scalars and for vectors of any width.
//
// Takes V: float, double, an integer type, or a GCC/Clang vector of those. Gives the same bits per
// lane in every V: the same operations in the same order, no reciprocal estimates, no libm beyond
// exactly rounded operations (fma, sqrt, floor, ...). Error bounds are in docs/numerics.md.
// This text is part of every package and is compiled into the compiler too (constant folding,
// interpreters). It includes nothing. A target's prelude comes before it and overloads the
// functions under "Hooks" for its vector types; without one they go lane by lane.
// Keeps true: C++17, internal linkage only, no branch on data except rare-case loops over lanes.
#ifndef MINTOR_SCALAR_MATH_H
#define MINTOR_SCALAR_MATH_H

#include "compiler/ir/scalar_math_base.h"
#include "compiler/ir/scalar_math_cast.h"
#include "compiler/ir/scalar_math_exp_log.h"
#include "compiler/ir/scalar_math_functions.h"
#include "compiler/ir/scalar_math_index.h"
#include "compiler/ir/scalar_math_trig.h"

#endif
