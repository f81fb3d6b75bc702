#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/sha256.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "os/file/file_reader.hpp"

namespace runed::bootstrap {

/// Adds the bytes of a file to a digest, and returns how many there were.
/// Errors: io; cancelled.
Result<uint64_t> hash_into(Sha256& hash, os::FileReader file, const Watch& watch);

/// Returns the SHA-256 of a file: 64 lower-case hex digits.
/// Errors: as hash_into; as FileReader::open.
Result<std::string> hash_file(const std::string& path, const Watch& watch);

}  // namespace runed::bootstrap
