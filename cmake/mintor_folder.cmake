# SPDX-License-Identifier: Apache-2.0
# Folders to libraries. mintor_folder(name extra...) makes mintor_<name> from
# compiler/<name>/**.cpp and the registries made for it. A folder without sources becomes an
# INTERFACE library. That a folder uses only folders before it is checked on the finished archives
# by tests/lint/link_order.py (static libraries cannot say it: the registries that live with the
# targets are read by folders before them, which makes the link a rescanned group).
set_property(GLOBAL PROPERTY MINTOR_ARCHIVES "")  # libraries with object code, in order of flow

function(mintor_add_library target)  # sources: ARGN
  set(sources ${ARGN})
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC mintor_options fmt::fmt nlohmann_json::nlohmann_json
                          Threads::Threads)
    set_property(GLOBAL APPEND PROPERTY MINTOR_ARCHIVES ${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE mintor_options)
  endif()
endfunction()

function(mintor_folder name)  # extra libraries: ARGN
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/compiler/${name}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/compiler/jit/(llvm|plugins)/|/compiler/cli/main\\.cpp$")
  get_property(registries GLOBAL PROPERTY MINTOR_REGISTRY_${name})
  mintor_add_library(mintor_${name} ${sources} ${registries})
  if(sources AND ARGN)
    target_link_libraries(mintor_${name} PUBLIC ${ARGN})
  endif()
endfunction()

# Folders that ask what this build has. The others are compiled the same way in every build, so that
# ccache gives a build without LLVM or ONNX the objects of the one before it.
function(mintor_built_with)  # folders: ARGN
  foreach(name IN LISTS ARGN)
    target_compile_definitions(mintor_${name} PRIVATE MINTOR_HAS_LLVM=$<BOOL:${MINTOR_LLVM}>
                               MINTOR_HAS_ONNX=$<BOOL:${MINTOR_ONNX}>)
  endforeach()
endfunction()

# The runtime depends on nothing and is held to what a package may use.
function(mintor_runtime)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
       "${CMAKE_SOURCE_DIR}/runtime/*.c" "${CMAKE_SOURCE_DIR}/runtime/*.cpp")
  if(NOT sources)
    add_library(mintor_runtime INTERFACE)
  else()
    add_library(mintor_runtime STATIC ${sources})
    set_target_properties(mintor_runtime PROPERTIES CXX_STANDARD 17)
    target_compile_options(mintor_runtime PRIVATE
      -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>)
    target_link_libraries(mintor_runtime PUBLIC Threads::Threads)
    set_property(GLOBAL APPEND PROPERTY MINTOR_ARCHIVES mintor_runtime)
  endif()
  target_include_directories(mintor_runtime INTERFACE "${CMAKE_SOURCE_DIR}/runtime/include")
  get_target_property(type mintor_runtime TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    target_include_directories(mintor_runtime PRIVATE "${CMAKE_SOURCE_DIR}"
                               "${CMAKE_SOURCE_DIR}/runtime/include")
  endif()
endfunction()

# Every folder of targets/; their prelude headers and runtime parts are text, not host code.
function(mintor_targets)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/targets/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/targets/[^/]+/(runtime|prelude)/")
  get_property(registries GLOBAL PROPERTY MINTOR_REGISTRY_targets)
  mintor_add_library(mintor_targets ${sources} ${registries})
endfunction()

# What programs link: mintor_all, and for each folder mintor_upto_<folder>, so that its tests build
# while a later folder is being worked on. A group is rescanned because registries (instructions)
# are read by folders that come before the files they list.
function(mintor_group name)  # archives: ARGN
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE mintor_options ${CMAKE_DL_LIBS})
  if(ARGN)
    list(JOIN ARGN "," group)
    target_link_libraries(${name} INTERFACE "$<LINK_GROUP:RESCAN,${group}>")
  endif()
endfunction()

function(mintor_all)
  get_property(archives GLOBAL PROPERTY MINTOR_ARCHIVES)
  list(JOIN archives "|" archives_pattern)
  mintor_group(mintor_all ${archives})
  set(upto "")
  set(with_targets loop contraction program memory codegen runtime jit tune report package)
  foreach(archive IN LISTS archives)
    list(APPEND upto ${archive})
    string(REPLACE "mintor_" "mintor_upto_" name ${archive})
    set(group ${upto})
    string(REPLACE "mintor_" "" folder ${archive})
    if(folder IN_LIST with_targets
       AND TARGET mintor_targets AND "mintor_targets" IN_LIST archives)
      list(APPEND group mintor_codegen mintor_targets)
      list(REMOVE_DUPLICATES group)
      list(FILTER group INCLUDE REGEX "^(${archives_pattern})$")
    endif()
    mintor_group(${name} ${group})
  endforeach()
  string(REPLACE ";" "\n" lines "${archives}")
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/archives.txt" CONTENT "${lines}\n" @ONLY)
endfunction()

# What is made of LLVM's headers and lies in lib/, its own symbols hidden.
function(mintor_llvm_settings target)
  set_target_properties(${target} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib" CXX_VISIBILITY_PRESET hidden)
  # LLVM of Debian is built with RTTI and without exceptions.
  target_compile_options(${target} PRIVATE -Wall -Wextra -frtti -fno-exceptions)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_include_directories(${target} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${CLANG_INCLUDE_DIRS})
  mintor_install(${target} lib)
endfunction()

# libmintor_jit: the only code that links LLVM. It is opened on the first cache miss. Plug-ins for
# it leave LLVM's symbols to the one that opens them.
function(mintor_jit_library)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/compiler/jit/llvm/*.cpp")
  if(NOT MINTOR_LLVM OR NOT sources)
    return()
  endif()
  find_package(LLVM 19.1 REQUIRED CONFIG)
  find_package(Clang REQUIRED CONFIG)
  add_library(mintor_jit_llvm SHARED ${sources})
  set_target_properties(mintor_jit_llvm PROPERTIES OUTPUT_NAME mintor_jit)
  mintor_llvm_settings(mintor_jit_llvm)
  target_compile_definitions(mintor_jit_llvm PRIVATE MINTOR_VERSION="${PROJECT_VERSION}"
                             MINTOR_LLVM_PREFIX="${LLVM_INSTALL_PREFIX}")
  target_link_libraries(mintor_jit_llvm PRIVATE clang-cpp LLVM)
  file(GLOB plugins CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/compiler/jit/plugins/*.cpp")
  foreach(plugin IN LISTS plugins)  # one file, one plug-in
    cmake_path(GET plugin STEM name)
    add_library(mintor_pass_${name} MODULE "${plugin}")
    set_target_properties(mintor_pass_${name} PROPERTIES PREFIX "")
    mintor_llvm_settings(mintor_pass_${name})
    add_dependencies(mintor_jit_llvm mintor_pass_${name})
  endforeach()
endfunction()

# Installed as bin/, lib/ (below the Python package in a wheel): the program and the module look for
# libmintor_jit, and in a wheel for the libraries that they link, in lib/ and ../lib of where they
# lie.
function(mintor_install target folder)
  cmake_path(APPEND destination "${MINTOR_INSTALL_PACKAGE}" "${folder}")
  if(MINTOR_INSTALL_PACKAGE)
    set(dependencies RUNTIME_DEPENDENCY_SET mintor_dependencies)
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib;$ORIGIN/lib")
    # The libraries that lie there find one another by the path of whoever loads them.
    target_link_options(${target} PRIVATE -Wl,--disable-new-dtags)
  endif()
  install(TARGETS ${target} ${dependencies} COMPONENT package
          RUNTIME DESTINATION "${destination}" LIBRARY DESTINATION "${destination}")
endfunction()

# A wheel takes along what it links, but for the libraries that every Linux of a manylinux tag has
# (PEP 600: those of C and C++), and for LLVM, which is 200 MB.
function(mintor_install_dependencies)
  if(MINTOR_INSTALL_PACKAGE)
    install(RUNTIME_DEPENDENCY_SET mintor_dependencies COMPONENT package
            PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(LLVM|clang-cpp)"
                                "^lib(c|m|dl|rt|pthread|gcc_s|stdc\\+\\+)\\.so"
            LIBRARY DESTINATION "${MINTOR_INSTALL_PACKAGE}/lib")
  endif()
endfunction()

function(mintor_executable)
  if(NOT EXISTS "${CMAKE_SOURCE_DIR}/compiler/cli/main.cpp")
    return()
  endif()
  add_executable(mintor compiler/cli/main.cpp)
  target_link_libraries(mintor PRIVATE mintor_all)
  set_target_properties(mintor PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  mintor_install(mintor bin)
endfunction()
