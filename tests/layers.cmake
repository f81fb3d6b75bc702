# Fails on any include in SOURCE_DIR that the layers do not allow:
#   cmake -D SOURCE_DIR=<src> -P layers.cmake
cmake_minimum_required(VERSION 3.25)

# The layers, and those of their folders that have rules of their own. A file belongs to the longest of
# them that holds it. ARCHITECTURE.md has a paragraph on each.
set(layers base os bootstrap embed client daemon cmd)
set(folders ${layers}
  embed/model embed/tokenizer embed/native embed/llama_server
  daemon/api daemon/grpc daemon/http daemon/life daemon/models daemon/queue daemon/route)

# What each may include, besides itself. What a model is lies below its installer and its engines.
set(model embed/model embed/tokenizer)
set(base_needs)
set(os_needs base)
set(embed/model_needs base os)
set(embed/tokenizer_needs base os embed/model)
set(bootstrap_needs base os ${model})
set(client_needs base os bootstrap)
# The contract of an engine knows none, and no kind knows another: what llama-server's first vector is
# compared with comes as an engine, and from whom is not its business.
set(embed_needs base os ${model})
set(embed/native_needs ${embed_needs} embed)
set(embed/llama_server_needs ${embed_needs} embed)
set(daemon_needs base os bootstrap embed ${model}
  daemon daemon/api daemon/grpc daemon/http daemon/life daemon/models daemon/queue daemon/route)
# What any wire may ask knows no wire, and the queue neither a wire nor a model.
set(daemon/api_needs ${daemon_needs})
list(REMOVE_ITEM daemon/api_needs daemon/grpc daemon/http)
set(daemon/queue_needs ${daemon/api_needs})
list(REMOVE_ITEM daemon/queue_needs daemon/models)
foreach(folder grpc http life models route)
  set(daemon/${folder}_needs ${daemon_needs})
endforeach()
set(cmd_needs ${folders})
list(REMOVE_ITEM cmd_needs embed/native embed/llama_server)

# The one place outside of them that names the kinds of engines: it makes them.
set(engine_factory "daemon/models/engine_factory.cpp")
set(engine_kinds embed/native embed/llama_server)

# The kernel is os/'s alone. Libraries with large or macro-laden headers stay in .cpp files.
set(kernel_headers "^(unistd\\.h|fcntl\\.h|errno\\.h|cerrno|sys/.*)$")
set(source_only_headers "^(grpc.*|curl/.*|archive.*|.*intrin\\.h|utf8proc\\.h|zlib\\.h|os/library/curl_library\\.hpp)$")
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

# The folder with rules of its own that holds a file; nothing if it is none of ours.
function(folder_of path result)
  set(found "")
  foreach(folder IN LISTS folders)
    string(LENGTH "${folder}" length)
    string(LENGTH "${found}" longest)
    string(FIND "${path}" "${folder}/" at)
    if(at EQUAL 0 AND length GREATER longest)
      set(found "${folder}")
    endif()
  endforeach()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

function(check_include file layer header)
  folder_of("${file}" folder)
  folder_of("${header}" target)
  if(target AND NOT target STREQUAL folder AND NOT target IN_LIST ${folder}_needs
      AND NOT (file STREQUAL engine_factory AND target IN_LIST engine_kinds))
    breach("${file}" "${folder} may not include '${header}'")
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
