# SPDX-License-Identifier: Apache-2.0
# Tests: tests/<folder>/*_test.cpp is one GoogleTest program mintor_<folder>_tests, labelled with
# the folder in ctest. Tests of a compiler folder link it and what comes before it; tests of
# anything else link the whole compiler, so that they can use any oracle.
function(mintor_tests)
  if(NOT MINTOR_TESTS)
    return()
  endif()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  file(GLOB folders CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/tests"
       "${CMAKE_SOURCE_DIR}/tests/*")
  add_custom_target(mintor_all_tests)
  foreach(folder IN LISTS folders)
    file(GLOB tools CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${folder}/*_tool.cpp")
    foreach(tool IN LISTS tools)  # measuring programs, built when asked for
      cmake_path(GET tool STEM stem)
      add_executable(mintor_${stem} EXCLUDE_FROM_ALL "${tool}")
      target_link_libraries(mintor_${stem} PRIVATE mintor_upto_ir)
    endforeach()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${folder}/*_test.cpp")
    if(NOT sources OR (folder MATCHES "onnx" AND NOT MINTOR_ONNX))
      continue()
    endif()
    file(GLOB helpers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${folder}/*.cpp")
    list(FILTER helpers EXCLUDE REGEX "_test\\.cpp$")
    foreach(helper IN LISTS helpers)  # a source with a header beside it; others are test data
      cmake_path(REPLACE_EXTENSION helper LAST_ONLY .h OUTPUT_VARIABLE header)
      if(NOT EXISTS "${header}")
        list(REMOVE_ITEM helpers "${helper}")
      endif()
    endforeach()
    set(name mintor_${folder}_tests)
    add_executable(${name} ${sources} ${helpers})
    set(uses mintor_upto_${folder})
    if(folder STREQUAL "golden" AND TARGET mintor_upto_loop)
      set(uses mintor_upto_loop)
    elseif(folder STREQUAL "numerics")
      set(uses mintor_upto_ir)
    elseif(folder STREQUAL "runtime" AND TARGET mintor_upto_package)
      set(uses mintor_upto_package)  # its tests write, build and open packages
    elseif(NOT TARGET ${uses})
      set(uses mintor_all)
    endif()
    target_link_libraries(${name} PRIVATE ${uses} GTest::gtest GTest::gtest_main)
    target_compile_definitions(${name} PRIVATE MINTOR_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_dependencies(mintor_all_tests ${name})
    foreach(needed IN ITEMS mintor_jit_llvm mintor)  # opened or started by tests, not linked
      if(TARGET ${needed})
        add_dependencies(mintor_all_tests ${needed})
      endif()
    endforeach()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${folder}/"
                         PROPERTIES LABELS "${folder}" TIMEOUT 600)
  endforeach()
  find_program(MINTOR_PYTHON3 NAMES python3.11 python3 REQUIRED)
  set(lint "${CMAKE_SOURCE_DIR}/tests/lint")
  add_test(NAME lint/link_order
    COMMAND "${MINTOR_PYTHON3}" "${lint}/link_order.py" "${CMAKE_BINARY_DIR}")
  set_tests_properties(lint/link_order PROPERTIES LABELS lint)
  if(MINTOR_LLVM AND MINTOR_ONNX)  # it builds a copy, once is enough
    add_test(NAME lint/one_change
      COMMAND "${MINTOR_PYTHON3}" "${lint}/one_change.py" "${CMAKE_BINARY_DIR}")
    set_tests_properties(lint/one_change PROPERTIES LABELS lint TIMEOUT 1800 RUN_SERIAL ON)
  endif()
endfunction()
