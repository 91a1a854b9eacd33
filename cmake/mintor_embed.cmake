# SPDX-License-Identifier: Apache-2.0
# Text files inside the compiler: mintor_embed(target globs...) makes a library that defines
# embedded_files() of compiler/support/embedded.h, one {path from the repository root, text} per
# file, ordered by path. Run with -P this file is the generator itself: -DFILES= -DROOT= -DOUTPUT=.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(text "// Generated. Not edited by hand.\n#include \"compiler/support/embedded.h\"\n\n")
  string(APPEND text "namespace mintor {\nstd::span<const EmbeddedFile> embedded_files() {\n")
  string(APPEND text "  static constexpr EmbeddedFile kFiles[] = {\n")
  file(STRINGS "${FILES}" files)
  foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" content)
    string(FIND "${content}" ")mintor_text\"" clash)
    if(NOT clash EQUAL -1)
      message(FATAL_ERROR "${file} contains the delimiter of embedded text")
    endif()
    string(APPEND text "      {\"${file}\", R\"mintor_text(${content})mintor_text\"},\n")
  endforeach()
  if(files)
    string(APPEND text "  };\n  return kFiles;\n}\n}  // namespace mintor\n")
  else()
    set(text "#include \"compiler/support/embedded.h\"\nnamespace mintor {\n")
    string(APPEND text "std::span<const EmbeddedFile> embedded_files() { return {}; }\n}\n")
  endif()
  file(WRITE "${OUTPUT}" "${text}")
  return()
endif()

set(MINTOR_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(mintor_embed target)
  set(files "")
  foreach(pattern IN LISTS ARGN)
    if(pattern MATCHES "^runtime/")
      file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}" "${pattern}")
    else()
      file(GLOB found CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}" "${pattern}")
    endif()
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  list(REMOVE_DUPLICATES files)
  string(REPLACE ";" "\n" lines "${files}")
  set(list_file "${CMAKE_BINARY_DIR}/generated/embedded_files.txt")
  file(CONFIGURE OUTPUT "${list_file}" CONTENT "${lines}\n" @ONLY)
  set(output "${CMAKE_BINARY_DIR}/generated/embedded_files.cpp")
  set(depends ${files})
  list(TRANSFORM depends PREPEND "${CMAKE_SOURCE_DIR}/")
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DFILES=${list_file}" "-DROOT=${CMAKE_SOURCE_DIR}"
            "-DOUTPUT=${output}" -P "${MINTOR_EMBED_SCRIPT}"
    DEPENDS ${depends} "${list_file}" "${MINTOR_EMBED_SCRIPT}"
    COMMENT "Embedding prelude and runtime sources" VERBATIM)
  mintor_add_library(${target} "${output}")
endfunction()
