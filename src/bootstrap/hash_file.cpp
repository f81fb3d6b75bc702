#include "bootstrap/hash_file.hpp"

#include "os/file_reader.hpp"

namespace runed::bootstrap {

Result<uint64_t> hash_into(Sha256& hash, const std::string& path, const Watch& watch) {
  TRY_ASSIGN(os::FileReader file, os::FileReader::open(path));
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
  TRY(hash_into(hash, path, watch));
  return hash.finish();
}

}  // namespace runed::bootstrap
