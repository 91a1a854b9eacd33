// SPDX-License-Identifier: Apache-2.0
// Parameters as files. Takes the model of trained_model.h; files that it wrote, whole, cut and
// changed. Keeps true: a file that is refused has changed nothing.
#include <fstream>

#include "tests/driver/trained_model.h"

namespace mintor {
namespace {

TEST_F(TrainedParameters, GoOnFromAFileWithEqualBits) {
  const auto all = models();
  all[0]->run("train_step", batch);
  all[0]->run("grads", batch);
  all[0]->context().set_parameter("v", rows(24, 24, 98));
  all[0]->context().save_parameters(file("a.safetensors"));
  const auto saved = values_of(all[0]->context());
  all[0]->run("train_step", batch);
  const auto trained = values_of(all[0]->context());
  for (const auto& model : all) {
    model->context().load_parameters(file("a.safetensors"));
    expect_equal(values_of(model->context()), saved, "as loaded");
    model->context().save_parameters(file("b.safetensors"));
    std::ifstream one(file("a.safetensors")), two(file("b.safetensors"));
    EXPECT_TRUE(std::equal(std::istreambuf_iterator<char>(one), {},
                           std::istreambuf_iterator<char>(two), {}));
    model->run("train_step", batch);
    expect_equal(values_of(model->context()), trained, "a step further");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 4);  // nothing beside the files
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string with_length(const std::string& header, const std::string& payload) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + payload;
}

// "data_offsets":[begin,end] of an array.
std::string bytes_named(const std::string& header, const std::string& name) {
  const size_t at = header.find("\"data_offsets\"", header.find("\"" + name + "\""));
  return header.substr(at, header.find(']', at) + 1 - at);
}

TEST_F(TrainedParameters, AreAsBeforeWhereAFileIsRefused) {
  const auto model = jit(context, program);
  ModelContext& of = model->context();
  of.save_parameters(file("good"));
  model->run("train_step", batch);
  const auto before = values_of(of);
  const std::string good = bytes_of(file("good"));
  const size_t length =
      static_cast<unsigned char>(good[0]) + 256u * static_cast<unsigned char>(good[1]);
  const std::string header = good.substr(8, length), payload = good.substr(8 + length);
  const auto refused = [&](const std::string& bytes, const std::string& why, int32_t allow = 0) {
    std::ofstream(file("bad"), std::ios::binary) << bytes;
    expect_contains(message_of([&] { of.load_parameters(file("bad"), allow); }), why);
    expect_equal(values_of(of), before, why);
  };
  const auto changed = [&](const std::string& from, const std::string& to) {
    const size_t at = header.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    std::string text = header;
    return with_length(text.replace(at, from.size(), to), payload);
  };
  for (size_t cut = 0; cut < good.size(); cut += cut < 8 + length ? 1 : 97)
    refused(good.substr(0, cut), "");
  for (size_t cut = 0; cut < length; ++cut)
    refused(with_length(header.substr(0, cut), payload), "no safetensors header");
  refused(good + "x", "arrays of");
  refused(changed("\"u\"", "\"other\""), "'other' is no parameter of this model");
  refused(changed("\"u\"", "\"other\""), "'u' is missing", MT_ALLOW_UNKNOWN);
  refused(changed("\"u\"", "\"v\""), "'v' is there twice");
  // As many bytes as there are, of which some are of two arrays and some of none.
  const std::string u = bytes_named(header, "u"), v = bytes_named(header, "v");
  refused(changed(v, u), "of its arrays is of two of them");
  refused(changed(u, v), "of its arrays is of none");
  refused(changed("[24,24]", "[24,25]"), "dimension 1 is 25, expected 24");
  refused(changed("[24,24]", "[576]"), "is F32 of rank 1, expected F32 of rank 2");
  refused(changed("F32", "I32"), "is I32 of rank 2, expected F32 of rank 2");
  refused(changed("[24,24]", "[1,1,1,1,1,1,1,1,1]"), "too many dimensions");
  refused(changed("[24,24]", "[24,99999999999999999999]"), "a number is beyond 64 bits");
  refused(changed("[24,24]", "[24,-1]"), "a number that is no size");
  refused(changed("\"shape\"", "\"form\""), "an array has an unknown field");
  refused(changed("\"dtype\":\"F32\",", ""), "an array needs one dtype");
  refused(changed("\"w\"", "\"\\ud800\""), "a string has a wrong \\u");
  refused(changed("\"w\"", "\"\\x\""), "a string has an unknown escape");
  refused(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "a header of");
  EXPECT_NE(message_of([&] { of.load_parameters(file("none")); }).find("No such file"),
            std::string::npos);
  expect_contains(message_of([&] { of.save_parameters(file("none") + "/in/no/folder"); }),
                  "No such file");

  // Arrays in another order than their names: `u` and `v` are equally large.
  std::string swapped = header;
  swapped.replace(swapped.find(u), u.size(), "?").replace(swapped.find(v), v.size(), u);
  swapped.replace(swapped.find("?"), 1, v);
  std::ofstream(file("swapped"), std::ios::binary) << with_length(swapped, payload);
  of.load_parameters(file("swapped"));

  std::ofstream(file("escaped"), std::ios::binary) << changed("\"u\"", "\"\\u0075\"");
  of.load_parameters(file("escaped"));
}

}  // namespace
}  // namespace mintor
