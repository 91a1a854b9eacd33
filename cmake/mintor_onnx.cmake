# SPDX-License-Identifier: Apache-2.0
# The ONNX frontend: frontends/onnx/**.cpp and the messages that protoc makes of onnx-ml.proto,
# which is taken from the pinned onnx wheel at configure time when it is not there yet.
function(mintor_onnx)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/frontends/onnx/*.cpp")
  if(NOT MINTOR_ONNX OR NOT sources)
    add_library(mintor_onnx INTERFACE)
    target_link_libraries(mintor_onnx INTERFACE mintor_options)
    return()
  endif()
  find_package(Protobuf REQUIRED)
  if(NOT EXISTS "${MINTOR_ONNX_PROTO}")
    set(python "${Python3_EXECUTABLE}")  # of the virtual environment, when make or pip builds
    if(NOT python)
      find_program(MINTOR_PYTHON3 NAMES python3.11 python3 REQUIRED)
      set(python "${MINTOR_PYTHON3}")
    endif()
    execute_process(
      COMMAND "${python}" "${CMAKE_SOURCE_DIR}/cmake/onnx_proto.py" "${MINTOR_ONNX_PROTO}"
      RESULT_VARIABLE failed)
    if(failed)
      message(FATAL_ERROR "onnx-ml.proto could not be fetched; give -DMINTOR_ONNX_PROTO=FILE "
                          "or build without the frontend: -DMINTOR_ONNX=OFF")
    endif()
  endif()
  set(generated "${CMAKE_BINARY_DIR}/generated/onnx")
  file(MAKE_DIRECTORY "${generated}")
  cmake_path(GET MINTOR_ONNX_PROTO PARENT_PATH proto_folder)
  add_custom_command(OUTPUT "${generated}/onnx-ml.pb.cc" "${generated}/onnx-ml.pb.h"
    COMMAND protobuf::protoc "--cpp_out=${generated}" "-I${proto_folder}" "${MINTOR_ONNX_PROTO}"
    DEPENDS "${MINTOR_ONNX_PROTO}" VERBATIM)
  add_library(mintor_onnx_proto STATIC "${generated}/onnx-ml.pb.cc" "${generated}/onnx-ml.pb.h")
  target_include_directories(mintor_onnx_proto SYSTEM PUBLIC "${generated}")
  target_link_libraries(mintor_onnx_proto PUBLIC protobuf::libprotobuf)
  get_property(registries GLOBAL PROPERTY MINTOR_REGISTRY_onnx)
  mintor_add_library(mintor_onnx ${sources} ${registries})
  target_link_libraries(mintor_onnx PUBLIC mintor_onnx_proto)
endfunction()
