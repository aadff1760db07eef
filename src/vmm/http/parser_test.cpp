#include "vmm/http/parser.h"

#include <gtest/gtest.h>

namespace bh::vmm::http {
namespace {

std::string error_of(std::string_view bytes) {
  RequestParser parser(100);
  parser.feed(bytes);
  auto const request = parser.next();
  if (!request) return request.error().message;
  return *request ? "a request" : "incomplete";
}

TEST(RequestParser, ReadsARequestWithItsBody) {
  RequestParser parser(100);
  parser.feed(
      "PUT /drives/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-Y:  z \r\n\r\n{\"a}");
  auto const request = parser.next();
  ASSERT_TRUE(request && *request);
  EXPECT_EQ((*request)->method, "PUT");
  EXPECT_EQ((*request)->target, "/drives/a");
  EXPECT_EQ((*request)->body, "{\"a}");
  EXPECT_TRUE((*request)->keep_alive);
  EXPECT_EQ(*(*request)->header("x-y"), "z");
  EXPECT_EQ((*request)->header("none"), nullptr);
}

TEST(RequestParser, ReadsRequestsThatArriveByteByByteAndBackToBack) {
  RequestParser parser(100);
  int requests = 0;
  for (char const letter :
       std::string("GET /a HTTP/1.1\r\n\r\n\r\nPUT /b HTTP/1.0\r\nContent-Length: "
                   "2\r\n\r\nxyGET /c HTTP/1.1\r\n\r\n")) {
    parser.feed({&letter, 1});
    auto const request = parser.next();
    ASSERT_TRUE(request);
    if (*request) ++requests;
  }
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(parser.size(), 0u);
}

TEST(RequestParser, TellsWhenTheClientWaitsToSend) {
  RequestParser parser(100);
  parser.feed("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(parser.next().value(), std::nullopt);
  EXPECT_TRUE(parser.take_continue());
  EXPECT_FALSE(parser.take_continue());
  parser.feed("ab");
  EXPECT_EQ((*parser.next().value()).body, "ab");
}

TEST(RequestParser, ClosesWhenAskedTo) {
  RequestParser parser(100);
  parser.feed("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(parser.next().value()->keep_alive);
  EXPECT_FALSE(parser.next().value()->keep_alive);
}

TEST(RequestParser, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(error_of("GET /\r\n\r\n"), "Invalid HTTP Request Line.");
  EXPECT_EQ(error_of("G(T / HTTP/1.1\r\n\r\n"), "Invalid HTTP Method.");
  EXPECT_EQ(error_of("GET /a b HTTP/1.1\r\n\r\n"), "Invalid URI.");
  EXPECT_EQ(error_of("GET / HTTP/2\r\n\r\n"), "Unsupported HTTP version.");
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), "Invalid header.");
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
            "Invalid value. Key:Content-Length");
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            "Two lengths of one body.");
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"),
            "The request's body of 101 bytes is larger than the limit of 100 bytes.");
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "Unsupported transfer encoding.");
  EXPECT_EQ(error_of(std::string(2000, 'a')),
            "A line of the request's head is longer than 1024 bytes.");
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 70; ++i) many += "a: b\r\n";
  EXPECT_EQ(error_of(many + "\r\n"), "Too many headers.");
}

TEST(Response, HasFirecrackersShape) {
  EXPECT_EQ(serialize({.status = 204}, "S"),
            "HTTP/1.1 204 \r\nServer: S\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(serialize({.status = 400, .body = "{}", .keep_alive = false}, "S"),
            "HTTP/1.1 400 \r\nServer: S\r\nConnection: close\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
}

}  // namespace
}  // namespace bh::vmm::http
