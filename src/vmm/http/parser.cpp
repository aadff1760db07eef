#include "vmm/http/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace bh::vmm::http {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// RFC 9110, 5.6.2: what names are made of.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || kOthers.find(letter) != kOthers.npos;
  });
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 0x7f; });
}

std::unexpected<Error> bad(std::string words) {
  return fail(Errc::Invalid, std::move(words));
}

}  // namespace

Result<std::optional<Request>> RequestParser::next() {
  bool const whole_head = BH_TRY(parse_head());
  if (!whole_head || buffer_.size() - used_ < body_size_) {
    buffer_.erase(0, std::exchange(used_, 0));
    return std::nullopt;
  }
  request_.body = buffer_.substr(used_, body_size_);
  buffer_.erase(0, used_ + body_size_);
  used_ = body_size_ = 0;
  part_ = Part::RequestLine;
  has_length_ = expects_continue_ = false;
  return std::exchange(request_, {});
}

bool RequestParser::take_continue() {
  return part_ == Part::Body && std::exchange(expects_continue_, false);
}

Result<std::optional<std::string_view>> RequestParser::take_line() {
  auto const rest = std::string_view(buffer_).substr(used_);
  auto const end = rest.find("\r\n");
  // The last byte of what has no end yet may be the first of its end.
  if (end == rest.npos ? rest.size() > kLineLimit + 1 : end > kLineLimit) {
    return bad(fmt::format("A line of the request's head is longer than {} bytes.", kLineLimit));
  }
  if (end == rest.npos) return std::nullopt;
  used_ += end + 2;
  return rest.substr(0, end);
}

Result<bool> RequestParser::parse_head() {
  while (part_ != Part::Body) {
    auto const line = BH_TRY(take_line());
    if (!line) return false;
    if (part_ == Part::RequestLine) {
      // 2.2: empty lines before a request are ignored.
      if (line->empty()) continue;
      BH_TRY(parse_request_line(*line));
      part_ = Part::Headers;
    } else if (line->empty()) {
      part_ = Part::Body;
    } else {
      BH_TRY(parse_header(*line));
    }
  }
  return true;
}

Result<> RequestParser::parse_request_line(std::string_view line) {
  auto const first = line.find(' ');
  auto const last = line.rfind(' ');
  if (first == line.npos || first == last) return bad("Invalid HTTP Request Line.");
  auto const method = line.substr(0, first);
  auto const target = line.substr(first + 1, last - first - 1);
  auto const version = line.substr(last + 1);
  if (!is_token(method)) return bad("Invalid HTTP Method.");
  if (target.empty() || !is_visible(target)) return bad("Invalid URI.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("Unsupported HTTP version.");
  request_.method = method;
  request_.target = target;
  // "http://localhost/path", as to a proxy.
  if (auto const scheme = target.find("://"); target.front() != '/' && scheme != target.npos) {
    auto const path = target.find('/', scheme + 3);
    request_.target = path == target.npos ? "/" : target.substr(path);
  }
  request_.keep_alive = version == "HTTP/1.1";
  return {};
}

Result<> RequestParser::parse_header(std::string_view line) {
  auto const colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return bad("Invalid header.");
  if (request_.headers.size() == kHeaderLimit) return bad("Too many headers.");
  auto const name = lower(line.substr(0, colon));
  auto const value = trim(line.substr(colon + 1));
  if (name == "content-length") {
    std::size_t size = 0;
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
    if (error != std::errc() || end != value.data() + value.size() || value.empty()) {
      return bad("Invalid value. Key:Content-Length");
    }
    if (has_length_ && size != body_size_) return bad("Two lengths of one body.");
    if (size > body_limit_) {
      return bad(fmt::format("The request's body of {} bytes is larger than the limit of {} bytes.",
                             size, body_limit_));
    }
    has_length_ = true;
    body_size_ = size;
  } else if (name == "transfer-encoding") {
    return bad("Unsupported transfer encoding.");
  } else if (name == "connection") {
    if (lower(value) == "close") request_.keep_alive = false;
    if (lower(value) == "keep-alive") request_.keep_alive = true;
  } else if (name == "expect") {
    if (lower(value) != "100-continue") return bad("Unsupported expectation.");
    expects_continue_ = true;
  }
  request_.headers.emplace_back(name, value);
  return {};
}

}  // namespace bh::vmm::http
