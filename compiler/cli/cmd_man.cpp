// SPDX-License-Identifier: Apache-2.0
// mintor man: the manual page. Takes nothing; gives mintor.1 as roff on stdout.
// Keeps true: it is made of what --help says, of every command and flag of this build; no character
// of a text is read as a request by roff.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "compiler/cli/command.h"
#include "compiler/cli/command_texts.h"

namespace mintor {
namespace {

// A backslash and a hyphen have meanings; a dot or a quote has one where a line begins.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (out.empty() || out.back() == '\n') out += c == '.' || c == '\'' ? "\\&" : "";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string flag_heading(const FlagText& flag) {
  std::string names;
  for (const std::string& name : flag.names)
    names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
  if (flag.argument.empty()) return names;
  return names + (names.empty() ? "" : " ") + "\\fI" + roff(flag.argument) + "\\fR";
}

std::string command_section(const CommandText& command) {
  std::string text = ".SS mintor " + roff(command.name) + "\n" + roff(command.summary) + "\n";
  for (const FlagText& flag : command.flags)
    text += ".TP\n" + flag_heading(flag) + "\n" + roff(flag.help) + "\n";
  return text + ".PP\nExamples:\n.nf\n" + roff(command.examples) + ".fi\n";
}

std::string manual() {
  std::string text =
      ".TH MINTOR 1 \"\" \"mintor " MINTOR_VERSION
      "\" \"User Commands\"\n"
      ".SH NAME\nmintor \\- compiles trained models to self\\-contained C++ packages\n"
      ".SH SYNOPSIS\n\\fBmintor\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIMODEL\\fR]\n"
      ".SH DESCRIPTION\n"
      "Reads a model (an .onnx file, or the text of a graph), fuses and schedules it, and writes\n"
      "a package: a folder of C++ source, weights and a small runtime with a C ABI.\n"
      ".SH COMMANDS\n";
  for (const CommandText& command : command_texts()) text += command_section(command);
  return text +
         ".SH EXIT STATUS\n"
         ".TP\n0\nok\n.TP\n1\nthe model or the input is at fault\n"
         ".TP\n2\nusage\n.TP\n3\na bug of Mintor\n"
         ".SH ENVIRONMENT\n"
         ".TP\nMINTOR_CACHE_DIR\nfolder of compiled objects\n"
         ".TP\nMINTOR_PYTHON\nthe Python that verify \\-\\-against starts\n"
         ".TP\nNO_COLOR\nno colours, whatever its value\n";
}

RunCommand declare(CLI::App&) {
  return [] {
    std::fputs(manual().c_str(), stdout);
    return 0;
  };
}

}  // namespace

extern const Command cmd_man = {"man", "the manual page, every command and flag on it",
                                "  mintor man | man -l -\n"
                                "  mintor man > /usr/local/share/man/man1/mintor.1\n",
                                declare};

}  // namespace mintor
