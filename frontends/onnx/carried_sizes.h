// SPDX-License-Identifier: Apache-2.0
// Sizes of a Loop's carried values that its iterations change.
//   v[2], w[2]; v = concat (v, w), w = relu (w)   ->   v[carried], w[2]
// Takes what is carried before the loop, and the body that was imported with `types`; finds out
// which sizes change. Keeps true: sizes that begin and change alike share a symbol, so that values
// which grow together are known to be of one size.
#pragma once

#include <map>

#include "frontends/onnx/region.h"

namespace mintor {

class CarriedSizes {
 public:
  CarriedSizes(OnnxNode& n, const std::vector<Value>& carried);

  // Of carried values, in the body.
  std::vector<Type> types() const;
  // Tells imports of the body with other types apart (import_region).
  std::string variant() const;
  // Looks at what an iteration makes of them; false: the types are others now, and the body has to
  // be imported again.
  bool agree(OnnxDraft& body);

 private:
  using Place = std::pair<size_t, size_t>;  // number of the value, dimension

  OnnxNode& n_;
  std::vector<Type> before_;  // the loop
  std::map<Place, std::string> symbols_;
};

}  // namespace mintor
