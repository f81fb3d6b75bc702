#include "cmd/commands.hpp"

#include <array>

#include "cmd/convert.hpp"
#include "cmd/doctor.hpp"
#include "cmd/embed.hpp"
#include "cmd/gc.hpp"
#include "cmd/install.hpp"
#include "cmd/models.hpp"
#include "cmd/reload.hpp"
#include "cmd/rerank.hpp"
#include "cmd/serve.hpp"
#include "cmd/shutdown.hpp"
#include "cmd/status.hpp"
#include "cmd/uninstall.hpp"
#include "cmd/verify.hpp"

namespace runed::cmd {

std::span<const Command> commands() {
  static constexpr std::array kCommands{
      Command{"embed", "Turn texts into vectors", define_embed},
      Command{"rerank", "Order documents by how well they answer a query", define_rerank},
      Command{"status", "Tell what the daemon is doing", define_status},
      Command{"models", "List the models that can be asked for", define_models},
      Command{"serve", "Run the daemon in the foreground", define_serve},
      Command{"reload", "Have the daemon read config.json again", define_reload},
      Command{"shutdown", "Ask the daemon to finish and exit", define_shutdown},
      Command{"convert", "Write a model as a GGUF file", define_convert},
      Command{"install", "Fetch and install a model", define_install},
      Command{"uninstall", "Remove a model that was installed", define_uninstall},
      Command{"verify", "Check everything that is installed", define_verify},
      Command{"doctor", "Look for what is wrong, and say what to do", define_doctor},
      Command{"gc", "Remove what nobody needs any more", define_gc},
  };
  return kCommands;
}

}  // namespace runed::cmd
