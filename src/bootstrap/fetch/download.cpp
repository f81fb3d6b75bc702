#include "bootstrap/fetch/download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/hex_digest.hpp"
#include "base/letter_case.hpp"
#include "base/text.hpp"
#include "bootstrap/fetch/content_range.hpp"
#include "bootstrap/fetch/fetch_error.hpp"
#include "bootstrap/fetch/http.hpp"
#include "bootstrap/fetch/partial_file.hpp"
#include "bootstrap/fetch/retry_policy.hpp"
#include "bootstrap/fetch/url.hpp"
#include "os/directory/disk_space.hpp"
#include "os/file/file_reader.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

using Remedy = Failure::Remedy;
using MaybeFailure = std::optional<Failure>;
using Bytes = std::span<const std::byte>;

constexpr uint64_t kLargestUnknown = uint64_t{64} << 30;  // Of a file whose size nobody told.
constexpr uint64_t kMostIgnoredBytes = uint64_t{1} << 20;  // Of a page that says that there is no more.

// What is wrong on this machine is wrong for every URL.
MaybeFailure give_up_if(Status status) {
  if (status.has_value()) return std::nullopt;
  return Failure{std::move(status).error(), Remedy::give_up};
}

// A weak one says that two versions mean the same, not that their bytes are.
std::string strong_etag(const HttpHead& head) {
  return head.etag.starts_with("W/") ? std::string() : head.etag;
}

// One call of `download`. Bytes are only ever taken in by `take`, whichever way they come.
class Download {
 public:
  Download(const DownloadSource& source, const std::string& path, const DownloadPolicy& policy,
           const Watch& watch)
      : source_(source), path_(path), policy_(policy), watch_(watch) {}

  Result<DownloadReport> run();

 private:
  // How far it had come when it was last fast enough.
  struct Progress {
    uint64_t bytes = 0;
    SteadyTime since;
  };

  MaybeFailure fetch_from(const std::string& url);
  bool can_go_on(const std::string& url) const;
  bool has_progressed(Progress& progress) const;
  MaybeFailure try_once(const std::string& url);
  MaybeFailure ask(const std::string& url);
  MaybeFailure copy_from(const std::string& url);
  MaybeFailure take_head(const std::string& url, const HttpHead& head);
  MaybeFailure check_range(const std::string& url, const HttpHead& head) const;
  MaybeFailure start_piece(const PieceOrigin& origin, std::optional<uint64_t> total);
  MaybeFailure take(const std::string& url, Bytes bytes);
  MaybeFailure ignore(const std::string& url, Bytes bytes);
  MaybeFailure check_begin(const std::string& url, Bytes bytes) const;
  MaybeFailure verify(const std::string& url);
  MaybeFailure wrong_size(const std::string& url, const std::string& found) const;
  HttpRequest request(const std::string& url) const;
  Status check_space(uint64_t bytes_to_come) const;
  MaybeFailure check_space_again();
  Result<DownloadReport> commit(const std::string& url);
  bool is_size_known() const { return source_.size_bytes > 0; }
  uint64_t most_bytes() const { return is_size_known() ? source_.size_bytes : kLargestUnknown; }

  const DownloadSource& source_;
  const std::string& path_;
  const DownloadPolicy& policy_;
  const Watch& watch_;
  std::string wanted_;  // Lower-case digits; empty: any.
  std::string got_;     // Of the whole file.
  std::optional<PartialFile> partial_;
  uint64_t total_bytes_ = 0;      // 0: unknown.
  uint64_t bytes_received_ = 0;   // In all pieces.
  uint64_t unchecked_bytes_ = 0;  // Since the free space was last looked at.
  uint64_t ignored_bytes_ = 0;
  bool is_whole_ = false;         // The server says that there is no more.
};

Result<DownloadReport> Download::run() {
  wanted_ = in_lower_case(source_.sha256.value_or(""));
  if (source_.sha256.has_value() && !is_sha256_hex(wanted_)) {
    return make_error(ErrorCode::invalid_argument, "cannot fetch to '{}': '{}' is no SHA-256",
                      path_, printable(*source_.sha256));
  }
  if (source_.urls.empty()) {
    return make_error(ErrorCode::invalid_argument, "cannot fetch to '{}': no URL is known", path_);
  }
  TRY_ASSIGN(partial_, PartialFile::open(path_, wanted_, watch_, most_bytes()));
  total_bytes_ = source_.size_bytes;
  if (is_size_known() && !wanted_.empty() && partial_->size_bytes() == source_.size_bytes) {
    const std::string url = partial_->origin()->url;
    if (!verify(url).has_value()) return commit(url);
    watch_.event(fmt::format("what was at '{}.partial' is not what is wanted", path_));
  }
  if (is_size_known()) TRY(check_space(source_.size_bytes - partial_->size_bytes()));
  std::vector<Error> errors;
  for (const std::string& url : source_.urls) {
    MaybeFailure failure = fetch_from(url);
    if (!failure.has_value()) return commit(url);
    if (failure->remedy == Remedy::give_up) return failure->error;
    errors.push_back(std::move(failure->error));
    if (errors.size() < source_.urls.size()) {
      const std::string& mirror = source_.urls[errors.size()];
      watch_.event(fmt::format("{}; trying '{}'", errors.back().message, display_url(mirror)));
    }
  }
  return combined(errors);
}

// Where no digest tells in the end whether two pieces belong together, the server has to.
bool Download::can_go_on(const std::string& url) const {
  const auto& origin = partial_->origin();
  return origin.has_value() && origin->url == url &&
         !(origin->etag.empty() && origin->last_modified.empty());
}

// At one URL until the file is there, or this URL cannot help.
MaybeFailure Download::fetch_from(const std::string& url) {
  RetryPolicy retries(policy_, watch_);
  bool restarted = false;
  Progress progress{.bytes = partial_->size_bytes(), .since = std::chrono::steady_clock::now()};
  while (true) {
    MaybeFailure failure = try_once(url);
    if (!failure.has_value()) return std::nullopt;
    if (failure->remedy == Remedy::restart) {
      failure->remedy = Remedy::next_url;
      if (std::exchange(restarted, true)) return failure;
      watch_.event(fmt::format("{}; starting again from zero", failure->error.message));
      if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
      continue;
    }
    if (failure->remedy != Remedy::retry) return failure;
    if (has_progressed(progress)) retries.reset();
    if (MaybeFailure over = retries.wait(*failure)) return over;
  }
}

// Only bytes further than ever count: a server that does not resume, and is cut each time, sends many
// and brings none. And they must be as many as one connection would have to bring in all that time,
// waits included: a server that sends one byte each time would go on for ever.
bool Download::has_progressed(Progress& progress) const {
  const uint64_t have = partial_->size_bytes();
  if (have <= progress.bytes) return false;
  const SteadyTime now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - progress.since).count();
  if (static_cast<double>(have - progress.bytes) < policy_.low_speed_bytes * seconds) return false;
  progress = {.bytes = have, .since = now};
  return true;
}

MaybeFailure Download::try_once(const std::string& url) {
  const Result<UrlKind> kind = kind_of_url(url);
  if (!kind.has_value()) return Failure{kind.error(), Remedy::next_url};
  if (wanted_.empty() && partial_->size_bytes() > 0 && !can_go_on(url)) {
    if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
  }
  is_whole_ = false;
  MaybeFailure failure = *kind == UrlKind::file ? copy_from(url) : ask(url);
  return failure.has_value() ? failure : verify(url);
}

MaybeFailure Download::ask(const std::string& url) {
  if (policy_.offline) return refused_offline(url);
  const HttpReceiver receiver{
      .on_head = [&](const HttpHead& head) { return take_head(url, head); },
      .on_body = [&](Bytes bytes) { return take(url, bytes); },
  };
  return http_get(request(url), receiver, policy_, watch_);
}

// If-Range makes the server send all of a file that has changed. A mirror has marks of its own, so
// there only the hash tells.
HttpRequest Download::request(const std::string& url) const {
  HttpRequest request{.url = url, .headers = {}};
  if (partial_->size_bytes() == 0) return request;
  request.headers.push_back(fmt::format("Range: bytes={}-", partial_->size_bytes()));
  const PieceOrigin& origin = *partial_->origin();
  const std::string& mark = origin.etag.empty() ? origin.last_modified : origin.etag;
  if (origin.url == url && !mark.empty()) request.headers.push_back("If-Range: " + mark);
  return request;
}

MaybeFailure Download::take_head(const std::string& url, const HttpHead& head) {
  if (head.status == 416) {
    const uint64_t have = partial_->size_bytes();
    // Of a file of unknown size it is how the server says that there is no more.
    is_whole_ =
        !is_size_known() && have > 0 && parse_content_range(head.content_range).total == have;
    if (is_whole_) return std::nullopt;
    return Failure{cannot_fetch(ErrorCode::network, url, "HTTP 416"),
                   have > 0 ? Remedy::restart : Remedy::next_url};
  }
  std::optional<uint64_t> total = head.content_length;
  if (head.status == 206) {
    if (MaybeFailure failure = check_range(url, head)) return failure;
    total = parse_content_range(head.content_range).total;
  }
  if (total.has_value() &&
      (is_size_known() ? *total != source_.size_bytes : *total > kLargestUnknown)) {
    return wrong_size(url, fmt::format("it has {} bytes", *total));
  }
  if (head.status == 200 && partial_->size_bytes() > 0) {
    watch_.event(fmt::format("'{}' does not resume; starting again from zero", display_url(url)));
    if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
  }
  return start_piece({url, strong_etag(head), head.last_modified}, total);
}

MaybeFailure Download::check_range(const std::string& url, const HttpHead& head) const {
  const uint64_t have = partial_->size_bytes();
  if (parse_content_range(head.content_range).start != have) {
    return Failure{
        cannot_fetch(ErrorCode::network, url, "asked for the bytes from {}, it sends '{}'", have,
                     printable(head.content_range)),
        Remedy::restart};
  }
  const std::optional<PieceOrigin>& origin = partial_->origin();
  const std::string etag = strong_etag(head);
  if (origin.has_value() && origin->url == url && !origin->etag.empty() && !etag.empty() &&
      origin->etag != etag) {
    return Failure{cannot_fetch(ErrorCode::network, url, "it has changed meanwhile"),
                   Remedy::restart};
  }
  return std::nullopt;
}

MaybeFailure Download::start_piece(const PieceOrigin& origin, std::optional<uint64_t> total) {
  const uint64_t have = partial_->size_bytes();
  if (!is_size_known()) {
    total_bytes_ = total.value_or(0);
    const uint64_t to_come = total_bytes_ - std::min(total_bytes_, have);
    if (MaybeFailure full = give_up_if(check_space(to_come))) return full;
  }
  if (have > 0) {
    watch_.event(fmt::format("resuming '{}' at {}", display_url(origin.url), format_bytes(have)));
  }
  return give_up_if(partial_->begin_piece(origin));
}

MaybeFailure Download::take(const std::string& url, Bytes bytes) {
  if (is_whole_) return ignore(url, bytes);
  if (MaybeFailure wrong = check_begin(url, bytes)) return wrong;
  bytes_received_ += bytes.size();
  const uint64_t limit = most_bytes();
  if (bytes.size() > limit - partial_->size_bytes()) {
    if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
    return wrong_size(url, fmt::format("it has more than {} bytes", limit));
  }
  Status written = partial_->append(bytes);
  if (!written.has_value()) {
    Error error = std::move(written).error();
    if (total_bytes_ > partial_->size_bytes()) {
      error.message += fmt::format(" ({} are still to come)",
                                   format_bytes(total_bytes_ - partial_->size_bytes()));
    }
    return Failure{std::move(error), Remedy::give_up};
  }
  watch_.progress(partial_->size_bytes(), total_bytes_);
  unchecked_bytes_ += bytes.size();
  return unchecked_bytes_ < policy_.space_step_bytes ? std::nullopt : check_space_again();
}

// The page of a 416, which may be without an end.
MaybeFailure Download::ignore(const std::string& url, Bytes bytes) {
  ignored_bytes_ += bytes.size();
  if (ignored_bytes_ <= kMostIgnoredBytes) return std::nullopt;
  return Failure{cannot_fetch(ErrorCode::network, url, "its answer has no end"), Remedy::next_url};
}

// Others fill the disk too; and nobody may have told how much is to come. In that case what was fetched
// goes: it would leave a full disk, and nobody knows whether a larger one is enough.
MaybeFailure Download::check_space_again() {
  unchecked_bytes_ = 0;
  const uint64_t have = partial_->size_bytes();
  MaybeFailure full = give_up_if(check_space(total_bytes_ - std::min(total_bytes_, have)));
  if (!full.has_value() || total_bytes_ > 0) return full;
  full->error.hint =
      fmt::format("the server did not tell its size, and sent {}; a 'size' in the manifest would",
                  format_bytes(have));
  if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
  return full;
}

// Nobody need wait for the digest of what is something else: an error page, an empty file with a hole.
MaybeFailure Download::check_begin(const std::string& url, Bytes bytes) const {
  const std::string_view begin = source_.begin;
  if (partial_->size_bytes() > 0 || bytes.size() < begin.size()) return std::nullopt;
  const std::string_view found(reinterpret_cast<const char*>(bytes.data()), begin.size());
  if (found == begin) return std::nullopt;
  return Failure{cannot_fetch(ErrorCode::integrity, url, "it starts with '{}', not with '{}'",
                              printable(found), begin)
                     .with(fact::kUrl, display_url(url)),
                 Remedy::next_url};
}

// Wrong bytes are gone when this returns. Who sent them is known only if they came in one piece.
MaybeFailure Download::verify(const std::string& url) {
  const uint64_t have = partial_->size_bytes();
  const uint64_t expected = is_size_known() ? source_.size_bytes : total_bytes_;
  if (have < expected) {
    return Failure{cannot_fetch(ErrorCode::network, url, "the answer ended after {} of {} bytes",
                                have, expected),
                   Remedy::retry};
  }
  got_ = partial_->finish_digest();
  if (got_ == wanted_ || wanted_.empty()) return std::nullopt;
  const Remedy remedy = partial_->is_mixed() ? Remedy::restart : Remedy::next_url;
  if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
  return Failure{
      cannot_fetch(ErrorCode::integrity, url, "its SHA-256 is {}, wanted is {}", got_, wanted_)
          .with_hint("what was served is damaged, or is not what the manifest means")
          .with(fact::kUrl, display_url(url))
          .with(fact::kFound, got_)
          .with(fact::kExpected, wanted_),
      remedy};
}

MaybeFailure Download::wrong_size(const std::string& url, const std::string& found) const {
  const std::string wanted =
      is_size_known() ? fmt::format(", wanted are {}", source_.size_bytes) : "";
  return Failure{cannot_fetch(ErrorCode::integrity, url, "{}{}", found, wanted)
                     .with(fact::kUrl, display_url(url)),
                 Remedy::next_url};
}

// A copy is as quick as hashing what is there of an earlier one, so it begins at zero.
MaybeFailure Download::copy_from(const std::string& url) {
  const std::string from = path_of_file_url(url);
  auto file = os::FileReader::open(from);
  if (!file) return Failure{std::move(file).error(), Remedy::next_url};
  const uint64_t size_bytes = file->size_bytes();
  if (is_size_known() && size_bytes != source_.size_bytes) {
    return wrong_size(url, fmt::format("it has {} bytes", size_bytes));
  }
  if (MaybeFailure broken = give_up_if(partial_->restart())) return broken;
  if (MaybeFailure failure = start_piece({url, {}, {}}, size_bytes)) return failure;
  while (true) {
    if (watch_.cancelled()) return cancelled_failure();
    const auto block = file->next();
    if (!block) return Failure{block.error(), Remedy::next_url};
    if (block->empty()) return std::nullopt;
    if (MaybeFailure failure = take(url, *block)) return failure;
  }
}

Status Download::check_space(uint64_t bytes_to_come) const {
  const uint64_t size_bytes = partial_->size_bytes() + bytes_to_come;
  if (const auto most = os::file_size_limit(); most.has_value() && size_bytes > *most) {
    return os::too_large(
        fmt::format("no room for '{}': it has {}", path_, format_bytes(size_bytes)));
  }
  TRY_ASSIGN(const uint64_t free_bytes,
             os::free_disk_bytes(os::parent_directory(os::absolute_path(path_))));
  if (free_bytes >= bytes_to_come && free_bytes - bytes_to_come >= policy_.reserve_bytes) return {};
  return make_error(ErrorCode::io,
                    "no room for '{}': {}, {} are to stay free, {} are free", path_,
                    total_bytes_ > 0 ? format_bytes(bytes_to_come) + " are still to come"
                                     : "nobody told how much is to come",
                    format_bytes(policy_.reserve_bytes), format_bytes(free_bytes));
}

Result<DownloadReport> Download::commit(const std::string& url) {
  if (source_.check) {
    if (Status taken = source_.check(partial_->partial_path()); !taken) {
      TRY(partial_->restart());
      return std::move(taken).error();
    }
  }
  TRY(partial_->commit());
  return DownloadReport{url, got_, partial_->size_bytes(), bytes_received_};
}

}  // namespace

Result<DownloadReport> download(const DownloadSource& source, const std::string& path,
                                const DownloadPolicy& policy, const Watch& watch) {
  return Download(source, path, policy, watch).run();
}

}  // namespace runed::bootstrap
