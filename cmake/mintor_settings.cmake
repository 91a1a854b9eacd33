# SPDX-License-Identifier: Apache-2.0
# Language, flags and launcher for everything that is built. The three floating-point flags are
# part of the numerics contract (docs/numerics.md): the compiler folds constants with the same
# arithmetic that the code it emits uses. Never a fast-math flag.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -g1 keeps back traces with lines at a third of the object size; assertions stay on.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")

# The identity of this build: what it compiled is remembered by it (compiler/support/build_id.h).
add_link_options(-Wl,--build-id)

add_library(mintor_options INTERFACE)
target_compile_options(mintor_options INTERFACE
  -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra)
target_include_directories(mintor_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(mintor_options INTERFACE
  MINTOR_VERSION="${PROJECT_VERSION}")

find_program(MINTOR_CCACHE ccache)
if(MINTOR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${MINTOR_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MINTOR_CCACHE}")
endif()
