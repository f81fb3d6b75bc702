#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/log.hpp"
#include "daemon/route/centroid_set.hpp"

namespace runed::daemon {

/// The set that is in force, in memory and in its file, so that it outlives the daemon. Any thread.
class Centroids {
 public:
  /// `path` is the file; its directory exists.
  Centroids(std::string path, Log& log) : path_(std::move(path)), log_(log) {}

  /// Takes the set of the file into force. A file that is missing is none; one that cannot be used is
  /// told in the log and left as it is.
  void restore();

  /// Puts a set in force and into the file. One that cannot be written is in force all the same, and
  /// the log tells.
  void install(CentroidSet set);

  /// The set in force, or null.
  std::shared_ptr<const CentroidSet> get() const;

  /// The set in force if it is for vectors of the model's dimension, else null. A set of another
  /// model is told in the log, once, and kept in its file.
  std::shared_ptr<const CentroidSet> find(uint32_t dimension) const;

 private:
  void put(std::shared_ptr<const CentroidSet> set);

  const std::string path_;
  Log& log_;
  std::mutex install_mutex_;  // Held for memory and file together, so that they never differ.
  mutable std::mutex mutex_;  // Guards the members below; never held while a file is written.
  std::shared_ptr<const CentroidSet> set_;
  mutable bool told_ = false;  // That set_ is for another model.
};

}  // namespace runed::daemon
