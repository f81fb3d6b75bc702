#include "load_population.hpp"

#include <cmath>
#include <utility>

namespace runed::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kConnectTimeout{30};

// Spreads the stalled ones evenly.
bool is_stalled(uint32_t number, double percent) {
  return std::floor((number + 1) * percent / 100) > std::floor(number * percent / 100);
}

}  // namespace

Population::Population(const PopulationOptions& options, std::string socket, const LoadTexts& texts,
                       const ExpectedVectors* expected)
    : options_(options),
      socket_(std::move(socket)),
      work_(options.texts),
      shared_{options_, socket_, texts, expected, timer_, work_, pending_, answered_} {
  for (uint32_t i = 0; i < options_.clients; ++i) {
    if (is_stalled(i, options_.stall_percent)) {
      ++stalled_;
      clients_.push_back(make_stalled_client(shared_, i));
    } else if (options_.call == PopulationOptions::Call::stream) {
      clients_.push_back(make_stream_client(shared_, i));
    } else {
      clients_.push_back(make_unary_client(shared_, i));
    }
  }
}

Population::~Population() = default;

Status Population::connect() {
  if (options_.cold) return {};
  for (const auto& client : clients_) client->begin_to_connect();
  for (const auto& client : clients_) {
    if (client->wait_for_connection(kConnectTimeout)) continue;
    return make_error(ErrorCode::unavailable, "cannot connect to '{}'", socket_);
  }
  return {};
}

void Population::start(SteadyTime until) {
  work_.begin(until);
  begin_ = steady_clock::now();
  for (const auto& client : clients_) client->start();
  if (options_.rate <= 0) return;
  pending_.add();
  timer_.at(begin_, [this] { arrive(begin_); });
}

// Texts come whether or not the ones before are answered, and wait from the moment when they should
// have been sent: a slow daemon, or a late timer, makes nobody else wait less.
void Population::arrive(SteadyTime intended) {
  const Claim claim = work_.claim(options_.texts_of_call());
  if (claim.count == 0) {
    for (const auto& client : clients_) client->end_of_sending();
    pending_.done();
    return;
  }
  clients_[next_client_++ % clients_.size()]->send(claim, intended);
  std::exponential_distribution<double> gap(options_.rate / options_.texts_of_call());
  const SteadyTime next = intended + std::chrono::duration_cast<SteadyTime::duration>(
                                         std::chrono::duration<double>(gap(random_)));
  timer_.at(next, [this, next] { arrive(next); });
}

void Population::wait() {
  pending_.wait();
  seconds_ = std::chrono::duration<double>(steady_clock::now() - begin_).count();
}

void Population::finish() {
  for (const auto& client : clients_) client->finish();
}

LoadTally Population::tally() const {
  LoadTally all;
  for (const auto& client : clients_) all.add(client->tally());
  return all;
}

}  // namespace runed::bench
