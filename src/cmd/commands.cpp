#include "cmd/commands.hpp"

#include <array>

#include "cmd/embed.hpp"
#include "cmd/serve.hpp"
#include "cmd/shutdown.hpp"
#include "cmd/status.hpp"

namespace runed::cmd {

std::span<const Command> commands() {
  static constexpr std::array kCommands{
      Command{"embed", "Turn texts into vectors", define_embed},
      Command{"status", "Tell what the daemon is doing", define_status},
      Command{"serve", "Run the daemon in the foreground", define_serve},
      Command{"shutdown", "Ask the daemon to finish and exit", define_shutdown},
  };
  return kCommands;
}

}  // namespace runed::cmd
