# SPDX-License-Identifier: Apache-2.0
# Open sets: one item = one file = one constant. For compiler/loop/steps/split.cpp the generated
# source declares `extern const Step step_split;` in namespace mintor and FUNCTION returns a span
# over all of them, ordered by name. No static initialisers, no list to edit. FOLDER_NAMES names
# an item after its folder (targets/<t>/target.cpp -> target_<t>). The result is a source of
# mintor_<owner>; nothing is made while HEADER does not exist.
function(mintor_registry owner)
  cmake_parse_arguments(R "FOLDER_NAMES" "TYPE;HEADER;PREFIX;FUNCTION" "SOURCES" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}" ${R_SOURCES})
  if(NOT EXISTS "${CMAKE_SOURCE_DIR}/${R_HEADER}")
    return()
  endif()
  set(names "")
  foreach(file IN LISTS files)
    if(R_FOLDER_NAMES)
      cmake_path(GET file PARENT_PATH folder)
      cmake_path(GET folder FILENAME name)
    else()
      cmake_path(GET file STEM name)
    endif()
    list(APPEND names "${R_PREFIX}${name}")
  endforeach()
  list(SORT names)
  set(text "// Generated from the file names of ${R_SOURCES}. Not edited by hand.\n")
  string(APPEND text "#include \"${R_HEADER}\"\n\n#include <span>\n\nnamespace mintor {\n")
  foreach(name IN LISTS names)
    string(APPEND text "extern const ${R_TYPE} ${name};\n")
  endforeach()
  string(APPEND text "\nstd::span<const ${R_TYPE}* const> ${R_FUNCTION}() {\n")
  if(names)
    list(TRANSFORM names PREPEND "&" OUTPUT_VARIABLE items)
    list(JOIN items ",\n      " body)
    string(APPEND text "  static constexpr const ${R_TYPE}* kItems[] = {\n      ${body}};\n"
           "  return kItems;\n}\n")
  else()
    string(APPEND text "  return {};\n}\n")
  endif()
  string(APPEND text "}  // namespace mintor\n")
  set(output "${CMAKE_BINARY_DIR}/generated/registry_${R_FUNCTION}.cpp")
  file(CONFIGURE OUTPUT "${output}" CONTENT "${text}" @ONLY)  # written only when it changes
  set_property(GLOBAL APPEND PROPERTY MINTOR_REGISTRY_${owner} "${output}")
endfunction()
