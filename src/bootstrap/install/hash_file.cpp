#include "bootstrap/install/hash_file.hpp"

#include <utility>

namespace runed::bootstrap {

Result<uint64_t> hash_into(Sha256& hash, os::FileReader file, const Watch& watch) {
  uint64_t done = 0;
  while (true) {
    TRY(watch.check());
    TRY_ASSIGN(const auto block, file.next());
    if (block.empty()) return done;
    hash.update(block);
    done += block.size();
    watch.progress(done, file.size_bytes());
  }
}

Result<std::string> hash_file(const std::string& path, const Watch& watch) {
  Sha256 hash;
  TRY_ASSIGN(os::FileReader file, os::FileReader::open(path));
  TRY(hash_into(hash, std::move(file), watch));
  return hash.finish();
}

}  // namespace runed::bootstrap
