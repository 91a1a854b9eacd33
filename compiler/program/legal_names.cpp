// SPDX-License-Identifier: Apache-2.0
// Takes names, or a kernel; gives names that C++ takes. Keeps true: the list of reserved words is
// sorted; nothing but names changes.
#include "compiler/program/legal_names.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/program/canonical.h"
#include "compiler/support/identifier.h"

namespace mintor {
namespace {

// Keywords of C++17 (and C's), then what emitted text and program.cpp use themselves.
constexpr std::string_view kReserved[] = {"Args",         "Kernels",
                                          "Level",        "Program",
                                          "Share",        "alignas",
                                          "alignof",      "and",
                                          "and_eq",       "asm",
                                          "auto",         "bitand",
                                          "bitor",        "bool",
                                          "break",        "case",
                                          "catch",        "ceil",
                                          "ceilf",        "char",
                                          "char16_t",     "char32_t",
                                          "char8_t",      "class",
                                          "co_await",     "co_return",
                                          "co_yield",     "compl",
                                          "concept",      "const",
                                          "const_cast",   "consteval",
                                          "constexpr",    "constinit",
                                          "continue",     "decltype",
                                          "default",      "delete",
                                          "do",           "double",
                                          "dynamic_cast", "else",
                                          "enum",         "explicit",
                                          "export",       "extern",
                                          "false",        "float",
                                          "floor",        "floorf",
                                          "fma",          "fmaf",
                                          "for",          "friend",
                                          "goto",         "if",
                                          "inline",       "int",
                                          "int16_t",      "int32_t",
                                          "int64_t",      "int8_t",
                                          "lane",         "long",
                                          "main",         "memcpy",
                                          "memset",       "mutable",
                                          "namespace",    "new",
                                          "noexcept",     "not",
                                          "not_eq",       "nullptr",
                                          "operator",     "or",
                                          "or_eq",        "private",
                                          "protected",    "public",
                                          "register",     "reinterpret_cast",
                                          "requires",     "restrict",
                                          "return",       "rint",
                                          "rintf",        "round",
                                          "roundf",       "scratch",
                                          "share",
                                          "short",        "signed",
                                          "size_t",       "sizeof",
                                          "sqrt",         "sqrtf",
                                          "static",       "static_assert",
                                          "static_cast",  "struct",
                                          "switch",       "template",
                                          "this",         "thread_local",
                                          "throw",        "tile_begin",
                                          "tile_end",     "true",
                                          "trunc",        "truncf",
                                          "try",          "typedef",
                                          "typeid",       "typename",
                                          "uint16_t",     "uint32_t",
                                          "uint64_t",     "uint8_t",
                                          "union",        "unix",
                                          "unsigned",     "using",
                                          "virtual",      "void",
                                          "volatile",     "wchar_t",
                                          "while",        "xor",
                                          "xor_eq"};

bool is_reserved(std::string_view name) {
  return std::ranges::find(kReserved, name) != std::end(kReserved) || name.starts_with("mt_") ||
         name.starts_with("MT_") || name.starts_with("__");
}

}  // namespace

std::string legal_name(std::string_view name) {
  std::string out = identifier(name);
  if (out.empty() || is_digit(out[0])) out = "k_" + out;
  if (out.starts_with("__") || out.starts_with("mt_") || out.starts_with("MT_")) out = "k" + out;
  if (is_reserved(out)) out += '_';
  return out;
}

Kernel with_legal_names(const Kernel& kernel) {
  std::set<std::string> names = names_in(kernel);
  for (const Param& param : kernel.params) names.insert(param.name);
  for (const SymbolParam& symbol : kernel.symbols) names.insert(symbol.name);
  std::map<std::string, std::string> renames;
  std::set<std::string> taken = names;
  for (const std::string& name : names) {
    if (name == kLane) continue;  // bound by the statement, never a name in emitted text
    std::string legal = legal_name(name);
    if (legal == name) continue;
    while (taken.contains(legal)) legal += '_';
    taken.insert(legal);
    renames[name] = legal;
  }
  return renames.empty() ? kernel : rename(kernel, renames);
}

}  // namespace mintor
