#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/sha256.hpp"
#include "bootstrap/watch.hpp"

namespace runed::bootstrap {

/// Adds the bytes of a file to a digest, and returns how many there were.
/// Errors: not_found, io; cancelled.
Result<uint64_t> hash_into(Sha256& hash, const std::string& path, const Watch& watch);

/// Returns the SHA-256 of a file: 64 lower-case hex digits.
/// Errors: as hash_into.
Result<std::string> hash_file(const std::string& path, const Watch& watch);

}  // namespace runed::bootstrap
