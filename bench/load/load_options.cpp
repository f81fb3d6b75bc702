#include "load_options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>
#include <map>
#include <random>

#include "base/text.hpp"

namespace runed::bench {
namespace {

using Call = PopulationOptions::Call;

constexpr double kDefaultSeconds = 10;
constexpr uint64_t kCheckedTexts = 200;
constexpr uint32_t kMostClients = 10'000;

// What the command line has as text.
struct Words {
  std::string mode = "closed";
  std::string call = "embed";
  std::string lengths = "12";
  std::string background;
};

Error usage_error(std::string message) {
  return make_error(ErrorCode::usage, "{}", message).with_hint("run 'bench_load --help'");
}

template <typename Number>
Result<Number> parse_number(std::string_view name, std::string_view text, Number least) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least) {
    return usage_error(fmt::format("'{}' is no number of at least {} for {}", text, least, name));
  }
  return number;
}

Result<Call> parse_call(std::string_view word) {
  if (word == "embed") return Call::embed;
  if (word == "batch") return Call::batch;
  if (word == "stream") return Call::stream;
  return usage_error(fmt::format("call '{}' is not embed, batch or stream", word));
}

// `mix` is what a machine of people and indexers sees: mostly queries, some passages, few pages.
Result<std::vector<uint32_t>> parse_lengths(std::string_view text, char separator) {
  std::vector<uint32_t> lengths;
  if (text == "mix") {
    lengths.insert(lengths.end(), 14, 12);
    lengths.insert(lengths.end(), 5, 128);
    lengths.push_back(512);
    return lengths;
  }
  for (const std::string_view part : split(text, separator)) {
    TRY_ASSIGN(const uint32_t length, parse_number<uint32_t>("a length in tokens", part, 2));
    lengths.push_back(length);
  }
  return lengths;
}

// clients=1,call=stream,lengths=128/512,texts=2000
Result<PopulationOptions> parse_background(std::string_view spec) {
  PopulationOptions options;
  for (const std::string_view part : split(spec, ',')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return usage_error(fmt::format("'{}' of --background is not KEY=VALUE", part));
    }
    const std::string_view key = part.substr(0, equals);
    const std::string_view word = part.substr(equals + 1);
    if (key == "clients") {
      TRY_ASSIGN(options.clients, parse_number<uint32_t>(key, word, 1));
    } else if (key == "call") {
      TRY_ASSIGN(options.call, parse_call(word));
    } else if (key == "batch") {
      TRY_ASSIGN(options.batch, parse_number<uint32_t>(key, word, 1));
    } else if (key == "lengths") {
      TRY_ASSIGN(options.lengths, parse_lengths(word, '/'));
    } else if (key == "texts") {
      TRY_ASSIGN(options.texts, parse_number<uint64_t>(key, word, 1));
    } else if (key == "rate") {
      TRY_ASSIGN(options.rate, parse_number<double>(key, word, 0.001));
    } else {
      return usage_error(fmt::format(
          "key '{}' of --background is not clients, call, batch, lengths, texts or rate", key));
    }
  }
  return options;
}

void define(CLI::App& app, LoadOptions& options, Words& words) {
  PopulationOptions& clients = options.foreground;
  app.add_option("--socket", options.socket, "The daemon's socket");
  app.add_option("--model", clients.model, "Ask for this model (embed, batch)");
  app.add_option("--clients", clients.clients, "Each with a connection of its own")
      ->check(CLI::Range(uint32_t{1}, kMostClients));
  app.add_option("--mode", words.mode, "closed: a client's next call follows its answer")
      ->check(CLI::IsMember({"closed", "open"}));
  app.add_option("--rate", clients.rate, "Texts a second, all clients together (open)")
      ->check(CLI::PositiveNumber);
  app.add_option("--call", words.call)->check(CLI::IsMember({"embed", "batch", "stream"}));
  app.add_option("--batch", clients.batch, "Texts of a call (batch)")->check(CLI::Range(1u, 1024u));
  app.add_option("--lengths", words.lengths, "Tokens of a text: 12, or 12,128,512, or mix");
  app.add_option("--texts", clients.texts, "Texts to send")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "Time to send in")->check(CLI::PositiveNumber);
  app.add_option("--distinct", options.distinct, "Repeat that many texts")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "Of the texts; by default another one each time");
  app.add_option("--cancel", clients.cancel_percent, "Percent of calls cancelled at random")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--stall", clients.stall_percent, "Percent of clients that never read a stream")
      ->check(CLI::Range(0.0, 100.0));
  app.add_flag("--cold", clients.cold, "Connect with the first calls, all at once");
  app.add_option("--background", words.background,
                 "A second population: clients=1,call=stream,lengths=128/512,texts=2000");
  app.add_flag("--check", options.check, "Compare vectors with those of the texts alone");
  app.add_option("--least-cosine", options.least_cosine, "What --check takes for equal")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--settle", options.settle_seconds, "Seconds before the last look at memory")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--echo", options.echo, "Compare with a bare gRPC server of the same messages");
  app.add_option("--rounds", options.rounds, "Of that comparison")->check(CLI::Range(1u, 1000u));
  app.add_option("--dimension", options.dimension, "Of the bare server's vectors")
      ->check(CLI::Range(1u, 65536u));
  app.add_option("--json", options.json, "Write the report to a file; -: to stdout");
  app.add_option("--echo-server", options.echo_server)->group("");  // For ourselves.
}

// What no single flag can tell.
Status check_together(const LoadOptions& options, const Words& words) {
  const PopulationOptions& clients = options.foreground;
  if (options.socket.empty() && !options.echo) return usage_error("--socket is missing");
  if (words.mode == "open" && clients.rate <= 0) return usage_error("--mode open needs --rate");
  if (words.mode == "closed" && clients.rate > 0) return usage_error("--rate needs --mode open");
  if (options.echo && options.background.has_value()) {
    return usage_error("--echo and --background exclude each other");
  }
  if (options.echo && (clients.stall_percent > 0 || options.check)) {
    return usage_error("--echo measures; leave --stall and --check out");
  }
  if (!clients.model.empty() && (words.call == "stream" || options.background.has_value())) {
    return usage_error("--model is for calls of embed and batch, without --background");
  }
  if (clients.stall_percent >= 100) return usage_error("--stall 100 leaves no client to measure");
  return {};
}

}  // namespace

Result<LoadOptions> read_load_options(int argc, char** argv) {
  CLI::App app("Loads a runed daemon and reports what its clients saw");
  LoadOptions options;
  Words words;
  define(app, options, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& fault) {
    return usage_error(fault.what());
  }
  if (!options.echo_server.empty()) return options;
  TRY_ASSIGN(options.foreground.call, parse_call(words.call));
  TRY_ASSIGN(options.foreground.lengths, parse_lengths(words.lengths, ','));
  if (!words.background.empty()) {
    TRY_ASSIGN(options.background, parse_background(words.background));
  }
  TRY(check_together(options, words));
  const bool bounded = options.foreground.texts > 0 ||
                       (options.background.has_value() && options.background->texts > 0);
  if (options.seconds == 0 && !bounded) options.seconds = kDefaultSeconds;
  if (options.check && options.distinct == 0) options.distinct = kCheckedTexts;
  if (options.seed == 0) options.seed = std::random_device{}();
  return options;
}

}  // namespace runed::bench
