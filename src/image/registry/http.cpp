#include "image/registry/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <mutex>

#include "image/limits.h"

namespace bh::image::registry {

namespace {

constexpr long kConnectSeconds = 30;
// Slower than this for so long is dead.
constexpr long kSlowestBytesPerSecond = 16;
constexpr long kSlowSeconds = 60;
constexpr long kMostRedirects = 10;
constexpr std::size_t kMostHeaders = 200;

struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// One request while it runs: what the library calls back with.
struct Exchange {
  CURL* curl;
  HttpRequest const& request;
  HttpReply reply;
  std::optional<Error> error;
  std::uint64_t sent = 0;

  long status() const {
    long status = 0;
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  std::string_view const text(data, size * count);
  auto const status = exchange.status();
  if (exchange.request.sink && status >= 200 && status < 300) {
    auto const taken = exchange.request.sink(status, std::as_bytes(std::span(text)));
    if (taken) return text.size();
    exchange.error = taken.error();
    return 0;
  }
  if (exchange.reply.body.size() + text.size() > kDocumentLimit) {
    exchange.error = Error{Errc::Corrupt, "the reply is longer than " + size_text(kDocumentLimit)};
    return 0;
  }
  exchange.reply.body += text;
  return text.size();
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  std::string_view line(data, size * count);
  // A status line starts a reply; those before were redirects or "100 Continue".
  if (line.starts_with("HTTP/")) exchange.reply.headers.clear();
  auto const colon = line.find(':');
  if (colon == line.npos || exchange.reply.headers.size() >= kMostHeaders) return size * count;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  auto value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0) {
    value.remove_suffix(1);
  }
  exchange.reply.headers.emplace(std::move(name), std::string(value));
  return size * count;
}

std::size_t give_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  auto const read = exchange.request.upload->read(
      exchange.sent, std::as_writable_bytes(std::span(data, size * count)));
  if (!read) {
    exchange.error = read.error();
    return CURL_READFUNC_ABORT;
  }
  exchange.sent += *read;
  return *read;
}

int rewind_body(void* context, curl_off_t offset, int /*origin*/) {
  static_cast<Exchange*>(context)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::string host_of(std::string const& url) {
  auto const start = url.find("://");
  auto const host = start == std::string::npos ? 0 : start + 3;
  return url.substr(host, url.find('/', host) - host);
}

Result<> check(CURLcode code, Exchange const& exchange, char const* words) {
  if (exchange.error) return std::unexpected(*exchange.error);
  if (code == CURLE_OK) return {};
  std::string text = words[0] != '\0' ? words : ::curl_easy_strerror(code);
  auto const host = host_of(exchange.request.url);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return fail(Errc::Timeout, host + ": " + text);
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(Errc::Denied, host + ": " + text +
                                    "; give its CA with --ca-file FILE, or trust it all the same "
                                    "with --insecure");
    case CURLE_SSL_CONNECT_ERROR:
      return fail(Errc::Io,
                  host + ": " + text + "; if the registry speaks plain HTTP, say --insecure");
    default: return fail(Errc::Io, host + ": " + text);
  }
}

}  // namespace

struct HttpClient::State {
  explicit State(Trust the_trust) : curl(::curl_easy_init()), trust(std::move(the_trust)) {}
  State(State const&) = delete;
  State& operator=(State const&) = delete;
  ~State() { ::curl_easy_cleanup(curl); }

  HeaderList prepare(Exchange& exchange) const;

  CURL* curl;
  Trust trust;
  char words[CURL_ERROR_SIZE] = {};
};

HttpClient::HttpClient(Trust trust) {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_ = std::make_unique<State>(std::move(trust));
}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

HeaderList HttpClient::State::prepare(Exchange& exchange) const {
  auto const& request = exchange.request;
  auto const* const schemes = trust.insecure ? "http,https" : "https";
  HeaderList headers;
  auto const add = [&](std::string const& line) {
    headers.reset(::curl_slist_append(headers.release(), line.c_str()));
  };
  for (auto const& line : request.headers) add(line);
  // A second's wait for peers that do not know it.
  add("Expect:");

  ::curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes);
  ::curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
  ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, request.upload ? 0L : 1L);
  ::curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowestBytesPerSecond);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  ::curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024);
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "bulkhead");
  ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, trust.insecure ? 0L : 1L);
  ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, trust.insecure ? 0L : 2L);
  if (!trust.ca_file.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, trust.ca_file.c_str());
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  if (request.method == "HEAD") ::curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (request.method == "POST") {
    ::curl_easy_setopt(curl, CURLOPT_POST, 1L);
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
  }
  if (request.upload) {
    ::curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    ::curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
                       static_cast<curl_off_t>(request.upload->size));
    ::curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
    ::curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
    ::curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, rewind_body);
    ::curl_easy_setopt(curl, CURLOPT_SEEKDATA, &exchange);
  }
  return headers;
}

Result<HttpReply> HttpClient::perform(HttpRequest const& request) {
  ::curl_easy_reset(state_->curl);
  state_->words[0] = '\0';
  ::curl_easy_setopt(state_->curl, CURLOPT_ERRORBUFFER, state_->words);
  Exchange exchange{.curl = state_->curl, .request = request, .reply = {}, .error = {}};
  auto const headers = state_->prepare(exchange);
  auto const code = ::curl_easy_perform(state_->curl);
  BH_TRY(check(code, exchange, state_->words));
  exchange.reply.status = exchange.status();
  return std::move(exchange.reply);
}

std::string HttpReply::header(std::string const& name) const {
  auto const found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::string url_escaped(std::string_view text) {
  std::string out;
  for (unsigned char const c : text) {
    if (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += "0123456789ABCDEF"[c >> 4];
      out += "0123456789ABCDEF"[c & 15];
    }
  }
  return out;
}

}  // namespace bh::image::registry
