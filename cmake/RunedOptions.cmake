# Language, build type, and the two interface targets that every target of ours links.
option(RUNED_WERROR "Treat warnings as errors" OFF)
option(RUNED_FUZZ "Build the libFuzzer executables (clang only)" OFF)
set(RUNED_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Only the engine gains by -O3, which asks for it itself (src/embed).
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_program(RUNED_CCACHE ccache)
if(RUNED_CCACHE)
  # Without this sloppiness ccache gives up on whatever uses a precompiled header. And it must go by the
  # bytes of the headers (CCACHE_DEPEND), not by what the preprocessor leaves of them: GCC tells by its
  # bytes that a header with `#pragma once` is in the precompiled one, so one that ccache kept from
  # before a comment was changed makes every definition of it a second one.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=1 "${RUNED_CCACHE}")
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
find_program(RUNED_LLD ld.lld)
if(RUNED_LLD)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--as-needed)

# Fields that a designated initialiser leaves out have their defaults on purpose.
add_library(runed_warnings INTERFACE)
target_compile_options(runed_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers
  $<$<BOOL:${RUNED_WERROR}>:-Werror>)

add_library(runed_sanitizers INTERFACE)
if(RUNED_SANITIZE)
  target_compile_options(runed_sanitizers INTERFACE
    -fsanitize=${RUNED_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(runed_sanitizers INTERFACE -fsanitize=${RUNED_SANITIZE})
endif()
if(RUNED_FUZZ)
  target_compile_options(runed_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
