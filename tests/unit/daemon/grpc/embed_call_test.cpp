#include "daemon/grpc/embed_call.hpp"

#include "daemon/route/centroid_set.hpp"
#include "runed/v1/runed.pb.h"
#include "support/catch.hpp"

using runed::daemon::max_batch_size;

TEST_CASE("a full batch's reply fits a client that set nothing") {
  for (const uint32_t dimension : {32U, 256U, 1024U, 4096U}) {
    runed::v1::EmbedBatchResponse response;
    for (uint32_t i = 0; i < max_batch_size(dimension); ++i) {
      auto* embedding = response.add_embeddings();
      embedding->mutable_vector()->Resize(static_cast<int>(dimension), 0.5F);
      embedding->set_cluster_id(0xFFFFFFFF);
      embedding->set_centroid_set_version(std::string(runed::daemon::kMostVersionBytes, 'f'));
      embedding->set_token_count(32768);
      embedding->set_tokens_dropped(0xFFFFFFFF);
    }
    CAPTURE(dimension);
    CHECK(response.ByteSizeLong() <= 4 << 20);
  }
}

TEST_CASE("a batch is as large as the limit allows") {
  CHECK(max_batch_size(1024) >= 950);
  CHECK(max_batch_size(256) == 1024);
  CHECK(max_batch_size(4 << 20) == 1);
}
