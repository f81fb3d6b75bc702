#include "embed/tokenizer/pre_tokenizer.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <limits>
#include <utility>

namespace runed::embed {
namespace {

// Every character starts a match of one of the branches, so that an anchored match always succeeds.
// The reference writes \s where this has the property White_Space: PCRE2 counts U+180E in \s, which
// Unicode took out of it in 6.3 and the reference does not count.
// Source: Qwen2's tokenizer.json, pre_tokenizer.
constexpr std::string_view kExpression = R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
                                         R"(|[^\r\n\p{L}\p{N}]?\p{L}+)"
                                         R"(|\p{N})"
                                         R"(| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*)"
                                         R"(|\p{White_Space}*[\r\n]+)"
                                         R"(|\p{White_Space}+(?!\P{White_Space}))"
                                         R"(|\p{White_Space}+)";

using MatchData = std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)>;

Error pcre2_error(int code) {
  std::array<PCRE2_UCHAR, 128> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return make_error(ErrorCode::internal, "cannot split the text: PCRE2 says '{}'",
                    reinterpret_cast<const char*>(text.data()));
}

}  // namespace

struct PreTokenizer::Code {
  std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> pattern{nullptr, &pcre2_code_free};
  std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context{
      nullptr, &pcre2_match_context_free};
};

PreTokenizer::PreTokenizer(std::unique_ptr<Code> code) : code_(std::move(code)) {}
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::create() {
  int error = 0;
  PCRE2_SIZE error_offset = 0;
  auto code = std::make_unique<Code>();
  code->pattern.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kExpression.data()),
                                    kExpression.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED,
                                    &error, &error_offset, nullptr));
  if (!code->pattern) return pcre2_error(error);
  // Where the JIT may not map executable memory, pcre2_match interprets: slower, and the same.
  pcre2_jit_compile(code->pattern.get(), PCRE2_JIT_COMPLETE);
  code->context.reset(pcre2_match_context_create(nullptr));
  if (!code->context) return pcre2_error(PCRE2_ERROR_NOMEMORY);
  // The expression goes back over a run of spaces once at most: a long run must not end at a limit
  // that is there against exponential time.
  pcre2_set_match_limit(code->context.get(), std::numeric_limits<uint32_t>::max());
  return PreTokenizer(std::move(code));
}

Result<std::vector<std::string_view>> PreTokenizer::split(std::string_view text) const {
  const MatchData match(pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  if (!match) return pcre2_error(PCRE2_ERROR_NOMEMORY);
  std::vector<std::string_view> words;
  words.reserve(text.size() / 4);  // About what English has.
  while (!text.empty()) {
    // Without the check, which would read the whole rest of the text for each word.
    const int result =
        pcre2_match(code_->pattern.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                    PCRE2_NO_UTF_CHECK, match.get(), code_->context.get());
    if (result < 0) return pcre2_error(result);
    const size_t length = pcre2_get_ovector_pointer(match.get())[1];
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

}  // namespace runed::embed
