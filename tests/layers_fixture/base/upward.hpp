#pragma once

#include "os/file/fd.hpp"
