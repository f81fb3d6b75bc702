# Every library we use, each a Debian 12 package. ARCHITECTURE.md says why each was chosen.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(tl-expected CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)

# libcurl and libarchive: headers only. They are loaded when something is fetched or unpacked (see
# os/dynamic_library.hpp): with the forty libraries that they need they would add 8 ms to every
# command that does neither.
find_package(CURL REQUIRED)
find_package(LibArchive REQUIRED)
add_library(runed_curl_headers INTERFACE)
target_include_directories(runed_curl_headers SYSTEM INTERFACE "${CURL_INCLUDE_DIRS}")
add_library(runed_archive_headers INTERFACE)
target_include_directories(runed_archive_headers SYSTEM INTERFACE "${LibArchive_INCLUDE_DIRS}")

# gRPC, its reflection service and Protobuf. As archives, because loading their sixty shared objects
# is most of what `runed status` would take. The thread sanitizer wants them shared: it is told to
# leave them alone by the names of their files.
option(RUNED_STATIC_GRPC "Link gRPC, Protobuf and Abseil statically" ON)
add_library(runed_grpc INTERFACE)
if(RUNED_STATIC_GRPC)
  pkg_check_modules(grpcxx REQUIRED grpc++)
  set(archives)
  foreach(name grpc++_reflection ${grpcxx_STATIC_LIBRARIES} protobuf)
    if(name MATCHES "^(grpc|gpr|absl_|upb|address_sorting|re2|cares|protobuf)")
      find_library(RUNED_ARCHIVE_${name} NAMES "lib${name}.a" REQUIRED)
      list(APPEND archives "${RUNED_ARCHIVE_${name}}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES archives)
  list(JOIN archives "," archives)
  target_link_libraries(runed_grpc INTERFACE
    "$<LINK_GROUP:RESCAN,${archives}>" OpenSSL::SSL OpenSSL::Crypto Threads::Threads z)
else()
  target_link_libraries(runed_grpc INTERFACE
    gRPC::grpc++_reflection gRPC::grpc++ protobuf::libprotobuf)
endif()
