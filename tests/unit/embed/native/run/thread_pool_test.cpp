#include "embed/native/run/thread_pool.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <numeric>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using runed::embed::native::ThreadPool;

TEST_CASE("every unit is run once, whatever the number of threads and units") {
  for (const uint32_t threads : {1, 2, 7, 64}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const size_t units : {0, 1, 2, 63, 64, 65, 1000}) {
      std::vector<int> runs(units);  // Not atomic: the pool itself must order the accesses.
      pool.run(units, [&](size_t unit, uint32_t) noexcept { ++runs[unit]; });
      CHECK(std::ranges::count(runs, 1) == static_cast<std::ptrdiff_t>(units));
    }
  }
}

TEST_CASE("calls at the same time have different thread numbers") {
  constexpr uint32_t kThreads = 7;
  ThreadPool pool(kThreads);
  std::array<size_t, kThreads> sums{};  // Not atomic: each belongs to one thread at a time.
  pool.run(2000, [&](size_t unit, uint32_t thread) noexcept { sums.at(thread) += unit; });
  CHECK(std::accumulate(sums.begin(), sums.end(), size_t{0}) == 2000 * 1999 / 2);
}

TEST_CASE("jobs follow each other closely and see each other's results") {
  ThreadPool pool(3);
  std::vector<size_t> values(17, 1);
  std::vector<size_t> sums(17);
  for (int round = 0; round < 2000; ++round) {
    pool.run(values.size(),
             [&](size_t unit, uint32_t) noexcept { sums[unit] = values[unit] + unit; });
    pool.run(values.size(),
             [&](size_t unit, uint32_t) noexcept { values[unit] = sums[16 - unit] % 1000; });
  }
  std::vector<size_t> expected(17, 1);
  for (int round = 0; round < 2000; ++round) {
    const std::vector<size_t> before = expected;
    for (size_t i = 0; i < 17; ++i) expected[i] = (before[16 - i] + 16 - i) % 1000;
  }
  CHECK(values == expected);
}

TEST_CASE("workers without a job come to rest, and are woken for the next") {
  using std::chrono::steady_clock;
  ThreadPool pool(4);
  std::vector<int> runs(100);
  const auto add_one = [&](size_t unit, uint32_t) noexcept { ++runs[unit]; };
  pool.run(runs.size(), add_one);
  const auto deadline = steady_clock::now() + std::chrono::seconds(10);
  double busy_seconds = 1;
  while (busy_seconds > 0.005 && steady_clock::now() < deadline) {
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    busy_seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  }
  CHECK(busy_seconds <= 0.005);
  pool.run(runs.size(), add_one);
  CHECK(std::ranges::count(runs, 2) == 100);
}

TEST_CASE("what is not wanted any more is not begun, and what comes later is") {
  for (const uint32_t threads : {1U, 3U}) {
    ThreadPool pool(threads);
    std::atomic<size_t> begun{0};
    std::atomic<bool> is_wanted{true};
    {
      const ThreadPool::Lookout lookout(pool, [&] { return is_wanted.load(); });
      pool.run(100, [&](size_t, uint32_t) noexcept { ++begun; });
      CHECK(begun == 100);
      CHECK_FALSE(lookout.has_given_up());
      is_wanted = false;
      // Until somebody has looked: units without end, for all that a test can wait.
      pool.run(1'000'000'000, [&](size_t, uint32_t) noexcept { std::this_thread::yield(); });
      CHECK(lookout.has_given_up());
      begun = 0;
      pool.run(100, [&](size_t, uint32_t) noexcept { ++begun; });
      CHECK(begun == 0);
    }
    pool.run(100, [&](size_t, uint32_t) noexcept { ++begun; });
    CHECK(begun == 100);
  }
}
