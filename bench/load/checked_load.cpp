#include "checked_load.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "bench.hpp"

namespace runed::bench {

using namespace std::chrono_literals;

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return -1;
  const auto dot = [](const auto& x, const auto& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  return dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
}

size_t Tally::failed() const {
  return std::accumulate(errors.begin(), errors.end(), size_t{0},
                         [](size_t sum, const auto& entry) { return sum + entry.second; });
}

void CheckedLoad::start(int clients, size_t most_texts) {
  for (int i = 0; i < clients; ++i) {
    threads_.emplace_back([this, i, most_texts] { run(i, most_texts); });
  }
}

Tally CheckedLoad::finish() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return tally_;
}

size_t CheckedLoad::calls() const {
  const std::scoped_lock lock(mutex_);
  return tally_.calls;
}

void CheckedLoad::run(int number, size_t most_texts) {
  WireClient client(socket_path_);
  std::minstd_rand random(static_cast<unsigned>(number) + 1);
  while (!stopping_) {
    std::vector<size_t> chosen(1 + random() % most_texts);
    Texts texts;
    for (size_t& index : chosen) texts.push_back(texts_[index = random() % texts_.size()]);
    const auto begin = std::chrono::steady_clock::now();
    const auto answers = client.embed(texts);
    count(chosen, answers, milliseconds_since(begin));
    if (!answers) std::this_thread::sleep_for(10ms);
  }
}

void CheckedLoad::count(const std::vector<size_t>& chosen,
                        const Result<std::vector<Answer>>& answers, double taken) {
  const std::scoped_lock lock(mutex_);
  ++tally_.calls;
  tally_.times.push_back(taken);
  if (!answers) {
    const Error& error = answers.error();
    ++tally_.errors[fmt::format("{}: {}", name_of(error.code), error.message)];
    return;
  }
  const double now = milliseconds_since(begin_);
  tally_.longest_gap = std::max(tally_.longest_gap, now - tally_.last_answer);
  tally_.last_answer = now;
  const size_t texts = chosen.size();
  tally_.lost += texts - std::min(texts, answers->size());
  tally_.twice += answers->size() - std::min(texts, answers->size());
  for (size_t i = 0; i < std::min(texts, answers->size()); ++i) {
    const double alike = cosine((*answers)[i].vector, expected_[chosen[i]]);
    tally_.worst = std::min(tally_.worst, alike);
    ++(alike >= kBetweenEngines ? tally_.good : tally_.wrong);
  }
}
}  // namespace runed::bench
