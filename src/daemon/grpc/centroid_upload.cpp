#include "daemon/grpc/centroid_upload.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <bit>

#include "daemon/grpc/wire.hpp"

namespace runed::daemon {
namespace {

using google::protobuf::internal::WireFormatLite;
using Input = google::protobuf::io::CodedInputStream;
using Request = v1::raw::SetCentroidsRequest;

static_assert(std::endian::native == std::endian::little, "floats are taken as they come");

constexpr int kMostHeaderBytes = 2 * (kMostVersionBytes + kMostPresetBytes);
constexpr size_t kFirstFloats = 4096;  // What is reserved for the first centroids.

constexpr uint32_t message_tag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

constexpr uint32_t kPackedTag = message_tag(v1::raw::Centroid::kVecFieldNumber);
constexpr uint32_t kFloatTag =
    WireFormatLite::MakeTag(v1::raw::Centroid::kVecFieldNumber, WireFormatLite::WIRETYPE_FIXED32);

template <typename... Args>
Error refuse(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::invalid_argument, format, std::forward<Args>(args)...);
}

Error unreadable() {
  return make_error(ErrorCode::internal, "cannot read the frame: it is not a SetCentroidsRequest");
}

// Reads the length of what follows, which lies within the message around it.
std::optional<int> read_length(Input& input) {
  int length = 0;
  if (!input.ReadVarintSizeAsInt(&length)) return std::nullopt;
  const int rest = input.BytesUntilLimit();  // -1: there is no message around it.
  if (rest >= 0 && length > rest) return std::nullopt;
  return length;
}

// Reads an embedded message: `read_field` takes the fields that it knows, or says that it does not.
template <typename ReadField>
Status read_fields(Input& input, ReadField read_field) {
  while (const uint32_t tag = input.ReadTag()) {
    TRY_ASSIGN(const bool known, read_field(tag));
    if (!known && !WireFormatLite::SkipField(&input, tag)) return unreadable();
  }
  if (!input.ConsumedEntireMessage()) return unreadable();
  return {};
}

template <typename ReadField>
Status read_embedded(Input& input, ReadField read_field) {
  const auto length = read_length(input);
  if (!length.has_value()) return unreadable();
  const auto outer = input.PushLimit(*length);
  TRY(read_fields(input, read_field));
  if (input.BytesUntilLimit() != 0) return unreadable();  // It was cut.
  input.PopLimit(outer);
  return {};
}

}  // namespace

bool UploadBudget::take(size_t bytes) {
  size_t taken = taken_.load();
  do {
    if (bytes > bytes_ - taken) return false;
  } while (!taken_.compare_exchange_weak(taken, taken + bytes));
  return true;
}

Status CentroidUpload::add(google::protobuf::io::ZeroCopyInputStream& message) {
  Input input(&message);
  return read_fields(input, [&](uint32_t tag) -> Result<bool> {
    if (tag == message_tag(Request::kHeaderFieldNumber)) {
      TRY(read_header(input));
      return true;
    }
    if (tag == message_tag(Request::kBatchFieldNumber)) {
      TRY(read_batch(input));
      return true;
    }
    return false;
  });
}

Result<CentroidSet> CentroidUpload::finish(std::optional<uint32_t> embedding_dim) {
  if (!has_header_) return refuse("empty stream: header frame required");
  return CentroidSet::make(std::move(content_), embedding_dim);
}

Status CentroidUpload::read_header(Input& input) {
  if (has_header_) return refuse("duplicate header frame");
  const auto length = read_length(input);
  if (!length.has_value()) return unreadable();
  if (*length > kMostHeaderBytes) {
    return refuse("the header frame has {} bytes, {} are allowed", *length, kMostHeaderBytes);
  }
  TRY(take(static_cast<size_t>(*length)));
  v1::raw::CentroidSetHeader header;
  const auto outer = input.PushLimit(*length);
  if (!header.MergeFromCodedStream(&input) || !input.ConsumedEntireMessage() ||
      input.BytesUntilLimit() != 0) {
    return unreadable();
  }
  input.PopLimit(outer);
  if (header.version().size() > kMostVersionBytes) {
    return refuse("the version has {} bytes, {} are allowed", header.version().size(),
                  kMostVersionBytes);
  }
  if (header.preset().size() > kMostPresetBytes) {
    return refuse("the preset has {} bytes, {} are allowed", header.preset().size(),
                  kMostPresetBytes);
  }
  TRY(check_utf8("version", header.version()));
  TRY(check_utf8("preset", header.preset()));
  TRY(check_utf8("model", header.model()));
  has_header_ = true;
  content_.version = std::move(*header.mutable_version());
  content_.preset = std::move(*header.mutable_preset());
  content_.dim = header.dim();
  model_ = std::move(*header.mutable_model());
  return {};
}

Status CentroidUpload::read_batch(Input& input) {
  if (!has_header_) return refuse("batch frame before header");
  return read_embedded(input, [&](uint32_t tag) -> Result<bool> {
    if (tag != message_tag(v1::raw::CentroidBatch::kCentroidsFieldNumber)) return false;
    TRY(read_centroid(input));
    return true;
  });
}

Status CentroidUpload::read_centroid(Input& input) {
  if (content_.count == kMostCentroids) {
    return refuse("the set has more than {} centroids", kMostCentroids);
  }
  uint64_t length = 0;
  const auto read_field = [&](uint32_t tag) -> Result<bool> {
    if (tag == kFloatTag) {
      TRY(read_floats(input, 1, length));
      return true;
    }
    if (tag != kPackedTag) return false;
    const auto bytes = read_length(input);
    if (!bytes.has_value() || static_cast<size_t>(*bytes) % sizeof(float) != 0) return unreadable();
    TRY(read_floats(input, static_cast<size_t>(*bytes) / sizeof(float), length));
    return true;
  };
  TRY(read_embedded(input, read_field));
  return end_row(length);
}

// Appends to the row that has `length` floats so far. What makes it ragged is not kept.
Status CentroidUpload::read_floats(Input& input, size_t count, uint64_t& length) {
  const auto bytes = static_cast<int>(count * sizeof(float));
  length += count;
  if (content_.ragged.has_value() || length > content_.dim) {
    if (!input.Skip(bytes)) return unreadable();
    return {};
  }
  const size_t before = content_.floats.size();
  TRY(reserve(before + count));
  content_.floats.resize(before + count);
  if (!input.ReadRaw(content_.floats.data() + before, bytes)) return unreadable();
  return {};
}

Status CentroidUpload::end_row(uint64_t length) {
  const uint32_t row = content_.count++;
  if (length == content_.dim || content_.ragged.has_value()) return {};
  content_.ragged = {row, length};
  drop_floats();
  return {};
}

// Grows by doubling, as a vector does, but never past the bounds, and asks the budget first.
Status CentroidUpload::reserve(size_t floats) {
  const size_t capacity = content_.floats.capacity();
  if (floats <= capacity) return {};
  if (floats > kMostCentroidFloats) {
    return refuse("the set has more than {} floats", kMostCentroidFloats);
  }
  const size_t larger =
      std::min(std::max({floats, 2 * capacity, kFirstFloats}), kMostCentroidFloats);
  TRY(take(larger * sizeof(float)));
  content_.floats.reserve(larger);
  const size_t old_bytes = capacity * sizeof(float);
  budget_.give_back(old_bytes);
  taken_ -= old_bytes;
  return {};
}

Status CentroidUpload::take(size_t bytes) {
  if (!budget_.take(bytes)) {
    return make_error(ErrorCode::queue_full, "too many centroids are on their way at once")
        .with(fact::kRetryAfter, std::chrono::seconds(1));
  }
  taken_ += bytes;
  most_ = std::max(most_, taken_);
  return {};
}

void CentroidUpload::drop_floats() {
  const size_t bytes = content_.floats.capacity() * sizeof(float);
  content_.floats = {};
  budget_.give_back(bytes);
  taken_ -= bytes;
}

}  // namespace runed::daemon
