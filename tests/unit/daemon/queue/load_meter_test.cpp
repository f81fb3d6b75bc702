#include "daemon/queue/load_meter.hpp"

#include "support/catch.hpp"

using runed::daemon::LoadMeter;
using namespace std::chrono_literals;

TEST_CASE("the rate is that of the last passes") {
  LoadMeter meter;
  CHECK(meter.statistics().tokens_per_second == 0);
  CHECK(meter.time_for(1'000'000) == 1s);  // Nothing is known yet.
  for (int i = 0; i < 100; ++i) meter.pass_done(1, 1000, 1s);
  CHECK(meter.statistics().tokens_per_second == Approx(1000));
  for (int i = 0; i < 100; ++i) meter.pass_done(1, 4000, 1s);
  CHECK(meter.statistics().tokens_per_second == Approx(4000).epsilon(0.001));
  CHECK(meter.time_for(8000) > 1900ms);
  CHECK(meter.time_for(8000) < 2100ms);
}

TEST_CASE("passes are counted, with their texts by powers of two") {
  LoadMeter meter;
  meter.pass_done(1, 10, 1ms);
  meter.pass_done(4, 40, 2ms);
  meter.pass_done(7, 70, 3ms);
  const auto load = meter.statistics();
  CHECK(load.passes == 3);
  CHECK(load.pass_texts == 12);
  CHECK(load.pass_tokens == 120);
  CHECK(load.pass_time == 6ms);
  CHECK(load.pass_text_counts == std::vector<int64_t>{0, 1, 0, 2});
}

TEST_CASE("waits are counted by powers of two of a microsecond") {
  LoadMeter meter;
  meter.text_waited(0us);
  meter.text_waited(1us);
  meter.text_waited(3us);
  meter.text_waited(4us);
  meter.text_waited(-5us);
  CHECK(meter.statistics().wait_counts == std::vector<int64_t>{2, 1, 1, 1});
}
