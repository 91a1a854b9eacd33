// SPDX-License-Identifier: Apache-2.0
// Program toy as a built library, and one call of it. Takes options; gives opened models, contexts
// and calls that know whether their result is right. Keeps true: expected values come from plain
// C++ (toy.h); everything goes through the C functions of the library.
#pragma once

#include <gtest/gtest.h>

#include <cstring>

#include "compiler/package/builder.h"
#include "compiler/package/loaded_model.h"
#include "tests/runtime/toy.h"

namespace mintor::toy {

// Program toy with other pieces of text in its program.cpp, written and built.
inline std::string built(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  PackageContents contents = toy::contents();
  std::string& text = contents.units[0].text;
  for (const auto& [from, to] : changes) {
    EXPECT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), from.size(), to);
  }
  const std::string folder = toy::scratch_folder("runtime") + "/toy";
  write_package(contents, folder);
  build_package(folder);
  return folder;
}

inline const std::string& toy_folder() {
  static const std::string folder = built();
  return folder;
}

inline const ModelApi& api() {
  static const ModelApi functions = library_api(toy_folder() + "/build/libtoy.so", "toy");
  return functions;
}

inline mt_options default_options() {
  mt_options options{};
  options.size = sizeof(options);
  return options;
}

inline mt_context_options default_context() {
  mt_context_options options{};
  options.size = sizeof(options);
  return options;
}

struct Opened {
  void* model = nullptr;
  void* context = nullptr;
  mt_status status = MT_OK;
  const ModelApi* functions;

  explicit Opened(const mt_options& options = default_options(),
                  const mt_context_options& context_options = default_context(),
                  const ModelApi& from = api())
      : functions(&from) {
    status = from.open(&options, &model);
    if (!status) status = from.context_create(model, &context_options, &context);
  }
  Opened(const Opened&) = delete;
  ~Opened() {
    functions->context_destroy(context);
    functions->close(model);
  }
  std::string error() const { return functions->last_error(); }
};

inline mt_tensor view(const Tensor& tensor) {
  mt_tensor out{};
  out.data = const_cast<std::byte*>(tensor.data);
  out.bytes = static_cast<size_t>(tensor.bytes());
  out.dtype = static_cast<int32_t>(tensor.dtype);
  out.rank = static_cast<int32_t>(tensor.shape.size());
  for (size_t i = 0; i < tensor.shape.size(); ++i) out.shape[i] = tensor.shape[i];
  return out;
}

struct Call {
  Tensor x, s;
  mt_tensor inputs[2], outputs[2] = {};
  explicit Call(int64_t batch) : x(toy::input_x(batch)), s(toy::input_s(batch)) {
    inputs[0] = view(x);
    inputs[1] = view(s);
  }
  mt_status run(const Opened& opened) {
    return opened.functions->run(opened.context, inputs, outputs);
  }
  bool right() const {
    const std::vector<Tensor> expected = toy::expected(x.shape[0]);
    for (int i = 0; i < 2; ++i) {
      const Tensor& want = expected[static_cast<size_t>(i)];
      if (outputs[i].bytes != static_cast<size_t>(want.bytes())) return false;
      if (want.bytes() && std::memcmp(outputs[i].data, want.data, outputs[i].bytes)) return false;
    }
    return true;
  }
};

inline void expect_failure(const Opened& opened, mt_status status, const std::string& message) {
  EXPECT_EQ(opened.status, status);
  EXPECT_EQ(opened.error(), message);
}

inline void expect_run_failure(const Opened& opened, Call& call, mt_status status,
                        const std::string& message) {
  EXPECT_EQ(call.run(opened), status);
  EXPECT_EQ(opened.error(), message);
  EXPECT_EQ(call.outputs[0].data, nullptr);   // nothing was written
}

}  // namespace mintor::toy
