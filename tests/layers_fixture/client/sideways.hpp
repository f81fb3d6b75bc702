#pragma once

#include <grpcpp/grpcpp.h>

#include "os/library/curl_library.hpp"
