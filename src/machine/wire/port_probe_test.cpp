#include "machine/wire/port_probe.h"

#include <gtest/gtest.h>

namespace bh::machine::wire {
namespace {

TEST(HttpStatus, IsThatOfTheFirstLine) {
  EXPECT_EQ(http_status_of("HTTP/1.1 204 No Content\r\n"), 204);
  EXPECT_EQ(http_status_of("HTTP/1.0 500"), 500);
  for (auto const* const text : {"", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1  204", "HTTP/2 200 OK",
                                 "HTTP/1.1 2x0", "200 OK"}) {
    EXPECT_EQ(http_status_of(text), 0) << text;
  }
}

}  // namespace
}  // namespace bh::machine::wire
