// SPDX-License-Identifier: Apache-2.0
// Finds the note of the linker in memory. Takes nothing; gives its bytes as text. Keeps true: it is
// that of the loaded object that holds this function, whichever file that came from.
#include "compiler/support/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>

namespace mintor {
namespace {

struct Search {
  ElfW(Addr) inside = 0;
  std::string found;
};

bool holds(const dl_phdr_info& object, ElfW(Addr) address) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object.dlpi_phdr[i];
    const ElfW(Addr) begin = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begin && address < begin + segment.p_memsz)
      return true;
  }
  return false;
}

std::string hex_of(const unsigned char* bytes, size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

size_t rounded(size_t size, size_t to) { return (size + to - 1) / to * to; }

// Notes are a header, a name and bytes, each rounded up to the alignment of the segment.
std::string id_in(const char* notes, size_t size, size_t alignment) {
  size_t at = 0;
  while (at + sizeof(ElfW(Nhdr)) <= size) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof note);
    const size_t name = at + sizeof note;
    const size_t bytes = rounded(name + note.n_namesz, alignment);
    if (bytes + note.n_descsz > size) break;
    const bool gnu = note.n_namesz == 4 && std::memcmp(notes + name, "GNU", 4) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID)
      return hex_of(reinterpret_cast<const unsigned char*>(notes + bytes), note.n_descsz);
    at = rounded(bytes + note.n_descsz, alignment);
  }
  return "";
}

int visit(dl_phdr_info* object, size_t, void* data) {
  Search& search = *static_cast<Search*>(data);
  if (!holds(*object, search.inside)) return 0;
  for (int i = 0; i < object->dlpi_phnum && search.found.empty(); ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    search.found = id_in(notes, segment.p_memsz, segment.p_align == 8 ? 8 : 4);
  }
  return 1;
}

}  // namespace

const std::string& build_id() {
  static const std::string kId = [] {
    Search search;
    search.inside = reinterpret_cast<ElfW(Addr)>(&build_id);
    dl_iterate_phdr(visit, &search);
    return search.found;
  }();
  return kId;
}

}  // namespace mintor
