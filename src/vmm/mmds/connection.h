#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "vmm/http/parser.h"
#include "vmm/mmds/frames.h"
#include "vmm/mmds/service.h"

namespace bh::vmm::mmds {

/// The server's end of one TCP connection (RFC 9293) on a wire that loses nothing but what the
/// guest drops: it sends again when the guest repeats itself, and has no timers.
class Connection {
 public:
  /// What a request may hold, as Firecracker has it.
  static constexpr std::size_t kRequestLimit = 2500;
  static constexpr std::uint16_t kWindow = 2500;

  /// `syn` opened it; `isn` is our first sequence number.
  Connection(Segment const& syn, std::uint32_t isn);

  /// Takes a segment and appends frames to `out`. `text` of requests goes to `service`.
  void take(Segment const& segment, Service& service, Tokens::Time now, Address const& us,
            std::vector<std::vector<std::byte>>& out);
  bool over() const { return over_; }

 private:
  void take_data(Segment const& segment, Service& service, Tokens::Time now);
  void take_acknowledgement(Segment const& segment);
  void send(Segment const& peer, Address const& us, std::vector<std::vector<std::byte>>& out);

  http::RequestParser parser_{kRequestLimit};
  std::uint32_t next_;           // That the guest sends.
  std::uint32_t first_unacked_;  // That we sent.
  std::uint32_t sent_ = 0;       // Bytes of unacked_ that are under way.
  std::string unacked_;
  std::uint32_t window_;
  std::uint32_t max_segment_;
  unsigned repeats_ = 0;
  bool established_ = false;
  bool must_acknowledge_ = false;
  bool guest_finished_ = false;
  bool closing_ = false;  // A FIN follows what is in unacked_.
  bool fin_sent_ = false;
  unsigned fin_acknowledged_ = 0;
  bool over_ = false;
};

}  // namespace bh::vmm::mmds
