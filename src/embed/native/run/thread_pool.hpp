#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"

namespace runed::embed::native {

/// Runs the units of a job on several threads. Units are dealt one by one, so a thread that the
/// system holds up costs no more than the unit it is on.
///
/// A job is open while it has units left. A worker enters an open job, takes units until there are
/// none, and leaves; the caller takes units too, closes the job, and waits for those inside only.
/// So a worker that wakes up too late delays nobody. Between jobs workers spin briefly, because the
/// jobs of one forward pass follow each other within microseconds, and then sleep.
class ThreadPool {
 public:
  static constexpr uint32_t kMostThreads = 64;

  /// Starts `threads - 1` workers: the caller of `run` is the last thread.
  /// Needs: 1 <= threads <= kMostThreads.
  explicit ThreadPool(uint32_t threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  /// While it lives, `is_wanted` is asked now and then by the caller of `run`, between two units. Once it
  /// is false no more units are begun, of any job. One at a time, on the thread that calls `run`.
  class Lookout {
   public:
    Lookout(ThreadPool& pool, std::function<bool()> is_wanted);
    Lookout(const Lookout&) = delete;
    Lookout& operator=(const Lookout&) = delete;
    ~Lookout();
    bool has_given_up() const { return pool_.given_up_; }

   private:
    friend class ThreadPool;
    void look();

    ThreadPool& pool_;
    const std::function<bool()> is_wanted_;
    SteadyTime next_look_;
    uint32_t looks_ = 0;
  };

  /// Waits until nobody else has a turn: who shares the pool calls `run` in one.
  [[nodiscard]] std::unique_lock<std::mutex> wait_for_turn() {
    return std::unique_lock(turn_mutex_);
  }

  uint32_t threads() const { return static_cast<uint32_t>(workers_.size()) + 1; }

  /// Calls work(unit, thread) once for each unit below `units`, unless a Lookout gives them up, and
  /// returns when all calls have.
  /// `thread` is below threads(), and no two calls at the same time have the same one.
  /// Needs: one caller at a time; `work` does not call `run`, and does not throw: nobody could catch it
  ///        on a worker, so that it has to be declared noexcept. What it needs is allocated before.
  template <typename Work>
  void run(size_t units, const Work& work) {
    static_assert(std::is_nothrow_invocable_v<const Work&, size_t, uint32_t>,
                  "a unit must not throw: declare it noexcept");
    run_job({&work, units, [](const void* callable, size_t unit, uint32_t thread) noexcept {
               (*static_cast<const Work*>(callable))(unit, thread);
             }});
  }

 private:
  struct Job {
    const void* callable;
    size_t units;
    void (*call)(const void* callable, size_t unit, uint32_t thread) noexcept;
  };

  void run_job(const Job& job);
  void take_units(uint32_t thread);
  void work_until_stopped(uint32_t thread);
  uint64_t wait_for_job_after(uint64_t seen);
  void wait_until_empty();

  std::vector<std::thread> workers_;
  Job job_{};  // Written while no worker is inside.
  std::atomic<size_t> next_unit_ = 0;
  std::atomic<uint64_t> state_ = 0;  // Jobs so far, open bit, workers inside: thread_pool.cpp.
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> given_up_ = false;  // What is left of all jobs, until the Lookout is gone.
  Lookout* lookout_ = nullptr;          // The caller's own.
  std::mutex turn_mutex_;               // Held by who runs jobs, where several may.
  std::mutex mutex_;  // Guards the waits on the two conditions below, not the state itself.
  std::condition_variable job_opened_;
  std::condition_variable job_emptied_;
};

}  // namespace runed::embed::native
