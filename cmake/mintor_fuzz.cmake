# SPDX-License-Identifier: Apache-2.0
# Hostile input. With MINTOR_TESTS: mintor_damaged_models, which damages model files and compiles
# them, and which tests/onnx/test_damaged_models.py starts. What onnx-ml.proto says is read by it
# from descriptors: the messages of the frontend have no reflection.
function(mintor_fuzz)
  if(NOT MINTOR_ONNX OR NOT MINTOR_TESTS)
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
  add_executable(mintor_damaged_models tests/fuzz/damaged_models.cpp)
  target_link_libraries(mintor_damaged_models PRIVATE mintor_all mintor_damage)
  set_target_properties(mintor_damaged_models PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_dependencies(mintor_all_tests mintor_damaged_models)
endfunction()
