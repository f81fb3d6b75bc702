# runed_library(<directory name> SOURCES ... HEADERS ... [PUBLIC ...] [PRIVATE ...])
# Defines the static library runed_<name> of the calling directory, with its headers as a file set
# that `all_verify_interface_header_sets` compiles one by one. Includes are relative to src/.
function(runed_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE")
  set(target "runed_${name}")
  add_library(${target} STATIC ${arg_SOURCES})
  target_sources(${target} PUBLIC
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/src" FILES ${arg_HEADERS})
  target_link_libraries(${target}
    PUBLIC runed_sanitizers ${arg_PUBLIC}
    PRIVATE runed_warnings ${arg_PRIVATE})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()
