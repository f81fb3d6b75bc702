#include "embed/native/isa/kernel_choice.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/left_out.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::native::available_kernels;
using runed::embed::native::choose_kernel;
using runed::embed::native::Kernel;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

// The words of the line `flags` of /proc/cpuinfo: what CPU and kernel have, told by somebody else.
std::set<std::string> cpu_flags() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

struct Needed {
  std::string kernel;
  std::vector<std::string> flags;
};

// Fastest first.
std::vector<Needed> all_kernels() {
  const std::vector<std::string> avx2{"avx2", "fma", "f16c"};
  const auto with = [](std::vector<std::string> flags, const std::vector<std::string>& more) {
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  };
  const auto avx512 = with(avx2, {"avx512f", "avx512bw", "avx512dq", "avx512vl"});
  const auto vnni = with(avx512, {"avx512_vnni"});
  return {{"avx512-bf16", with(vnni, {"avx512_bf16"})}, {"avx512-vnni", vnni}, {"avx512", avx512},
          {"avx-vnni", with(avx2, {"avx_vnni"})},       {"avx2", avx2},        {"portable", {}}};
}

}  // namespace

TEST_CASE("the kernels are those that the CPU has instructions for, fastest first") {
  const std::set<std::string> flags = cpu_flags();
  std::vector<std::string> expected;
  for (const Needed& needed : all_kernels()) {
    if (std::ranges::all_of(needed.flags, [&](const auto& flag) { return flags.contains(flag); })) {
      expected.push_back(needed.kernel);
    } else {
      // Of the other tests' loops as well, which go over what there is.
      runed::test::say_lacking(fmt::format("kernel {}", needed.kernel));
    }
  }
  std::vector<std::string> found;
  for (const Kernel* kernel : available_kernels()) found.emplace_back(kernel->name);
  CHECK(found == expected);
}

TEST_CASE("the fastest kernel is chosen unless another is asked for") {
  const std::set<std::string> flags = cpu_flags();
  const auto all = all_kernels();
  const auto fastest = std::ranges::find_if(all, [&](const Needed& needed) {
    return std::ranges::all_of(needed.flags,
                               [&](const auto& flag) { return flags.contains(flag); });
  });
  CHECK(unwrap(choose_kernel(""))->name == fastest->kernel);
  for (const Kernel* kernel : available_kernels()) {
    CHECK(unwrap(choose_kernel(kernel->name)) == kernel);
  }
}

TEST_CASE("a kernel that this machine lacks is refused with the choices") {
  const Error error = unwrap_error(choose_kernel("neon"));
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message == "no kernel 'neon' for this CPU");
  CHECK(error.hint.starts_with("choose one of: "));
  CHECK(error.hint.ends_with("portable"));
}
