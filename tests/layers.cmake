# Fails on any include in SOURCE_DIR that the layers do not allow:
#   cmake -D SOURCE_DIR=<src> -P layers.cmake
cmake_minimum_required(VERSION 3.25)

# Which layers a layer may include, besides itself. ARCHITECTURE.md has a paragraph on each.
set(layers base os bootstrap embed client daemon cmd)
set(base_needs)
set(os_needs base)
set(bootstrap_needs base os)
set(embed_needs base os)
set(client_needs base os bootstrap)
set(daemon_needs base os bootstrap embed)
set(cmd_needs ${layers})

# The kernel is os/'s alone. Libraries with large or macro-laden headers stay in .cpp files.
set(kernel_headers "^(unistd\\.h|fcntl\\.h|errno\\.h|cerrno|sys/.*)$")
set(source_only_headers "^(grpc.*|curl/.*|archive.*|.*intrin\\.h|pcre2.*|utf8proc\\.h|zlib\\.h|os/library/curl_library\\.hpp)$")
# The table of libcurl's functions has their types, for two layers. It counts as libcurl's own header.
set(curl_table "os/library/curl_library.hpp")
# The vectors of an instruction set are for its own kernel files, of which there are several.
set(vector_headers "embed/native/isa/avx2.hpp" "embed/native/isa/avx512.hpp")

set(breaches 0)
function(breach file text)
  message("${file}: ${text}")
  math(EXPR count "${breaches} + 1")
  set(breaches ${count} PARENT_SCOPE)
endfunction()

# An include in quotes whose first directory is a layer is one of ours.
function(check_include file layer header)
  string(REGEX REPLACE "/.*" "" target "${header}")
  if(target IN_LIST layers AND NOT target STREQUAL layer AND NOT target IN_LIST ${layer}_needs)
    breach("${file}" "${layer} may not include '${header}'")
  endif()
  if(header MATCHES "${kernel_headers}" AND NOT layer STREQUAL "os")
    breach("${file}" "only os may include <${header}>")
  endif()
  if(header MATCHES "${source_only_headers}" AND file MATCHES "\\.hpp$"
      AND NOT (file STREQUAL curl_table AND header STREQUAL "curl/curl.h")
      AND NOT (file IN_LIST vector_headers AND header STREQUAL "immintrin.h"))
    breach("${file}" "<${header}> belongs in a .cpp file")
  endif()
  set(breaches ${breaches} PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE "${SOURCE_DIR}"
  "${SOURCE_DIR}/*.hpp" "${SOURCE_DIR}/*.cpp" "${SOURCE_DIR}/*.in")
if(NOT files)
  message(FATAL_ERROR "layers: no source in '${SOURCE_DIR}'")
endif()
list(SORT files)
foreach(file IN LISTS files)
  string(REGEX REPLACE "/.*" "" layer "${file}")
  if(NOT layer IN_LIST layers)
    breach("${file}" "not in a layer")
    continue()
  endif()
  set(include "^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)[>\"].*")
  file(STRINGS "${SOURCE_DIR}/${file}" lines REGEX "${include}")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "${include}" "\\1" header "${line}")
    check_include("${file}" "${layer}" "${header}")
  endforeach()
  # Its depth and its keys are bounded in one place.
  file(STRINGS "${SOURCE_DIR}/${file}" uses REGEX "(Json::parse|Json::sax_parse|json::parse)[ \t]*\\(")
  if(uses AND NOT file STREQUAL "base/json.cpp")
    breach("${file}" "only base/json.cpp may parse JSON: use parse_json")
  endif()
  # As a word, and not behind a comment's slashes.
  file(STRINGS "${SOURCE_DIR}/${file}" uses REGEX "^([^/]*[^A-Za-z0-9_/])?errno([^A-Za-z0-9_]|$)")
  if(uses AND NOT layer STREQUAL "os")
    breach("${file}" "only os may use errno")
  endif()
endforeach()

if(breaches GREATER 0)
  message(FATAL_ERROR "layers: ${breaches} breaches")
endif()
