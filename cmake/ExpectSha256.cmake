# Fails unless FILE has the digest SHA256: cmake -DFILE=... -DSHA256=... -P ExpectSha256.cmake
file(SHA256 "${FILE}" found)
if(NOT found STREQUAL SHA256)
  file(REMOVE "${FILE}")
  message(FATAL_ERROR "'${FILE}' has the SHA-256 ${found} where ${SHA256} was expected")
endif()
