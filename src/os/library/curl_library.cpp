#include "os/library/curl_library.hpp"

#include "os/library/dynamic_library.hpp"

namespace runed::os {
namespace {

Result<CurlLibrary> load() {
  TRY_ASSIGN(const DynamicLibrary library, DynamicLibrary::load("libcurl.so.4", "libcurl4"));
  CurlLibrary curl;
  TRY(library.bind(curl.global_init, "curl_global_init"));
  TRY(library.bind(curl.easy_init, "curl_easy_init"));
  TRY(library.bind(curl.easy_setopt, "curl_easy_setopt"));
  TRY(library.bind(curl.easy_getinfo, "curl_easy_getinfo"));
  TRY(library.bind(curl.easy_header, "curl_easy_header"));
  TRY(library.bind(curl.easy_perform, "curl_easy_perform"));
  TRY(library.bind(curl.easy_reset, "curl_easy_reset"));
  TRY(library.bind(curl.easy_strerror, "curl_easy_strerror"));
  TRY(library.bind(curl.easy_cleanup, "curl_easy_cleanup"));
  TRY(library.bind(curl.multi_init, "curl_multi_init"));
  TRY(library.bind(curl.multi_setopt, "curl_multi_setopt"));
  TRY(library.bind(curl.multi_add_handle, "curl_multi_add_handle"));
  TRY(library.bind(curl.multi_remove_handle, "curl_multi_remove_handle"));
  TRY(library.bind(curl.multi_perform, "curl_multi_perform"));
  TRY(library.bind(curl.multi_poll, "curl_multi_poll"));
  TRY(library.bind(curl.multi_wakeup, "curl_multi_wakeup"));
  TRY(library.bind(curl.multi_info_read, "curl_multi_info_read"));
  TRY(library.bind(curl.multi_cleanup, "curl_multi_cleanup"));
  TRY(library.bind(curl.slist_append, "curl_slist_append"));
  TRY(library.bind(curl.slist_free_all, "curl_slist_free_all"));
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return make_error(ErrorCode::internal, "cannot set libcurl up");
  }
  return curl;
}

}  // namespace

Result<const CurlLibrary*> load_curl() {
  static const Result<CurlLibrary> curl = load();
  if (!curl.has_value()) return curl.error();
  return &*curl;
}

}  // namespace runed::os
