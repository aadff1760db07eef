#include "vmm/http/request.h"

#include <fmt/format.h>

namespace bh::vmm::http {

std::string const* Request::header(std::string_view name) const {
  for (auto const& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string serialize(Response const& response, std::string_view server) {
  auto text = fmt::format("HTTP/1.1 {} \r\nServer: {}\r\nConnection: {}\r\n", response.status,
                          server, response.keep_alive ? "keep-alive" : "close");
  for (auto const& [name, value] : response.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!response.body.empty()) {
    text += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", response.content_type,
                        response.body.size());
  } else if (response.status != 204 && response.status != 100) {
    text += "Content-Length: 0\r\n";
  }
  return text + "\r\n" + response.body;
}

}  // namespace bh::vmm::http
