#include "embed/llama_server/process/server_environment.hpp"

#include "support/catch.hpp"

using runed::embed::llama_server::server_environment;

TEST_CASE("a llama-server gets what it needs to run and to find its GPU") {
  const std::vector<std::string> needed{
      "PATH=/usr/bin",
      "HOME=/home/u",
      "LANG=C.UTF-8",
      "LC_ALL=C",
      "LD_LIBRARY_PATH=/opt/x",
      "CUDA_VISIBLE_DEVICES=1",
      "GGML_BACKEND_PATH=/x",
      "HIP_VISIBLE_DEVICES=0",
      "TMPDIR=/tmp",
  };
  CHECK(server_environment(needed) == needed);
}

TEST_CASE("nothing that changes what it computes, tells it a secret or a way out gets through") {
  CHECK(server_environment({"LLAMA_ARG_POOLING=mean", "LLAMA_API_KEY=x", "HF_TOKEN=x",
                            "http_proxy=x", "HTTPS_PROXY=x", "AWS_SECRET_ACCESS_KEY=x",
                            "LD_PRELOAD=x", "RUNED_HOME=x", "PATHS=x", "NOVALUE"})
            .empty());
}
