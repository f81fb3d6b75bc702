#pragma once

#include "os/fd.hpp"
