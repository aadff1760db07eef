#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vmm/http/parser.h"

/// The stream in pieces of the size that the first byte says must give what it gives as a whole.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using bh::vmm::http::RequestParser;
  if (size == 0) return 0;
  std::string_view const stream(reinterpret_cast<char const*>(data + 1), size - 1);
  std::size_t const step = data[0] % 16 + 1;
  std::size_t whole = 0;
  std::size_t pieces = 0;
  RequestParser one(256);
  one.feed(stream);
  for (auto request = one.next(); request && *request; request = one.next()) ++whole;
  RequestParser other(256);
  bool failed = false;
  for (std::size_t at = 0; at < stream.size() && !failed; at += step) {
    other.feed(stream.substr(at, step));
    auto request = other.next();
    for (; request && *request; request = other.next()) ++pieces;
    other.take_continue();
    failed = !request;
  }
  if (whole != pieces) std::abort();
  return 0;
}
