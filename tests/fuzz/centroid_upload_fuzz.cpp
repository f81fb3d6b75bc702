// Any bytes as two messages of SetCentroids, cut where the first byte says: nothing of the budget stays
// taken. And our own reader of the wire format gets the floats that protobuf gets.

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "daemon/grpc/centroid_upload.hpp"
#include "runed/v1/runed.pb.h"

namespace v1 = runed::v1;
using runed::daemon::CentroidUpload;
using runed::daemon::UploadBudget;

namespace {

runed::Status add(CentroidUpload& upload, const std::string& message) {
  google::protobuf::io::ArrayInputStream stream(message.data(), static_cast<int>(message.size()));
  return upload.add(stream);
}

// What protobuf makes of a message with a batch, written by protobuf, is read with the same floats.
void compare(const std::string& message) {
  v1::SetCentroidsRequest request;
  if (!request.ParseFromString(message) || request.batch().centroids().empty()) return;
  const auto& rows = request.batch().centroids();
  const auto dim = static_cast<uint32_t>(rows[0].vec_size());
  std::vector<float> floats;
  bool ragged = dim == 0;
  for (const auto& row : rows) {
    ragged = ragged || row.vec_size() != rows[0].vec_size();
    floats.insert(floats.end(), row.vec().begin(), row.vec().end());
  }
  v1::SetCentroidsRequest header;
  header.mutable_header()->set_version("v");
  header.mutable_header()->set_dim(dim);
  UploadBudget budget;
  CentroidUpload upload(budget);
  CHECK(add(upload, header.SerializeAsString()).has_value());
  CHECK(add(upload, request.SerializeAsString()).has_value() ||
        rows.size() > static_cast<int>(runed::daemon::kMostCentroids));
  const auto set = upload.finish(std::nullopt);
  if (!set) {
    CHECK(ragged);
    return;
  }
  CHECK(!ragged && set->floats().size() == floats.size());
  CHECK(std::memcmp(set->floats().data(), floats.data(), floats.size() * sizeof(float)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t first = data[0] % (bytes.size() + 1);
  UploadBudget budget;
  {
    CentroidUpload upload(budget);
    if (add(upload, bytes.substr(0, first)) && add(upload, bytes.substr(first))) {
      static_cast<void>(upload.finish(std::nullopt).has_value());
    }
  }
  CHECK(budget.taken_bytes() == 0);
  compare(bytes);
  return 0;
}
