# SPDX-License-Identifier: Apache-2.0
# Warnings and sanitizers of every target that is ours.
function(tessera_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic $<$<BOOL:${TESSERA_WERROR}>:-Werror>)
  # g++ 12 takes sound std::string concatenations for overlapping copies (GCC bug 105651, fixed in 13).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(TESSERA_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TESSERA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${TESSERA_SANITIZE})
  endif()
endfunction()

# With TESSERA_CLANG_TIDY (the command, as a list) what ships is analysed as it is compiled; a finding fails the build.
function(tessera_analyse)
  set_target_properties(${ARGN} PROPERTIES CXX_CLANG_TIDY "${TESSERA_CLANG_TIDY}")
endfunction()
