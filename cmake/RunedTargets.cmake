# runed_library(<directory name> SOURCES ... HEADERS ... [PUBLIC ...] [PRIVATE ...]
#   [PRECOMPILE <header>... | PRECOMPILED_BY <target>])
# Defines the static library runed_<name> of the calling directory, with its headers as a file set
# that `all_verify_interface_header_sets` compiles one by one. Includes are relative to src/.
# It has a precompiled header of its own, or else that of another target, runed_base if none is named.
function(runed_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PRECOMPILED_BY"
    "SOURCES;HEADERS;PUBLIC;PRIVATE;PRECOMPILE")
  set(target "runed_${name}")
  add_library(${target} STATIC ${arg_SOURCES})
  target_sources(${target} PUBLIC
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/src" FILES ${arg_HEADERS})
  target_link_libraries(${target}
    PUBLIC runed_sanitizers ${arg_PUBLIC}
    PRIVATE runed_warnings ${arg_PRIVATE})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  if(arg_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${arg_PRECOMPILE})
  elseif(arg_PRECOMPILED_BY)
    target_precompile_headers(${target} REUSE_FROM ${arg_PRECOMPILED_BY})
  else()
    target_precompile_headers(${target} REUSE_FROM runed_base)
  endif()
endfunction()
