#pragma once

#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace runed {

/// A value or the Error that prevented it. Discarding one is a compiler warning, hence the class.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

/// Success, or the Error that prevented it.
using Status = Result<void>;

}  // namespace runed

#define RUNED_CONCAT_INNER(a, b) a##b
#define RUNED_CONCAT(a, b) RUNED_CONCAT_INNER(a, b)

/// Returns the error of `expression` from the enclosing function, if it has one. A statement: as
/// part of an expression it would skip destructors on GCC 12.
#define TRY(expression)                                            \
  do {                                                             \
    if (auto try_result = (expression); !try_result.has_value()) { \
      return std::move(try_result).error();                        \
    }                                                              \
  } while (false)

#define RUNED_TRY_ASSIGN(result, declaration, expression)      \
  auto result = (expression);                                  \
  if (!(result).has_value()) return std::move(result).error(); \
  declaration = std::move(result).value()

/// Declares or assigns the value of `expression`, or returns its error. Two statements: never the
/// unbraced body of an `if`.
#define TRY_ASSIGN(declaration, ...) \
  RUNED_TRY_ASSIGN(RUNED_CONCAT(try_result_, __LINE__), declaration, (__VA_ARGS__))
