#include "vmm/mmds/stack.h"

#include <gtest/gtest.h>

namespace bh::vmm::mmds {
namespace {

constexpr Mac kGuestMac{2, 0, 0, 0, 0, 1};
constexpr Ipv4 kGuestIp{172, 16, 0, 2};
constexpr Ipv4 kServiceIp{169, 254, 169, 254};

/// A guest's TCP, made of the same frames with the ends exchanged.
class StackTest : public ::testing::Test {
 protected:
  void use(MmdsConfig const& config) { stack_.emplace(config, store_); }
  void SetUp() override {
    EXPECT_TRUE(store_.put(R"({"latest":{"id":"i-1","n":5}})"));
    use({});
  }

  void send(std::uint8_t flags, std::string_view text = "") {
    // Seen from the guest, the service is the peer.
    Segment service{
        .source_mac = {}, .source = kServiceIp, .source_port = 80, .destination_port = 4000};
    auto const frame = make_frame({kGuestMac, kGuestIp}, service,
                                  {.sequence = sequence_,
                                   .acknowledged = expected_,
                                   .flags = flags,
                                   .window = 60000,
                                   .data = std::as_bytes(std::span(text))});
    EXPECT_TRUE(stack_->wants(std::span(frame).first(42)));
    EXPECT_TRUE(stack_->take(frame));
    sequence_ += static_cast<std::uint32_t>(text.size()) + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
    receive();
  }
  /// Takes what was answered: text_ and flags_.
  void receive() {
    flags_ = 0;
    std::vector<std::byte> frame(2048);
    while (auto const size = stack_->answer(frame)) {
      auto const segment = parse_segment(std::span(frame).first(size));
      ASSERT_TRUE(segment);
      flags_ |= segment->flags;
      if ((segment->flags & kSyn) != 0) expected_ = segment->sequence + 1;
      if (segment->sequence != expected_) continue;
      text_ +=
          std::string(reinterpret_cast<char const*>(segment->data.data()), segment->data.size());
      expected_ += static_cast<std::uint32_t>(segment->data.size());
      if ((segment->flags & kFin) != 0) ++expected_;
    }
  }
  std::string ask(std::string const& request) {
    ++port_;
    text_.clear();
    sequence_ = 1000;
    expected_ = 0;
    send(kSyn);
    EXPECT_EQ(flags_, kSyn | kAck);
    send(kAck);
    send(kAck | kPsh, request);
    send(kAck);
    send(kAck | kFin);
    send(kAck);
    return text_;
  }
  static std::string body_of(std::string const& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  Store store_{10'000};
  std::optional<Stack> stack_;
  std::uint32_t sequence_ = 1000;
  std::uint32_t expected_ = 0;
  std::uint16_t port_ = 4000;
  std::uint8_t flags_ = 0;
  std::string text_;
};

TEST_F(StackTest, AnswersRequestsOverTcp) {
  auto const answer = ask("GET /latest/id HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_EQ(body_of(answer), "i-1");
  EXPECT_TRUE(ask("GET /none HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("GET /latest/n HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 501 "));
  EXPECT_TRUE(ask("DELETE / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_EQ(body_of(ask("GET /latest HTTP/1.1\r\nAccept: application/json\r\n\r\n")),
            R"({"id":"i-1","n":5})");
}

TEST_F(StackTest, WantsATokenInVersionTwo) {
  use({.version = MmdsVersion::V2});
  EXPECT_TRUE(ask("GET /latest/id HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401 "));
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nX-metadata-token: no\r\n\r\n").starts_with("HTTP/1.1 401 "));
  EXPECT_TRUE(ask("PUT /latest/api/token HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
  std::string const put = "PUT /latest/api/token HTTP/1.1\r\nX-metadata-token-ttl-seconds: ";
  EXPECT_TRUE(ask(put + "0\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(put + "21601\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(put + "60\r\nX-Forwarded-For: a\r\n\r\n").starts_with("HTTP/1.1 400 "));
  auto const token = body_of(ask(put + "60\r\n\r\n"));
  EXPECT_EQ(body_of(ask("GET /latest/id HTTP/1.1\r\nX-metadata-token: " + token + "\r\n\r\n")),
            "i-1");
}

TEST_F(StackTest, SendsLongAnswersInSegmentsAndAgainWhenAsked) {
  std::string const value(9000, 'v');
  ASSERT_TRUE(store_.put("{\"a\":\"" + value + "\"}"));
  EXPECT_EQ(body_of(ask("GET /a HTTP/1.1\r\n\r\n")), value);
  sequence_ = 5000;
  text_.clear();
  send(kSyn);
  send(kAck);
  auto const start = expected_;
  send(kAck | kPsh, "GET /a HTTP/1.1\r\n\r\n");
  // As if all of it was lost.
  expected_ = start;
  text_.clear();
  for (int i = 0; i < 3; ++i) send(kAck);
  EXPECT_EQ(body_of(text_), value);
}

TEST_F(StackTest, TakesRequestsInPieces) {
  send(kSyn);
  send(kAck);
  for (char const letter : std::string("GET /latest/id HTTP/1.1\r\n\r\n")) send(kAck, {&letter, 1});
  send(kAck);
  EXPECT_EQ(body_of(text_), "i-1");
}

TEST_F(StackTest, ResetsWhatBelongsToNoConnection) {
  send(kAck, "x");
  EXPECT_EQ(flags_, kRst);
}

TEST_F(StackTest, AnswersArpForItsAddressOnly) {
  std::vector<std::uint8_t> const request{
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,   0,  0, 0, 1, 8, 6, 0, 1, 8, 0,   6,   4,   0,
      1,    2,    0,    0,    0,    0,    1, 172, 16, 0, 2, 0, 0, 0, 0, 0, 0, 169, 254, 169, 254};
  auto const bytes = std::as_bytes(std::span(request));
  ASSERT_TRUE(stack_->wants(bytes));
  ASSERT_TRUE(stack_->take(bytes));
  std::array<std::byte, 100> answer{};
  ASSERT_EQ(stack_->answer(answer), 42u);
  EXPECT_EQ(answer[21], std::byte{2}) << "a reply";
  EXPECT_EQ(answer[22], std::byte{6}) << "our address";
  auto other = request;
  other[41] = 1;
  EXPECT_FALSE(stack_->wants(std::as_bytes(std::span(other))));
}

TEST_F(StackTest, HoldsALimitedNumberOfConnections) {
  int refused = 0;
  for (std::uint16_t port = 0; port < 40; ++port) {
    Segment service{.source = kServiceIp, .source_port = 80, .destination_port = port};
    auto const frame =
        make_frame({kGuestMac, kGuestIp}, service, {.sequence = 1, .flags = kSyn, .window = 1});
    stack_->take(frame);
    receive();
    refused += (flags_ & kRst) != 0;
  }
  EXPECT_EQ(refused, 10);
}

TEST(Tokens, EndAfterTheirTime) {
  Tokens tokens;
  Tokens::Time const now{};
  auto const token = tokens.create(5, now);
  EXPECT_TRUE(tokens.valid(token, now));
  EXPECT_FALSE(tokens.valid(token, now + std::chrono::seconds(5)));
  EXPECT_FALSE(tokens.valid("x", now));
  for (std::size_t i = 0; i < Tokens::kMost; ++i) tokens.create(5, now);
  EXPECT_FALSE(tokens.valid(token, now)) << "the oldest is forgotten";
}

}  // namespace
}  // namespace bh::vmm::mmds
