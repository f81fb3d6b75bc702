// The source that carries the tests' precompiled header: main.cpp cannot, since Catch2 v2 makes the
// main function from a macro set before its header is first read.
#include "support/catch.hpp"
