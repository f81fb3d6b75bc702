#pragma once

#include <grpcpp/grpcpp.h>

#include "os/curl_library.hpp"
