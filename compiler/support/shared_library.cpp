// SPDX-License-Identifier: Apache-2.0
// Takes the headers of a 64-bit ELF file; gives whether all that they name lies inside it. Keeps
// true: the file may be anything; no sum of numbers from it wraps.
#include "compiler/support/shared_library.h"

#include <dlfcn.h>
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <vector>

namespace mintor {
namespace {

bool lies_inside(uint64_t offset, uint64_t bytes, uint64_t file) {
  return offset <= file && bytes <= file - offset;
}

template <class Entry>
bool read_table(std::ifstream& file, uint64_t offset, uint64_t count, uint64_t size,
                std::vector<Entry>& table) {
  if (count == 0) return true;
  if (!lies_inside(offset, count * sizeof(Entry), size)) return false;
  table.resize(count);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(table.data()),
            static_cast<std::streamsize>(count * sizeof(Entry)));
  return file.good();
}

}  // namespace

std::string elf_problem(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "cannot be opened";
  const auto size = static_cast<uint64_t>(std::max<std::streamoff>(file.tellg(), 0));
  file.seekg(0);
  Elf64_Ehdr head{};
  file.read(reinterpret_cast<char*>(&head), sizeof head);
  const bool is_elf = file.good() && std::memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
                      head.e_ident[EI_CLASS] == ELFCLASS64;
  if (!is_elf) return "is no 64-bit ELF file";
  if ((head.e_phnum != 0 && head.e_phentsize != sizeof(Elf64_Phdr)) ||
      (head.e_shnum != 0 && head.e_shentsize != sizeof(Elf64_Shdr))) {
    return "has tables of another ELF version";
  }
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Shdr> sections;
  bool whole = read_table(file, head.e_phoff, head.e_phnum, size, segments) &&
               read_table(file, head.e_shoff, head.e_shnum, size, sections);
  for (const Elf64_Phdr& segment : segments) {
    whole = whole && lies_inside(segment.p_offset, segment.p_filesz, size);
  }
  for (const Elf64_Shdr& section : sections) {
    const bool in_file = section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS;
    whole = whole && (!in_file || lies_inside(section.sh_offset, section.sh_size, size));
  }
  return whole ? "" : "is cut short: its headers name bytes behind its end";
}

void* open_shared_library(const std::string& path, std::string& problem) {
  if (const std::string why = elf_problem(path); !why.empty()) {
    problem = "'" + path + "' " + why;
    return nullptr;
  }
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) problem = dlerror();
  return handle;
}

}  // namespace mintor
