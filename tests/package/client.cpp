// SPDX-License-Identifier: Apache-2.0
// A program that uses program toy through its C++ header: client_test.cpp builds it with every
// compiler and runs it. Takes the weights file; prints "ok", or what was not as it should be.
// Keeps true: nothing but the package's include/ and the C++ library is used.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "toy.hpp"

namespace {

int failures = 0;

void expect(bool right, const char* what) {
  if (right) return;
  std::printf("%s\n", what);
  ++failures;
}

template <class Function>
void expect_error(Function function, mt_status status, const std::string& part) {
  try {
    function();
    expect(false, "no error");
  } catch (const mintor::Error& error) {
    expect(error.status() == status, "status of an error");
    expect(std::string(error.what()).find(part) != std::string::npos, error.what());
  }
}

void use(const toy_cpp::Model& model) {
  const std::vector<float> x(2 * 24, 0.5f);
  std::vector<float> s = {1, 2}, scaled(40);
  mintor::Deadline deadline;
  mt_context_options options = mt_context_options();
  options.cancel = mintor::Deadline::passed;
  options.cancel_data = &deadline;
  toy_cpp::Context made(model, options);
  toy_cpp::Context context = std::move(made);
  expect(!made.get() && context.get(), "a context that was moved");

  const mintor::Outputs outputs = context.run({mintor::array(x, {2, 24}), mintor::array(s, {2})});
  const auto y = outputs.get<float>(toy_output_y);
  expect(outputs.size() == 2 && y.rank() == 2 && y.extent(0) == 2 && y.extent(1) == 20, "shape");
  float sum = 0;
  for (const float value : y) sum += value;
  expect(y.size() == 40 && sum > 0 && y(1, 3) == y[23] && y(1, 3) == 2 * y(0, 3), "values");

  // From the caller's memory into the caller's.
  std::vector<float> copy(y.begin(), y.end());
  context.run_entry(toy_entry_scale, {mintor::array(copy, {2, 20}), mintor::array(s, {2})},
                    {mintor::array(scaled, {2, 20})});
  expect(scaled[0] == copy[0] && scaled[39] == 2 * copy[39], "scaled");

  expect_error([&] { outputs.get<double>(0); }, MT_INVALID_ARGUMENT, "element type");
  expect_error([&] { mintor::array(x, {2, 25}); }, MT_INVALID_ARGUMENT, "50 elements for 48");
  expect_error([&] { context.run({mintor::array(x, {2, 24})}); }, MT_INVALID_ARGUMENT,
               "forward takes 2 inputs and gives 2 outputs");
  expect_error([&] { context.run({mintor::array(x, {3, 16}), mintor::array(s, {2})}); },
               MT_SHAPE_MISMATCH, "input 'x': dimension 1 is 16, expected 24");
  expect_error([&] { context.parameter<float>("w"); }, MT_INVALID_ARGUMENT, "parameter 'w'");
  deadline.at = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  expect_error([&] { context.run({mintor::array(x, {2, 24}), mintor::array(s, {2})}); },
               MT_CANCELLED, "run: cancelled");
  context.reset();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    mt_options options = mt_options();
    options.weights_path = argv[argc - 1];
    const toy_cpp::Pool pool(2);
    options.pool = pool.get();
    toy_cpp::Model opened(options);
    const toy_cpp::Model model = std::move(opened);
    expect(!opened.get() && std::string(model.info().name) == "toy", "a model that was moved");
    use(model);
    options.weights_path = "/nowhere";
    expect_error([&] { toy_cpp::Model another(options); }, MT_IO_ERROR, "/nowhere: No such file");
  } catch (const mintor::Error& error) {
    expect(false, error.what());
  }
  if (failures == 0) std::printf("ok\n");
  return failures;
}
