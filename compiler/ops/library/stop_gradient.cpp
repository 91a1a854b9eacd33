// SPDX-License-Identifier: Apache-2.0
// stop_gradient: the same value, through which no gradient flows.
// Takes any value; the pass inline_calls leaves nothing of it.
#include "compiler/ops/library/common.h"

namespace mintor::ops {

Value stop_gradient(Builder& b, Value x) {
  OpScope scope(b, "stop_gradient");
  auto body = std::make_shared<Graph>("stopped"), gradient = std::make_shared<Graph>("nothing");
  for (Graph* region : {body.get(), gradient.get()}) region->copy_sizes(b.graph());
  Builder in(*body), back(*gradient);
  body->results = {{"y", in.input("x", x.dtype(), x.shape())}};
  for (const char* name : {"x", "y", "g"}) back.input(name, x.dtype(), x.shape());
  return b.call({&x, 1}, body, gradient)[0];
}

}  // namespace mintor::ops
