# SPDX-License-Identifier: Apache-2.0
# Read before project(): without a compiler CMake stops there, in words that name no package.
if(CMAKE_CXX_COMPILER)
  return()
endif()
set(TESSERA_COMPILERS c++ g++ clang++)
if(NOT "$ENV{CXX}" STREQUAL "")
  separate_arguments(TESSERA_COMPILERS UNIX_COMMAND "$ENV{CXX}")
  list(GET TESSERA_COMPILERS 0 TESSERA_COMPILERS)
endif()
find_program(TESSERA_COMPILER NAMES ${TESSERA_COMPILERS})
mark_as_advanced(TESSERA_COMPILER)
if(NOT TESSERA_COMPILER)
  message(FATAL_ERROR "tessera needs a C++20 compiler (looked for: ${TESSERA_COMPILERS}): install g++ 12 or clang 14, or "
                      "later: package g++ (Debian, Ubuntu), gcc-c++ (Fedora) or the Xcode command line tools (macOS)")
endif()
