#include "os/machine/thread_room.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace runed::os {

Status check_thread_room(size_t count) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::vector<std::jthread> threads;
  threads.reserve(count);
  try {
    while (threads.size() < count) {
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return done; });
      });
    }
  } catch (const std::system_error&) {
    // What it was is told by how many there are.
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  }
  if (threads.size() == count) return {};
  return make_error(ErrorCode::too_few_threads, "{} threads are needed, and {} can be had", count,
                    threads.size())
      .with_hint(
          "end other processes of this user, or allow more: 'ulimit -u' shows the limit of a "
          "user, 'pids.max' is that of a container");
}

}  // namespace runed::os
