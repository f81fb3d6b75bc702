#include "client/sideways.hpp"

#include <string>

#include "base/error.hpp"
#include "embed/engine.hpp"
#include "os/library/curl_library.hpp"
