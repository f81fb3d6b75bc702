#include "bootstrap/fetch/fetch_error.hpp"

namespace runed::bootstrap {

Failure refused_offline(const std::string& url) {
  return {cannot_fetch(ErrorCode::network, url, "the network is not to be used")
              .with_hint("leave --offline out, or install from a bundle with --from"),
          Failure::Remedy::next_url};
}

}  // namespace runed::bootstrap
