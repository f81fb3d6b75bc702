#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::bench {

/// Clients that do the same.
struct PopulationOptions {
  enum class Call { embed, batch, stream };

  uint32_t clients = 1;
  Call call = Call::embed;
  std::string model;                  // By its name; empty: the default one.
  uint32_t batch = 16;                // Texts of an EmbedBatch.
  std::vector<uint32_t> lengths{12};  // Tokens of a text; each as likely as the others.
  uint64_t texts = 0;                 // To send; 0: until the time is over.
  double rate = 0;  // Texts a second, of all clients, at random moments (open loop); 0: each
                    // client sends when the call before is answered (closed loop).
  double cancel_percent = 0;          // Of the calls, each at a random moment.
  double stall_percent = 0;           // Of the clients: they write to a stream and never read.
  bool cold = false;                  // The first calls make the connections, all at once.
  std::chrono::seconds timeout{180};  // Of a call, streams excepted.

  uint32_t texts_of_call() const { return call == Call::batch ? batch : 1; }
};

struct LoadOptions {
  std::string socket;  // Empty: only the echo server.
  PopulationOptions foreground;
  std::optional<PopulationOptions> background;
  double seconds = 0;     // 0: until all texts are sent, of the background if only it has a number.
  uint64_t distinct = 0;  // Texts that come again and again; 0: no text comes twice.
  uint64_t seed = 0;      // Of the texts and of chance; 0: another one each time.
  bool check = false;     // Compare each vector with that of its text alone.
  double least_cosine = 0.9999;
  double settle_seconds = 0;  // Before the last look at the daemon's memory.
  bool echo = false;          // Compare with a bare server.
  uint32_t rounds = 5;        // Of the comparison.
  std::string json;           // File for the report; `-`: stdout in place of the table.
  std::string echo_server;    // Be the bare server, on this path.
  uint32_t dimension = 1024;  // Of the bare server's vectors; the daemon's if there is one.
};

/// Reads the command line; prints help and ends the program if that is what it asks for.
/// Errors: usage.
Result<LoadOptions> read_load_options(int argc, char** argv);

}  // namespace runed::bench
