// SPDX-License-Identifier: Apache-2.0
// How many products a contract needs. Takes a contract and the shapes that it reads; gives a count
// over the symbols. Keeps true: products with what lies outside of an array (padding) are no part
// of it where extents are known and the coordinate is affine; elsewhere they count. Of a winograd
// tile, each of its points is one.
#pragma once

#include "compiler/ir/graph.h"

namespace mintor {

Index products_of(const Contract& contract, const Shape& x, const Shape& y);

}  // namespace mintor
