#include "os/process/child_helper.hpp"

namespace {

// Before main, which Catch2 has. Linked (test_child_helper) where children die with their parent.
[[gnu::constructor]] void become_child_helper(int argc, char** argv) {
  runed::os::run_as_child_helper(argc, argv);
}

}  // namespace
