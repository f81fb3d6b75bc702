// The main function of every test executable: Catch2 v2 makes it from this macro.
#define CATCH_CONFIG_MAIN
#include "support/catch.hpp"
