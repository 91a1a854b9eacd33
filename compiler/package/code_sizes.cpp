// SPDX-License-Identifier: Apache-2.0
// Reads the symbol table of an ELF library, where the local symbols of a source file stand behind
// its name. Takes and gives what code_sizes.h says. Keeps true: a damaged file gives no sizes.
#include "compiler/package/code_sizes.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "compiler/package/folder.h"
#include "compiler/support/shared_library.h"

namespace mintor {
namespace {

// The elements of a section of a file that elf_problem has seen.
template <class Element>
std::vector<Element> elements_of(const std::string& file, const Elf64_Shdr& section) {
  std::vector<Element> elements(section.sh_size / sizeof(Element));
  std::memcpy(elements.data(), file.data() + section.sh_offset, elements.size() * sizeof(Element));
  return elements;
}

std::vector<Elf64_Shdr> sections_of(const std::string& file) {
  Elf64_Ehdr head;
  std::memcpy(&head, file.data(), sizeof head);
  std::vector<Elf64_Shdr> sections(head.e_shnum);
  std::memcpy(sections.data(), file.data() + head.e_shoff, sections.size() * sizeof(Elf64_Shdr));
  return sections;
}

// File name of a unit -> its level.
std::map<std::string, std::string> level_units(const Manifest& manifest) {
  std::map<std::string, std::string> units;
  for (const std::string& level : manifest.levels) {
    std::string unit = "kernels_" + level + ".cpp";
    std::ranges::replace(unit, '-', '_');
    units[unit] = level;
  }
  return units;
}

std::string name_at(const std::vector<char>& names, size_t at) {
  at = std::min(at, names.size());
  return {names.begin() + static_cast<ptrdiff_t>(at),
          std::find(names.begin() + static_cast<ptrdiff_t>(at), names.end(), '\0')};
}

}  // namespace

std::map<std::string, int64_t> code_sizes(const std::string& library, const Manifest& manifest) {
  if (!elf_problem(library).empty()) return {};
  const std::string file = read_whole_file(library);
  const std::vector<Elf64_Shdr> sections = sections_of(file);
  const auto table = std::ranges::find(sections, Elf64_Word{SHT_SYMTAB}, &Elf64_Shdr::sh_type);
  const bool named = table != sections.end() && table->sh_link < sections.size() &&
                     sections[table->sh_link].sh_type == SHT_STRTAB;
  if (!named) return {};
  const std::vector<char> names = elements_of<char>(file, sections[table->sh_link]);
  const std::map<std::string, std::string> units = level_units(manifest);
  std::map<std::string, int64_t> sizes;
  std::string part = kSharedCode;
  for (const Elf64_Sym& symbol : elements_of<Elf64_Sym>(file, *table)) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    if (ELF64_ST_BIND(symbol.st_info) != STB_LOCAL) part = kSharedCode;
    if (type == STT_FILE) {
      const auto unit = units.find(name_at(names, symbol.st_name));
      part = unit == units.end() ? kSharedCode : unit->second;
    } else if (type == STT_FUNC) {
      sizes[part] += static_cast<int64_t>(symbol.st_size);
    }
  }
  return sizes;
}

}  // namespace mintor
