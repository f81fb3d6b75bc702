#include "embed/native/kernel_choice.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::native::available_kernels;
using runed::embed::native::choose_kernel;
using runed::embed::native::Kernel;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("every machine has the portable kernel, as its last choice") {
  CHECK(available_kernels().back()->name == "portable");
}

TEST_CASE("the fastest kernel is chosen unless another is asked for") {
  CHECK(unwrap(choose_kernel("")) == available_kernels().front());
  CHECK(unwrap(choose_kernel("portable"))->name == "portable");
}

TEST_CASE("a kernel that this machine lacks is refused with the choices") {
  const Error error = unwrap_error(choose_kernel("neon"));
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK(error.message == "no kernel 'neon' for this CPU");
  CHECK(error.hint.starts_with("choose one of: "));
  CHECK(error.hint.ends_with("portable"));
}

TEST_CASE("kernels are listed fastest first, each once") {
  constexpr std::string_view kOrder[] = {"avx512-bf16", "avx512-vnni", "avx512",
                                         "avx-vnni",    "avx2",        "portable"};
  const auto* next = std::begin(kOrder);
  for (const Kernel* kernel : available_kernels()) {
    next = std::find(next, std::end(kOrder), kernel->name);
    INFO("kernel " << kernel->name);
    REQUIRE(next != std::end(kOrder));
    ++next;
    CHECK(unwrap(choose_kernel(kernel->name)) == kernel);
  }
}
