# SPDX-License-Identifier: Apache-2.0
# The Python module: frontends/python/module/*.cpp becomes mintor/_mintor, beside the pure Python
# files of frontends/python/mintor. `make build` puts a path file for the build's copy into .venv;
# `pip install .` installs the same files.
function(mintor_python_module)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/frontends/python/module/*.cpp")
  if(NOT MINTOR_PYTHON OR NOT sources)
    return()
  endif()
  find_package(Python3 COMPONENTS Interpreter Development.Module)
  find_package(pybind11 CONFIG)
  if(NOT pybind11_FOUND OR NOT Python3_FOUND)
    message(STATUS "pybind11 was not found: no Python module")
    return()
  endif()
  pybind11_add_module(_mintor MODULE NO_EXTRAS ${sources})
  target_link_libraries(_mintor PRIVATE mintor_all)
  set_target_properties(_mintor PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/python/mintor")
endfunction()
