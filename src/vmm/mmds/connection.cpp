#include "vmm/mmds/connection.h"

#include <algorithm>
#include <utility>

namespace bh::vmm::mmds {

namespace {

constexpr std::string_view kServerName = "MMDS";
constexpr std::uint32_t kDefaultSegment = 536;  // RFC 9293, 3.7.1: if nobody says.
constexpr std::uint32_t kLargestSegment = 1460;
// So often the guest repeats itself before we believe that it misses something.
constexpr unsigned kRepeats = 3;
// Answers that wait to be acknowledged: a guest that asks on and on waits for itself.
constexpr std::size_t kUnackedLimit = 256 * 1024;

}  // namespace

Connection::Connection(Segment const& syn, std::uint32_t isn)
    : next_(syn.sequence + 1),
      first_unacked_(isn),
      window_(syn.window),
      max_segment_(std::clamp<std::uint32_t>(syn.max_segment.value_or(kDefaultSegment), 64,
                                             kLargestSegment)) {}

void Connection::take_data(Segment const& segment, Service& service, Tokens::Time now) {
  bool const fin = (segment.flags & kFin) != 0;
  if (segment.data.empty() && !fin) return;
  must_acknowledge_ = true;
  // What is not the next byte was lost or is known; the acknowledgement says what we want.
  if (segment.sequence != next_ || guest_finished_) return;
  next_ += static_cast<std::uint32_t>(segment.data.size());
  if (fin) {
    ++next_;
    guest_finished_ = true;
  }
  if (!closing_) {
    parser_.feed({reinterpret_cast<char const*>(segment.data.data()), segment.data.size()});
  }
  while (!closing_ && unacked_.size() < kUnackedLimit) {
    auto request = parser_.next();
    if (!request) {
      http::Response const bad{.status = 400,
                               .body = request.error().message,
                               .content_type = "text/plain",
                               .keep_alive = false};
      unacked_ += http::serialize(bad, kServerName);
      closing_ = true;
    } else if (*request) {
      auto response = service.handle(**request, now);
      response.keep_alive = (*request)->keep_alive;
      closing_ = !response.keep_alive;
      unacked_ += http::serialize(response, kServerName);
    } else {
      break;
    }
  }
  if (guest_finished_) closing_ = true;
}

void Connection::take_acknowledgement(Segment const& segment) {
  window_ = segment.window;
  std::uint32_t acknowledged = segment.acknowledged - first_unacked_;
  if (!established_) {
    // Our SYN takes one number.
    if (acknowledged != 1) return;
    established_ = true;
    ++first_unacked_;
    return;
  }
  std::uint32_t const under_way = sent_ + (fin_sent_ ? 1 : 0);
  if (acknowledged == 0 || acknowledged > under_way) {
    bool const repeated = acknowledged == 0 && segment.data.empty() && under_way != 0;
    if (repeated && ++repeats_ >= kRepeats) {
      sent_ = 0;
      fin_sent_ = false;
      repeats_ = 0;
    }
    return;
  }
  repeats_ = 0;
  first_unacked_ += acknowledged;
  if (fin_sent_ && acknowledged == under_way) {
    over_ = guest_finished_;
    --acknowledged;
    ++fin_acknowledged_;
  }
  unacked_.erase(0, acknowledged);
  sent_ -= acknowledged;
}

void Connection::send(Segment const& peer, Address const& us,
                      std::vector<std::vector<std::byte>>& out) {
  auto const frame = [&](std::uint32_t sequence, std::uint8_t flags,
                         std::span<std::byte const> data = {}) {
    out.push_back(make_frame(us, peer,
                             {.sequence = sequence,
                              .acknowledged = next_,
                              .flags = flags,
                              .window = kWindow,
                              .data = data}));
    must_acknowledge_ = false;
  };
  if (!established_) return frame(first_unacked_, kSyn | kAck);
  if (fin_acknowledged_ == 0) {
    while (sent_ < unacked_.size() && sent_ < window_) {
      auto const size = std::min(
          {static_cast<std::uint32_t>(unacked_.size()) - sent_, window_ - sent_, max_segment_});
      frame(first_unacked_ + sent_, kAck | kPsh,
            std::as_bytes(std::span(unacked_).subspan(sent_, size)));
      sent_ += size;
    }
    if (closing_ && !fin_sent_ && sent_ == unacked_.size()) {
      frame(first_unacked_ + sent_, kAck | kFin);
      fin_sent_ = true;
    }
  }
  if (must_acknowledge_)
    frame(first_unacked_ + sent_ + (fin_sent_ && fin_acknowledged_ == 0 ? 1 : 0), kAck);
}

void Connection::take(Segment const& segment, Service& service, Tokens::Time now, Address const& us,
                      std::vector<std::vector<std::byte>>& out) {
  if ((segment.flags & kRst) != 0) {
    over_ = true;
    return;
  }
  // A SYN again: our answer was lost.
  if ((segment.flags & kSyn) != 0) {
    if (!established_) send(segment, us, out);
    return;
  }
  if ((segment.flags & kAck) == 0) return;
  take_acknowledgement(segment);
  if (over_ || !established_) return;
  take_data(segment, service, now);
  send(segment, us, out);
  // Both have finished, and the guest knows of it.
  over_ = guest_finished_ && fin_acknowledged_ != 0;
}

}  // namespace bh::vmm::mmds
