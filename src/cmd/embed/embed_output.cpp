#include "cmd/embed/embed_output.hpp"

#include <fmt/format.h>

#include <iterator>
#include <ostream>

#include "base/json.hpp"
#include "os/file/write_fault.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr size_t kWriteBytes = size_t{64} << 10;

std::string json_string(const std::string& text) {
  return to_line(Json(text));
}

std::string string_or_null(const std::string& text) {
  return text.empty() ? "null" : json_string(text);
}

std::string format_ids(std::span<const uint32_t> ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

}  // namespace

// Written by hand: a JSON library prints f32 as if it were f64, with twice the digits.
std::string format_vector(std::span<const float> vector) {
  return fmt::format("[{}]", fmt::join(vector, ","));
}

// What comes before an entry of the document; before the first one that is the document's head.
void EmbedOutput::begin_entry(const Embedding* embedding) {
  if (count_ > 0) {
    text_ += ',';
    return;
  }
  text_ += fmt::format(R"({{"model":{},"model_identity":{})", json_string(model_.name),
                       json_string(model_.identity));
  if (embedding != nullptr) {
    text_ += fmt::format(R"(,"engine":{},"dim":{})", json_string(model_.engine),
                         embedding->vector.size());
  }
  text_ += fmt::format(R"(,"prompt":{},"prompt_source":{})", string_or_null(model_.prompt),
                       string_or_null(model_.prompt.empty() ? "" : model_.prompt_source));
  text_ += R"(,"embeddings":[)";
}

Status EmbedOutput::add(const Embedding& embedding) {
  if (format_ == Format::lines) {
    text_ += format_vector(embedding.vector) + "\n";
  } else {
    begin_entry(&embedding);
    text_ += fmt::format(R"({{"index":{},"tokens":{},)", count_, embedding.token_count);
    if (embedding.tokens_dropped > 0) {
      text_ += fmt::format(R"("tokens_dropped":{},)", embedding.tokens_dropped);
    }
    text_ += fmt::format(R"("vector":{}}})", format_vector(embedding.vector));
  }
  if (embedding.tokens_dropped > 0) ++cut_count_;
  return end_entry();
}

Status EmbedOutput::add_ids(std::span<const uint32_t> ids, uint32_t tokens_dropped) {
  if (format_ == Format::lines) {
    text_ += format_ids(ids) + "\n";
  } else {
    begin_entry(nullptr);
    text_ += fmt::format(R"({{"index":{},"tokens":{},)", count_, ids.size());
    if (tokens_dropped > 0) text_ += fmt::format(R"("tokens_dropped":{},)", tokens_dropped);
    text_ += fmt::format(R"("ids":{}}})", format_ids(ids));
  }
  if (tokens_dropped > 0) ++cut_count_;
  return end_entry();
}

Status EmbedOutput::end_entry() {
  ++count_;
  if (text_.size() < (has_begun_ ? kWriteBytes : held_bytes_)) return {};
  return print();
}

Status EmbedOutput::flush() {
  return has_begun_ ? print() : Status();
}

Status EmbedOutput::finish() {
  if (format_ == Format::document && count_ > 0) text_ += "]}\n";
  return print();
}

void EmbedOutput::fail(const Error& error) {
  if (!has_begun_) return;
  // The error is a document of its own, whose member becomes one of this.
  if (format_ == Format::document) text_ += "]," + format_error_json(error).substr(1);
  static_cast<void>(print());  // If that fails as well, the first error is the one to tell.
}

Status EmbedOutput::print() {
  has_begun_ = true;
  out_ << text_ << std::flush;
  text_.clear();
  if (!out_) return os::write_fault(os::kStdout, "cannot write to stdout");
  return {};
}

}  // namespace runed::cmd
