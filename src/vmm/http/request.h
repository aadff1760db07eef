#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bh::vmm::http {

/// A request as it came (RFC 9112), with its body whole.
struct Request {
  std::string method;
  std::string target;  // As in the request line: "/drives/rootfs".
  bool keep_alive = true;
  std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.
  std::string body;

  /// The value of the first header with this name, which is in lower case; else nullptr.
  std::string const* header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  bool keep_alive = true;
};

/// The response as bytes. Like Firecracker's, its status line carries no reason.
std::string serialize(Response const& response, std::string_view server);

}  // namespace bh::vmm::http
