// SPDX-License-Identifier: Apache-2.0
// Fills the templates. Takes and gives what package_text.h says; keeps true that whatever comes
// from a model file is reduced to printable ASCII before it is printed.
#include "compiler/package/package_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/support/embedded.h"
#include "compiler/support/error.h"
#include "compiler/support/fill_template.h"
#include "compiler/support/identifier.h"

namespace mintor {
namespace {

std::string_view template_text(const char* file) {
  return embedded_text(std::string("compiler/package/templates/") + file);
}

// Safe in a line comment, a Markdown table and a C string.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool safe = c >= ' ' && c <= '~' && c != '\\' && c != '"' && c != '|' && c != '`';
    out += safe ? c : '?';
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string type_text(const PackageTensor& tensor) {
  return fmt::format("{}[{}]", name_of(tensor.dtype),
                     printable(fmt::format("{}", fmt::join(tensor.shape, ", "))));
}

std::string range_text(const PackageContents& contents, const PackageTensor& tensor) {
  std::string out;
  for (const PackageSymbol& symbol : contents.symbols) {
    const bool used = std::any_of(tensor.shape.begin(), tensor.shape.end(),
                                  [&](const auto& dim) { return dim == symbol.name; });
    if (!used) continue;
    out += fmt::format("; {} {}", printable(symbol.name),
                       symbol.hi < 0 ? fmt::format("at least {}", symbol.lo)
                                     : fmt::format("in {}..{}", symbol.lo, symbol.hi));
    if (symbol.divisor > 1) out += fmt::format(", a multiple of {}", symbol.divisor);
  }
  return out;
}

// Positions as enumerators, each under its doc comment; two names that become one stay apart.
std::string tensor_enum(const PackageContents& contents, const PackageEntry& entry,
                        const char* role, const std::vector<PackageTensor>& tensors) {
  const bool first = &entry == contents.entries.data();
  const std::string prefix = contents.name + (first ? "" : "_" + entry.name);
  std::string out =
      fmt::format("// Positions in the array of {}s{}.\nenum {}_{}_index {{\n", role,
                  contents.entries.size() == 1 ? "" : " of " + entry.name, prefix, role);
  std::vector<std::string> used;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::string base = fmt::format("{}_{}_{}", prefix, role, identifier(tensors[i].name));
    std::string name = base;
    for (size_t at = i; std::find(used.begin(), used.end(), name) != used.end(); ++at) {
      name = fmt::format("{}_at_{}", base, at);
    }
    used.push_back(name);
    out += fmt::format("  // {}: {}{}{}{}\n  {} = {},\n", printable(tensors[i].name),
                       type_text(tensors[i]), range_text(contents, tensors[i]),
                       tensors[i].doc.empty() ? "" : ". ", printable(tensors[i].doc), name, i);
  }
  out += fmt::format("  {}_{}s = {}\n}};\n", prefix, role, tensors.size());
  return out;
}

std::string entry_enum(const PackageContents& contents) {
  std::string out = fmt::format(
      "// Entries, for {0}_run_entry; {0}_run runs the first.\n"
      "enum {0}_entry_index {{\n",
      contents.name);
  for (size_t i = 0; i < contents.entries.size(); ++i)
    out += fmt::format("  {}_entry_{} = {},\n", contents.name, contents.entries[i].name, i);
  return out + fmt::format("  {}_entries = {}\n}};\n", contents.name, contents.entries.size());
}

size_t most_tensors(const PackageContents& contents) {
  size_t most = 1;
  for (const PackageEntry& entry : contents.entries)
    most = std::max({most, entry.inputs.size(), entry.outputs.size()});
  return most;
}

// On another machine than its own, a cross compiler by the name that Debian gives it, where the
// user names none.
std::string compilers_text(const std::string& machine) {
  if (machine.empty()) return "";
  std::string text = fmt::format("ifneq ($(shell uname -m),{})\n", machine);
  for (const auto& [variable, tool] : {std::pair("CC", "gcc"), {"CXX", "g++"}, {"AR", "ar"}})
    text += fmt::format("ifeq ($(origin {0}),default)\n{0} = {1}-linux-gnu-{2}\nendif\n", variable,
                        machine, tool);
  return text + "endif\n";
}

// "-s ", or nothing.
std::string link_flags(const PackageContents& contents) {
  std::string text;
  for (const char* flag : package_link_flags(contents.options)) text += std::string(flag) + " ";
  return text;
}

std::string optimisation(const PackageContents& contents) {
  return fmt::format("{}", fmt::join(package_optimisation(contents.options), " "));
}

std::string shared_flags() { return fmt::format("{}", fmt::join(package_compile_flags(), " ")); }

// Where `verify` finds them, wherever the library was built to; "": in the library.
std::string verify_weights(const PackageContents& contents) {
  return contents.embed_weights ? "" : "weights/weights.bin";
}

// What weights.bin is called where packages are installed; "": it is not.
std::string installed_weights(const PackageContents& contents) {
  const bool file = contents.weights_bytes > 0 && !contents.embed_weights;
  return file ? contents.weights_sha256 : "";
}

std::string version(const PackageContents& contents) {
  return contents.compiler_version.empty() ? "0" : contents.compiler_version;
}

std::string stem(const std::string& file) { return file.substr(0, file.rfind('.')); }

std::string description(const PackageContents& contents) {
  return contents.description.empty() ? "a compiled model" : printable(contents.description);
}

}  // namespace

std::string case_file(const char* role, size_t position, const std::string& name) {
  return fmt::format("{}_{}_{}.npy", role, position, identifier(name).substr(0, 48));
}

size_t position_of(const std::vector<PackageTensor>& tensors, const std::string& name) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == name) return i;
  }
  throw CompileError("package", "a case names '" + name + "', which the model does not have");
}

// What each position of <name>_state is: a comment, for names of states make no identifiers that no
// other could meet.
std::string states_comment(const PackageContents& contents) {
  if (contents.states.empty()) return "";
  std::string text =
      fmt::format("\n// States, by position and name ({}_state, ...):\n", contents.name);
  for (size_t i = 0; i < contents.states.size(); ++i)
    text += fmt::format("//   {} {}: {}\n", i, printable(contents.states[i].name),
                        type_text(contents.states[i]));
  return text;
}

std::string header_text(const PackageContents& contents) {
  std::string enums = entry_enum(contents);
  for (const PackageEntry& entry : contents.entries) {
    enums += "\n" + tensor_enum(contents, entry, "input", entry.inputs);
    enums += "\n" + tensor_enum(contents, entry, "output", entry.outputs);
  }
  enums += states_comment(contents);
  return fill_template(template_text("header.h.in"),
                       {{"NAME", contents.name},
                        {"DESCRIPTION", description(contents)},
                        {"GUARD", "MINTOR_PACKAGE_" + upper(contents.name) + "_H"},
                        {"TENSOR_ENUMS", enums}});
}

std::string makefile_text(const PackageContents& contents) {
  std::string objects, rules;
  for (const PackageUnit& unit : contents.units) {
    const std::string object = fmt::format("$(OUT)/src_{}.o", stem(unit.file));
    objects += (objects.empty() ? "" : " ") + object;
    rules += fmt::format("{}: src/{} $(HEADERS){} | $(OUT)\n", object, unit.file,
                         unit.reads.empty() ? "" : " " + unit.reads);
    rules += "\t$(CXX) $(ALL_CXXFLAGS)";
    if (!unit.flags.empty())
      rules += fmt::format(" $(call cpu,{})", fmt::join(unit.flags, " "));
    rules += " -c $< -o $@\n\n";
  }
  return fill_template(template_text("makefile.in"),
                       {{"NAME", contents.name},
                        {"COMPILERS", compilers_text(contents.machine)},
                        {"OPTIMISE", optimisation(contents)},
                        {"LINK_FLAGS", link_flags(contents)},
                        {"CXX_FLAGS", shared_flags()},
                        {"UNIT_OBJECTS", objects},
                        {"UNIT_RULES", rules},
                        {"VERIFY_WEIGHTS", verify_weights(contents)}});
}

std::string cmake_text(const PackageContents& contents) {
  std::string files, properties;
  for (const PackageUnit& unit : contents.units) {
    files += (files.empty() ? "src/" : " src/") + unit.file;
    if (!unit.reads.empty()) {
      properties += fmt::format(
          "set_source_files_properties(src/{} PROPERTIES\n"
          "  OBJECT_DEPENDS ${{CMAKE_CURRENT_SOURCE_DIR}}/{})\n",
          unit.file, unit.reads);
    }
    if (unit.flags.empty()) continue;
    properties += fmt::format("set_source_files_properties(src/{}\n", unit.file);
    properties += fmt::format("  PROPERTIES COMPILE_OPTIONS \"{}\")\n", fmt::join(unit.flags, ";"));
  }
  const bool small = is_small(contents.options);
  return fill_template(template_text("cmake_lists.txt.in"),
                       {{"NAME", contents.name},
                        {"BUILD_TYPE", small ? "MinSizeRel" : "Release"},
                        {"OPTIMISE", small ? optimisation(contents) : ""},
                        {"LINK_FLAGS", link_flags(contents)},
                        {"CXX_FLAGS", shared_flags()},
                        {"VERSION", version(contents)},
                        {"UNIT_FILES", files},
                        {"UNIT_PROPERTIES", properties},
                        {"VERIFY_WEIGHTS", verify_weights(contents)},
                        {"WEIGHTS_HASH", installed_weights(contents)}});
}

PackageUnit weights_unit(const PackageContents& contents) {
  return {"weights.cpp", filled_template(contents, "weights.cpp.in"), {}, "weights/weights.bin"};
}

static std::string weights_place(const PackageContents& contents) {
  if (contents.embed_weights) return "The weights are in the library.";
  return "`weights.bin` is looked for beside the library, in `weights/` and in `../weights/`;\n"
         "`mt_options.weights_path` names another place.";
}

static std::string bits_text(const PackageContents& contents) {
  const auto numerics = contents.options.find("numerics");
  if (numerics == contents.options.end() || numerics->second != "native-bf16")
    return "Equal inputs give equal bits at every level, with every compiler and\n"
           "any number of threads.";
  return "Numerics native-bf16: operands of\n"
         "matmuls and convolutions are rounded to bf16. A level with units for bf16 rounds sums\n"
         "as these do; at all others equal inputs give equal bits, with every compiler and any\n"
         "number of threads.";
}

std::string readme_text(const PackageContents& contents) {
  std::string table;
  for (const PackageEntry& entry : contents.entries) {
    const std::string of = contents.entries.size() == 1 ? "" : fmt::format(" of `{}`", entry.name);
    for (const PackageTensor& tensor : entry.inputs) {
      table += fmt::format("| input{} | `{}` | `{}`{} |\n", of, printable(tensor.name),
                           type_text(tensor), range_text(contents, tensor));
    }
    for (const PackageTensor& tensor : entry.outputs) {
      table += fmt::format("| output{} | `{}` | `{}` |\n", of, printable(tensor.name),
                           type_text(tensor));
    }
  }
  for (const PackageTensor& state : contents.states)
    table += fmt::format("| state | `{}` | `{}` |\n", printable(state.name), type_text(state));
  if (!table.empty()) table.pop_back();
  return fill_template(
      template_text("readme.md.in"),
      {{"NAME", contents.name},
       {"DESCRIPTION", description(contents)},
       {"TENSOR_TABLE", table},
       {"INPUT_COUNT", std::to_string(std::max<size_t>(1, contents.entries[0].inputs.size()))},
       {"OUTPUT_COUNT", std::to_string(std::max<size_t>(1, contents.entries[0].outputs.size()))},
       {"WEIGHTS_PLACE", weights_place(contents)},
       {"LEVELS", fmt::format("{}", fmt::join(contents.levels, ", "))},
       {"BITS", bits_text(contents)}});
}

std::string cases_text(const PackageContents& contents) {
  std::string out = "# case FOLDER RTOL ATOL ENTRY, then in|out POSITION FILE\n";
  for (size_t i = 0; i < contents.cases.size(); ++i) {
    const VerifyCase& one = contents.cases[i];
    const PackageEntry& entry = contents.entries.at(one.entry);
    out += fmt::format("case case{} {:.17g} {:.17g} {}\n", i, one.rtol, one.atol, entry.name);
    for (const NamedTensor& tensor : one.inputs) {
      const size_t at = position_of(entry.inputs, tensor.name);
      out += fmt::format("in {} {}\n", at, case_file("in", at, tensor.name));
    }
    for (const NamedTensor& tensor : one.outputs) {
      const size_t at = position_of(entry.outputs, tensor.name);
      out += fmt::format("out {} {}\n", at, case_file("out", at, tensor.name));
    }
  }
  return out;
}

std::string filled_template(const PackageContents& contents, const char* file) {
  return fill_template(template_text(file),
                       {{"NAME", contents.name},
                        {"VERSION", version(contents)},
                        {"MOST_TENSORS", std::to_string(most_tensors(contents))}});
}

// The array format of NumPy, version 1.0: magic, length, a dictionary padded to 64 bytes.
std::string npy_header(const Tensor& tensor) {
  static constexpr const char* kCodes[] = {"<f8", "<f4", "<f2", "<V2", "|i1", "<i2", "<i4",
                                           "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"};
  std::string shape;
  for (const int64_t extent : tensor.shape) shape += fmt::format("{}, ", extent);
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape.size() == 1) shape.pop_back();
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 kCodes[static_cast<size_t>(tensor.dtype)], shape);
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size() & 0xff);
  head += static_cast<char>(text.size() >> 8);
  return head + text;
}

}  // namespace mintor
