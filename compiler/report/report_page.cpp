// SPDX-License-Identifier: Apache-2.0
// Data and template to a page. Takes JSON and the files of page/; gives HTML. Keeps true: JSON has
// no `<` in it, so it ends where the template ends it; the page's policy forbids all loads, and all
// scripts and styles but the template's.
#include <nlohmann/json.hpp>

#include "compiler/report/report.h"
#include "compiler/support/embedded.h"
#include "compiler/support/error.h"
#include "compiler/support/fill_template.h"
#include "compiler/support/sha256.h"

namespace mintor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMeasured = "<script type=\"application/json\" id=\"measured\">";
constexpr std::string_view kEnd = "</script>";

// Functions of one script; main.js, which runs, is last, after the constants of the others.
constexpr const char* kScripts[] = {"elements.js", "model.js",  "graph.js", "kernels.js",
                                    "roofline.js", "memory.js", "main.js"};

std::string_view page_file(const std::string& file) {
  return embedded_text("compiler/report/page/" + file);
}

// Names may be any bytes: what is no UTF-8 becomes U+FFFD.
std::string json_text(const Json& json) {
  std::string text;
  for (const char c : json.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<')
      text += "\\u003c";
    else
      text += c;
  }
  return text;
}

std::string script_text() {
  std::string text = "\n\"use strict\";\n";
  for (const char* file : kScripts) text += page_file(file);
  return text;
}

// What a policy calls a script or style: three bytes of its SHA-256 are four letters.
std::string hash_source(const std::string& text) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string hex = sha256_hex(text), base64;
  check(hex.size() % 6 == 4, "report", "a hash of another size");
  hex += "00";
  for (size_t at = 0; at < hex.size(); at += 6) {
    const auto bits = static_cast<size_t>(std::stoul(hex.substr(at, 6), nullptr, 16));
    for (int shift = 18; shift >= 0; shift -= 6) base64 += kLetters[bits >> shift & 63];
  }
  base64.back() = '=';
  return "'sha256-" + base64 + "'";
}

}  // namespace

std::string report_page(const Program& program, const ProgramSource& source) {
  const std::string script = script_text(), style = "\n" + std::string(page_file("page.css"));
  const std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; " +
                             ("script-src " + hash_source(script)) + "; style-src " +
                             hash_source(style);
  return fill_template(page_file("page.html"), {{"POLICY", policy},
                                                {"STYLE", style},
                                                {"SCRIPT", script},
                                                {"DATA", json_text(report_data(program, source))}});
}

std::string with_measurements(const std::string& page, const Json& result) {
  const size_t begin = page.find(kMeasured);
  const size_t end = begin == std::string::npos ? begin : page.find(kEnd, begin);
  if (end == std::string::npos) throw CompileError("report", "the page is no report of Mintor");
  return page.substr(0, begin + kMeasured.size()) + json_text(result) + page.substr(end);
}

}  // namespace mintor
