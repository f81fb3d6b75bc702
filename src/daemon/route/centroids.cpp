#include "daemon/route/centroids.hpp"

#include <exception>
#include <utility>

#include "daemon/route/centroid_file.hpp"

namespace runed::daemon {

void Centroids::restore() try {
  auto read = read_centroid_file(path_);
  if (!read) {
    if (read.error().code == ErrorCode::not_found) return;
    log_.warn("centroid cache rejected", {{"path", path_}, {"err", read.error().message}});
    return;
  }
  const auto set = std::make_shared<const CentroidSet>(*std::move(read));
  put(set);
  log_.info("centroid cache restored", {{"version", set->version()}, {"nlist", set->count()}});
} catch (const std::exception& fault) {  // Out of memory. The daemon serves without.
  log_.warn("centroid cache rejected", {{"path", path_}, {"err", fault.what()}});
}

void Centroids::install(CentroidSet set) {
  const auto shared = std::make_shared<const CentroidSet>(std::move(set));
  const std::lock_guard lock(install_mutex_);
  put(shared);
  if (const Status written = write_centroid_file(path_, *shared); !written) {
    log_.warn("centroids: persist failed (set is live in memory)",
              {{"version", shared->version()}, {"err", written.error().message}});
  }
  log_.info("centroids: set installed",
            {{"version", shared->version()}, {"nlist", shared->count()}, {"dim", shared->dim()}});
}

std::shared_ptr<const CentroidSet> Centroids::get() const {
  const std::lock_guard lock(mutex_);
  return set_;
}

std::shared_ptr<const CentroidSet> Centroids::find(uint32_t dimension) const {
  std::shared_ptr<const CentroidSet> set;
  {
    const std::lock_guard lock(mutex_);
    if (set_ == nullptr || set_->dim() == dimension) return set_;
    if (std::exchange(told_, true)) return nullptr;
    set = set_;
  }
  log_.warn("centroid cache rejected",
            {{"version", set->version()}, {"dim", set->dim()}, {"embedding_dim", dimension}});
  return nullptr;
}

void Centroids::put(std::shared_ptr<const CentroidSet> set) {
  const std::lock_guard lock(mutex_);
  set_.swap(set);  // The old one is freed by the caller's copy, outside the lock.
  told_ = false;
}

}  // namespace runed::daemon
