#pragma once

#include "base/result.hpp"
#include "support/catch.hpp"

namespace runed::test {

/// Returns the value, or fails the test with the error's text.
template <typename T>
T unwrap(Result<T> result) {
  if (!result.has_value()) FAIL(format_error(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// Returns the error, or fails the test because there is none.
template <typename T>
Error unwrap_error(Result<T> result) {
  if (result.has_value()) FAIL("expected an error, got a value");
  return std::move(result).error();
}

}  // namespace runed::test
