// SPDX-License-Identifier: Apache-2.0
// Sizes of a Loop's carried values that its iterations change.
//   v[2], w[2]; v = concat (v, w), w = relu (w)   ->   v[carried], w[2]
// Takes what is carried before the loop, and the body that was imported with `types`; finds out
// which sizes change. What no iteration reads has the rank that they give it, whatever stands for
// it before the loop: exporters write a number there. Keeps true: sizes that begin and change alike
// share a symbol, so that values which grow together are known to be of one size.
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
  // Those that are something of another rank before the loop, as which nobody sees them.
  const std::map<size_t, Type>& replaced() const { return replaced_; }

 private:
  using Place = std::pair<size_t, size_t>;  // number of the value, dimension

  OnnxNode& n_;
  std::vector<Type> before_;  // the loop
  std::map<Place, std::string> symbols_;
  std::map<size_t, Type> replaced_;
};

}  // namespace mintor
