#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "vmm/http/request.h"

namespace bh::vmm::http {

/// Cuts a stream of bytes into requests (RFC 9112): the part of HTTP/1.1 that Firecracker's API and
/// metadata service use. Not there: chunked bodies, trailers, upgrades, continued header lines.
///
/// After an error nothing more can be read from the stream.
class RequestParser {
 public:
  /// What one line of the head may have, and how many of them: all is hostile and held in memory.
  static constexpr std::size_t kLineLimit = 1024;
  static constexpr std::size_t kHeaderLimit = 64;

  explicit RequestParser(std::size_t body_limit) : body_limit_(body_limit) {}

  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole request; nothing if more bytes are needed first. Errc::Invalid for what is not
  /// HTTP, in words for the client.
  Result<std::optional<Request>> next();
  /// Whether the client waits to be told to send its body; once for each request.
  bool take_continue();
  /// Bytes held.
  std::size_t size() const { return buffer_.size() + request_.body.size(); }

 private:
  Result<bool> parse_head();
  Result<std::optional<std::string_view>> take_line();
  Result<> parse_request_line(std::string_view line);
  Result<> parse_header(std::string_view line);

  std::size_t const body_limit_;
  std::string buffer_;
  std::size_t used_ = 0;  // Bytes of buffer_ that are parsed.
  Request request_;
  enum class Part : std::uint8_t { RequestLine, Headers, Body } part_ = Part::RequestLine;
  std::size_t body_size_ = 0;
  bool has_length_ = false;
  bool expects_continue_ = false;
};

}  // namespace bh::vmm::http
