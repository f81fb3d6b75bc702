#include "os/library/curl_library.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <vector>

#include "support/result_matchers.hpp"

using runed::os::CurlLibrary;
using runed::os::load_curl;
using runed::test::unwrap;

TEST_CASE("libcurl is loaded once, whoever asks first") {
  std::vector<std::future<runed::Result<const CurlLibrary*>>> loads;
  for (int i = 0; i < 4; ++i) loads.push_back(std::async(std::launch::async, load_curl));
  const CurlLibrary* const curl = unwrap(load_curl());
  REQUIRE(curl != nullptr);
  for (auto& each : loads) CHECK(unwrap(each.get()) == curl);
}

TEST_CASE("the functions of libcurl are the ones of their names") {
  const CurlLibrary& curl = *unwrap(load_curl());
  const std::unique_ptr<CURL, decltype(curl.easy_cleanup)> easy(curl.easy_init(),
                                                                curl.easy_cleanup);
  REQUIRE(curl.easy_setopt(easy.get(), CURLOPT_URL, "file:///dev/null") == CURLE_OK);
  CHECK(curl.easy_perform(easy.get()) == CURLE_OK);
  curl.easy_reset(easy.get());
  CHECK(curl.easy_perform(easy.get()) == CURLE_URL_MALFORMAT);  // Its URL is gone.
  const std::unique_ptr<CURLM, decltype(curl.multi_cleanup)> multi(curl.multi_init(),
                                                                   curl.multi_cleanup);
  CHECK(curl.multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 2L) == CURLM_OK);
  CHECK(curl.multi_wakeup(multi.get()) == CURLM_OK);
  constexpr int kPollMilliseconds = 20'000;
  const auto begin = std::chrono::steady_clock::now();
  CHECK(curl.multi_poll(multi.get(), nullptr, 0, kPollMilliseconds, nullptr) == CURLM_OK);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}
