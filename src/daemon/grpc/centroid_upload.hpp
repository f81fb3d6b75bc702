#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "daemon/route/centroid_set.hpp"

namespace google::protobuf::io {
class CodedInputStream;
class ZeroCopyInputStream;
}  // namespace google::protobuf::io

namespace runed::daemon {

/// The memory that all sets on their way here may have together. Any thread.
class UploadBudget {
 public:
  /// Enough for the largest set while it grows: its floats, and the half that they were before.
  static constexpr size_t kDefaultBytes = 2 * kMostCentroidFloats * sizeof(float);

  explicit UploadBudget(size_t bytes = kDefaultBytes) : bytes_(bytes) {}

  bool take(size_t bytes);
  void give_back(size_t bytes) { taken_ -= bytes; }
  size_t taken_bytes() const { return taken_; }

 private:
  const size_t bytes_;
  std::atomic<size_t> taken_{0};
};

/// Collects one stream of runed.v1.SetCentroidsRequest. The messages are read as they are on the wire:
/// as objects of protobuf, 64 MiB of empty centroids would be 1.5 GiB. What a header promises (nlist)
/// allocates nothing, and of a set that cannot become valid nothing is kept.
class CentroidUpload {
 public:
  explicit CentroidUpload(UploadBudget& budget) : budget_(budget) {}
  CentroidUpload(const CentroidUpload&) = delete;
  CentroidUpload& operator=(const CentroidUpload&) = delete;
  ~CentroidUpload() { budget_.give_back(taken_); }

  /// Adds the next message. After an error the upload is spent.
  /// Errors: invalid_argument for frames out of order and sets out of bounds; not_utf8; queue_full if
  ///         the budget is; internal if the message is not readable.
  Status add(google::protobuf::io::ZeroCopyInputStream& message);

  /// Ends the stream: what was collected, as a set for vectors of this dimension.
  /// Errors: invalid_argument, as CentroidSet::make, or if nothing was sent.
  Result<CentroidSet> finish(std::optional<uint32_t> embedding_dim);

  /// The name of the model that the set is for, as the header has it. Needs: a message.
  const std::string& model() const { return model_; }

  size_t most_bytes() const { return most_; }  // That it had at any time.

 private:
  using Input = google::protobuf::io::CodedInputStream;

  Status read_header(Input& input);
  Status read_batch(Input& input);
  Status read_centroid(Input& input);
  Status read_floats(Input& input, size_t count, uint64_t& length);
  Status end_row(uint64_t length);
  Status reserve(size_t floats);
  Status take(size_t bytes);
  void drop_floats();

  UploadBudget& budget_;
  size_t taken_ = 0;  // Bytes of the budget.
  size_t most_ = 0;
  bool has_header_ = false;
  std::string model_;
  CentroidContent content_;
};

}  // namespace runed::daemon
