#include "vmm/mmds/service.h"

#include <charconv>
#include <string>
#include <utility>

namespace bh::vmm::mmds {

namespace {

constexpr std::string_view kTtlHeader = "x-metadata-token-ttl-seconds";
constexpr std::string_view kAwsTtlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
constexpr std::string_view kTokenHeader = "x-metadata-token";
constexpr std::string_view kAwsTokenHeader = "x-aws-ec2-metadata-token";

http::Response plain(int status, std::string text) {
  return {.status = status, .body = std::move(text), .content_type = "text/plain"};
}

/// Either name will do.
std::string const* header(http::Request const& request, std::string_view name,
                          std::string_view other) {
  auto const* const value = request.header(name);
  return value != nullptr ? value : request.header(other);
}

std::uint64_t parse_seconds(std::string const& text) {
  std::uint64_t seconds = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() && end == text.data() + text.size() ? seconds : 0;
}

}  // namespace

http::Response Service::handle(http::Request const& request, Tokens::Time now) {
  if (request.method == "PUT") return create_token(request, now);
  if (request.method == "GET") return get(request, now);
  auto response = plain(405, "Not allowed HTTP method.");
  response.headers.emplace_back("Allow", "GET, PUT");
  return response;
}

http::Response Service::create_token(http::Request const& request, Tokens::Time now) {
  // Who forwards for others must not hand out tokens.
  if (request.header("x-forwarded-for") != nullptr) {
    return plain(400, "Invalid header. Reason: Unsupported value. Key:X-Forwarded-For");
  }
  if (request.target != "/latest/api/token") {
    return plain(404, "Resource not found: " + request.target + ".");
  }
  auto const* const wanted = header(request, kTtlHeader, kAwsTtlHeader);
  if (wanted == nullptr) {
    return plain(400,
                 "Token time to live value not found. Use `X-metadata-token-ttl-seconds` or "
                 "`X-aws-ec2-metadata-token-ttl-seconds` header to specify the token's lifetime.");
  }
  auto const seconds = parse_seconds(*wanted);
  if (seconds < 1 || seconds > Tokens::kLongestSeconds) {
    return plain(400, "Invalid time to live value provided for token: " + *wanted +
                          ". Please provide a value between 1 and " +
                          std::to_string(Tokens::kLongestSeconds) + ".");
  }
  auto response = plain(200, tokens_.create(seconds, now));
  response.headers.emplace_back("X-metadata-token-ttl-seconds", std::to_string(seconds));
  return response;
}

http::Response Service::get(http::Request const& request, Tokens::Time now) {
  if (config_.version == MmdsVersion::V2) {
    auto const* const token = header(request, kTokenHeader, kAwsTokenHeader);
    if (token == nullptr) {
      return plain(401,
                   "No MMDS token provided. Use `X-metadata-token` or `X-aws-ec2-metadata-token` "
                   "header to specify the session token.");
    }
    if (!tokens_.valid(*token, now)) return plain(401, "MMDS token not valid.");
  }
  auto const* const accept = request.header("accept");
  bool const json =
      !config_.imds_compat && accept != nullptr && accept->find("application/json") != accept->npos;
  auto found = store_.lookup(request.target, json ? Store::Format::Json : Store::Format::Imds);
  if (found) {
    return {.status = 200,
            .body = *std::move(found),
            .content_type = json ? "application/json" : "text/plain"};
  }
  return plain(found.error().code == Errc::NotFound ? 404 : 501, found.error().message);
}

}  // namespace bh::vmm::mmds
