#include "daemon/grpc/centroid_upload.hpp"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "runed/v1/runed.pb.h"
#include "unit/daemon/route/centroid_content.hpp"

namespace v1 = runed::v1;
using runed::Error;
using runed::ErrorCode;
using runed::daemon::CentroidContent;
using runed::daemon::CentroidSet;
using runed::daemon::CentroidUpload;
using runed::daemon::kMostCentroidFloats;
using runed::daemon::kMostCentroids;
using runed::daemon::UploadBudget;
using runed::test::make_content;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

runed::Status add(CentroidUpload& upload, const std::string& message, int block_bytes = -1) {
  google::protobuf::io::ArrayInputStream stream(message.data(), static_cast<int>(message.size()),
                                                block_bytes);
  return upload.add(stream);
}

std::string header_frame(const std::string& version, uint32_t dim, const std::string& preset = "",
                         uint32_t nlist = 0) {
  v1::SetCentroidsRequest request;
  request.mutable_header()->set_version(version);
  request.mutable_header()->set_dim(dim);
  request.mutable_header()->set_nlist(nlist);
  request.mutable_header()->set_preset(preset);
  return request.SerializeAsString();
}

std::string batch_frame(const std::vector<std::vector<float>>& rows) {
  v1::SetCentroidsRequest request;
  request.mutable_batch();
  for (const auto& row : rows) {
    auto* centroid = request.mutable_batch()->add_centroids();
    centroid->set_id(7);  // Ignored.
    centroid->mutable_vec()->Assign(row.begin(), row.end());
  }
  return request.SerializeAsString();
}

// A field of wire type 2.
std::string field(int number, const std::string& content) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  size_t length = content.size();
  for (; length >= 0x80; length >>= 7) bytes += static_cast<char>(length | 0x80);
  return bytes + static_cast<char>(length) + content;
}

}  // namespace

TEST_CASE("a set arrives in several frames, in the order of arrival") {
  const CentroidContent content = make_content(5, 3);
  UploadBudget budget;
  CentroidUpload upload(budget);
  unwrap(add(upload, ""));  // Nothing is in it: ignored.
  unwrap(add(upload, header_frame(content.version, 3, content.preset, 4'000'000'000)));
  const auto row = [&](size_t i) {
    return std::vector<float>(content.floats.begin() + static_cast<ptrdiff_t>(i * 3),
                              content.floats.begin() + static_cast<ptrdiff_t>(i * 3 + 3));
  };
  unwrap(add(upload, batch_frame({row(0), row(1)})));
  unwrap(add(upload, ""));
  unwrap(add(upload, batch_frame({})));
  unwrap(add(upload, batch_frame({row(2), row(3), row(4)}), 1));  // A byte at a time.
  const CentroidSet set = unwrap(upload.finish(3));
  CHECK(set.version() == content.version);
  CHECK(std::vector(set.floats().begin(), set.floats().end()) == content.floats);
}

TEST_CASE("frames out of order are refused in the predecessor's words") {
  UploadBudget budget;
  {
    CentroidUpload upload(budget);
    CHECK(unwrap_error(add(upload, batch_frame({}))).message == "batch frame before header");
  }
  {
    CentroidUpload upload(budget);
    unwrap(add(upload, header_frame("v", 2)));
    const Error error = unwrap_error(add(upload, header_frame("v", 2)));
    CHECK(error.message == "duplicate header frame");
    CHECK(error.code == ErrorCode::invalid_argument);
  }
  CentroidUpload upload(budget);
  unwrap(add(upload, ""));
  CHECK(unwrap_error(upload.finish(2)).message == "empty stream: header frame required");
}

TEST_CASE("a ragged set is refused at the end, with its first ragged row, and is not kept") {
  UploadBudget budget;
  CentroidUpload upload(budget);
  unwrap(add(upload, header_frame("v", 2)));
  const size_t header_bytes = budget.taken_bytes();
  unwrap(add(upload, batch_frame({{1, 2}, {1, 2}})));
  CHECK(budget.taken_bytes() > header_bytes);
  unwrap(add(upload, batch_frame({{1, 2, 3}, {}, {1, 2}})));
  CHECK(budget.taken_bytes() == header_bytes);
  CHECK(unwrap_error(upload.finish(2)).message == "route: centroid 2 has dim 3, want 2");
  CentroidUpload shorter(budget);
  unwrap(add(shorter, header_frame("v", 2)));
  unwrap(add(shorter, batch_frame({{1}, {}})));
  CHECK(unwrap_error(shorter.finish(std::nullopt)).message ==
        "route: centroid 0 has dim 1, want 2");
}

TEST_CASE("a header without a version, or alone, is an empty set") {
  UploadBudget budget;
  CentroidUpload unnamed(budget);
  unwrap(add(unnamed, header_frame("", 2)));
  unwrap(add(unnamed, batch_frame({{1, 2}})));
  CHECK(unwrap_error(unnamed.finish(2)).message == "route: centroid set is empty");
  CentroidUpload alone(budget);
  unwrap(add(alone, header_frame("v", 7)));
  CHECK(unwrap_error(alone.finish(2)).message == "route: centroid set is empty");
}

TEST_CASE("a version or a preset that is not UTF-8 is refused by its name") {
  UploadBudget budget;
  const std::string version = field(1, "v\xff");
  const std::string preset = field(1, "v") + field(4, "\xff");
  for (const auto& [name, header] : {std::pair{"version", version}, std::pair{"preset", preset}}) {
    CentroidUpload upload(budget);
    const Error error = unwrap_error(add(upload, field(1, header)));
    CHECK(error.code == ErrorCode::not_utf8);
    CHECK(error.message.starts_with(fmt::format("the {} is not UTF-8 at byte ", name)));
    CHECK(error.facts.text("field") == name);
  }
}

TEST_CASE("every spelling of the wire format is read") {
  // Floats one by one, packed in two parts, with unknown fields around them.
  const std::string one("\x15\x00\x00\x80\x3F", 5);                      // vec, fixed32: 1
  const std::string two = field(2, std::string("\x00\x00\x00\x40", 4));  // vec, packed: 2
  const std::string unknown = field(9, "?") + std::string("\x50\x07", 2);
  UploadBudget budget;
  CentroidUpload upload(budget);
  unwrap(add(upload, unknown + header_frame("v", 4) + unknown));
  unwrap(add(upload, field(2, unknown + field(1, one + two + unknown + one + two + unknown))));
  const CentroidSet set = unwrap(upload.finish(4));
  CHECK(std::vector(set.floats().begin(), set.floats().end()) == std::vector<float>{1, 2, 1, 2});
}

TEST_CASE("what is not a SetCentroidsRequest is refused, wherever it is cut") {
  UploadBudget budget;
  const std::string good = batch_frame({{1, 2}, {3, 4}});
  for (size_t length = 1; length < good.size(); ++length) {
    CentroidUpload upload(budget);
    unwrap(add(upload, header_frame("v", 2)));
    CAPTURE(length);
    CHECK(unwrap_error(add(upload, good.substr(0, length))).code == ErrorCode::internal);
  }
  const std::string header = header_frame("v", 2, "preset");
  for (size_t length = 1; length < header.size(); ++length) {
    CentroidUpload upload(budget);
    CAPTURE(length);
    CHECK(unwrap_error(add(upload, header.substr(0, length))).code == ErrorCode::internal);
  }
  for (const std::string& bad :
       {field(2, field(1, field(2, "123"))),                     // Not whole floats.
        field(2, std::string("\x0A\x05", 2)),                    // Longer than what is around it.
        field(2, field(1, std::string("\x12\x08\0\0\0\0", 6))),  // The same, of floats.
        std::string("\x0C"), std::string("\0", 1), std::string(11, '\xFF')}) {
    CentroidUpload upload(budget);
    unwrap(add(upload, header_frame("v", 2)));
    CHECK(unwrap_error(add(upload, bad)).code == ErrorCode::internal);
  }
}

TEST_CASE("version, preset and header are bounded") {
  UploadBudget budget;
  const auto message = [&](const std::string& frame) {
    CentroidUpload upload(budget);
    const Error error = unwrap_error(add(upload, frame));
    CHECK(error.code == ErrorCode::invalid_argument);
    return error.message;
  };
  CHECK(message(header_frame(std::string(129, 'v'), 2)) ==
        "the version has 129 bytes, 128 are allowed");
  CHECK(message(header_frame("v", 2, std::string(65537, 'p'))) ==
        "the preset has 65537 bytes, 65536 are allowed");
  CHECK(message(header_frame(std::string(200'000, 'v'), 2)) ==
        "the header frame has 200006 bytes, 131328 are allowed");
  CentroidUpload longest(budget);
  unwrap(add(longest, header_frame(std::string(128, 'v'), 2, std::string(65536, 'p'))));
}

TEST_CASE("a set has at most so many centroids, however small") {
  UploadBudget budget;
  CentroidUpload upload(budget);
  unwrap(add(upload, header_frame("v", 1)));
  unwrap(add(upload, batch_frame(std::vector<std::vector<float>>(kMostCentroids, {1}))));
  CHECK(unwrap_error(add(upload, batch_frame({{1}}))).message ==
        "the set has more than 65536 centroids");
}

TEST_CASE(
    "a set has at most so many floats, and the memory of all that are on their way is bounded") {
  constexpr uint32_t kDim = 1 << 20;
  const std::string row = batch_frame({std::vector<float>(kDim)});
  UploadBudget budget;
  {
    CentroidUpload upload(budget);
    unwrap(add(upload, header_frame("v", kDim)));
    for (size_t i = 0; i < kMostCentroidFloats / kDim; ++i) unwrap(add(upload, row));
    CHECK(unwrap_error(add(upload, row)).message == "the set has more than 67108864 floats");
    CHECK(budget.taken_bytes() < UploadBudget::kDefaultBytes);
  }
  CHECK(budget.taken_bytes() == 0);
  UploadBudget small(10'000'000);
  CentroidUpload first(small);
  unwrap(add(first, header_frame("v", kDim)));
  unwrap(add(first, row));
  {
    CentroidUpload second(small);
    unwrap(add(second, header_frame("v", kDim)));
    unwrap(add(second, row));
    CentroidUpload third(small);
    unwrap(add(third, header_frame("v", kDim)));
    const Error error = unwrap_error(add(third, row));
    CHECK(error.code == ErrorCode::queue_full);
    CHECK(error.message == "too many centroids are on their way at once");
    CHECK(error.facts.text("retry_seconds") == "1");
  }
  CentroidUpload fourth(small);
  unwrap(add(fourth, header_frame("v", kDim)));
  unwrap(add(fourth, row));
}
