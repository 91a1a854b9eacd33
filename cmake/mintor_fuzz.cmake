# SPDX-License-Identifier: Apache-2.0
# Hostile input. With MINTOR_TESTS: what damages right inputs by a seed, mintor_damaged_texts and
# mintor_damaged_models, which tests/onnx/test_damaged_models.py starts. What onnx-ml.proto says is
# read from descriptors: the messages of the frontend have no reflection.
function(mintor_damaged name)  # sources and libraries: ARGN
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  list(TRANSFORM ARG_SOURCES PREPEND tests/fuzz/)
  add_executable(mintor_${name} ${ARG_SOURCES})
  target_link_libraries(mintor_${name} PRIVATE ${ARG_LIBRARIES})
  set_target_properties(mintor_${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_dependencies(mintor_all_tests mintor_${name})
endfunction()

function(mintor_fuzz)
  if(NOT MINTOR_TESTS)
    return()
  endif()
  mintor_damaged(damaged_texts SOURCES damaged_texts.cpp text_fuzzer.cpp
                 LIBRARIES mintor_upto_program)
  if(NOT MINTOR_ONNX)
    return()
  endif()
  set(descriptors "${CMAKE_BINARY_DIR}/generated/onnx-ml.descriptors")
  cmake_path(GET MINTOR_ONNX_PROTO PARENT_PATH proto_folder)
  add_custom_command(OUTPUT "${descriptors}" DEPENDS "${MINTOR_ONNX_PROTO}" VERBATIM
    COMMAND protobuf::protoc "--descriptor_set_out=${descriptors}" "-I${proto_folder}"
            "${MINTOR_ONNX_PROTO}")
  add_library(mintor_damage OBJECT EXCLUDE_FROM_ALL tests/fuzz/damage.cpp "${descriptors}")
  target_compile_definitions(mintor_damage PRIVATE MINTOR_ONNX_DESCRIPTORS="${descriptors}")
  target_link_libraries(mintor_damage PUBLIC mintor_options protobuf::libprotobuf)
  mintor_damaged(damaged_models SOURCES damaged_models.cpp LIBRARIES mintor_all mintor_damage)
endfunction()
