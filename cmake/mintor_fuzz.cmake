# SPDX-License-Identifier: Apache-2.0
# Hostile input. With MINTOR_TESTS: what damages right inputs by a seed, mintor_damaged_texts and
# mintor_damaged_models, which tests/onnx/test_damaged_models.py starts. With MINTOR_FUZZ (clang):
# the libFuzzer targets mintor_fuzz_texts and mintor_fuzz_models, which `make fuzz` runs, and the
# compiler below them, under the sanitizers of addresses and of undefined behaviour.
function(mintor_fuzz_settings)
  if(MINTOR_FUZZ)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      message(FATAL_ERROR "libFuzzer comes with clang: -DCMAKE_CXX_COMPILER=clang++-19")
    endif()
    set(sanitize -fsanitize=address,undefined)
    target_compile_options(mintor_options INTERFACE
      -O1 ${sanitize} -fno-sanitize-recover=all -fsanitize=fuzzer-no-link)
    target_link_options(mintor_options INTERFACE ${sanitize})
  endif()
endfunction()

function(mintor_hostile name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES;LINK_OPTIONS" ${ARGN})
  list(TRANSFORM ARG_SOURCES PREPEND tests/fuzz/)
  add_executable(mintor_${name} ${ARG_SOURCES})
  target_link_libraries(mintor_${name} PRIVATE ${ARG_LIBRARIES})
  target_link_options(mintor_${name} PRIVATE ${ARG_LINK_OPTIONS})
  set_target_properties(mintor_${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
endfunction()

# What onnx-ml.proto says is read from descriptors: the messages of the frontend have no reflection.
function(mintor_damage)
  set(descriptors "${CMAKE_BINARY_DIR}/generated/onnx-ml.descriptors")
  cmake_path(GET MINTOR_ONNX_PROTO PARENT_PATH proto_folder)
  add_custom_command(OUTPUT "${descriptors}" DEPENDS "${MINTOR_ONNX_PROTO}" VERBATIM
    COMMAND protobuf::protoc "--descriptor_set_out=${descriptors}" "-I${proto_folder}"
            "${MINTOR_ONNX_PROTO}")
  add_library(mintor_damage OBJECT EXCLUDE_FROM_ALL tests/fuzz/damage.cpp "${descriptors}")
  target_compile_definitions(mintor_damage PRIVATE MINTOR_ONNX_DESCRIPTORS="${descriptors}")
  target_link_libraries(mintor_damage PUBLIC mintor_options protobuf::libprotobuf)
endfunction()

function(mintor_fuzz)
  if(MINTOR_ONNX AND (MINTOR_TESTS OR MINTOR_FUZZ))
    mintor_damage()
  endif()
  if(MINTOR_TESTS)
    mintor_hostile(damaged_texts SOURCES damaged_texts.cpp text_fuzzer.cpp
                   LIBRARIES mintor_upto_tune)
    add_dependencies(mintor_all_tests mintor_damaged_texts)
  endif()
  if(MINTOR_TESTS AND MINTOR_ONNX)
    mintor_hostile(damaged_models SOURCES damaged_models.cpp LIBRARIES mintor_all mintor_damage)
    add_dependencies(mintor_all_tests mintor_damaged_models)
  endif()
  if(MINTOR_FUZZ)
    mintor_hostile(fuzz_texts SOURCES text_fuzzer.cpp LIBRARIES mintor_upto_tune
                   LINK_OPTIONS -fsanitize=fuzzer)
    mintor_hostile(fuzz_models SOURCES model_fuzzer.cpp
                   LIBRARIES mintor_onnx mintor_upto_graph mintor_damage
                   LINK_OPTIONS -fsanitize=fuzzer)
  endif()
endfunction()
