# SPDX-License-Identifier: Apache-2.0
# The Python module: frontends/python/module/*.cpp becomes mintor/_mintor, beside the pure Python
# files of frontends/python/mintor. `make build` puts a path file for the build's copy into .venv;
# `pip install .` installs the same files.
function(mintor_python_module)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/frontends/python/module/*.cpp"
       "${CMAKE_SOURCE_DIR}/frontends/python/trace/*.cpp"
       "${CMAKE_SOURCE_DIR}/frontends/python/trace/operators/*.cpp")
  get_property(registries GLOBAL PROPERTY MINTOR_REGISTRY_python)
  list(APPEND sources ${registries})
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
  set(package "${CMAKE_BINARY_DIR}/python/mintor")
  set_target_properties(_mintor PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${package}"
                        CXX_VISIBILITY_PRESET hidden)
  if(MINTOR_INSTALL_PACKAGE)
    mintor_install(_mintor "")
  endif()
  # The build tree's copy of the package: links to the sources and to lib/.
  file(MAKE_DIRECTORY "${package}" "${CMAKE_BINARY_DIR}/lib")
  file(GLOB_RECURSE modules CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/frontends/python/mintor"
       "${CMAKE_SOURCE_DIR}/frontends/python/mintor/*.py")
  foreach(module IN LISTS modules)
    cmake_path(GET module PARENT_PATH folder)
    file(MAKE_DIRECTORY "${package}/${folder}")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/frontends/python/mintor/${module}" "${package}/${module}"
         SYMBOLIC)
  endforeach()
  file(CREATE_LINK "${CMAKE_BINARY_DIR}/lib" "${package}/lib" SYMBOLIC)
endfunction()
