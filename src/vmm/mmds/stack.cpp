#include "vmm/mmds/stack.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>

#include "vmm/api/config.h"

namespace bh::vmm::mmds {

namespace {

constexpr Mac kMac{0x06, 0x01, 0x23, 0x45, 0x67, 0x01};
constexpr Ipv4 kDefaultAddress{169, 254, 169, 254};
constexpr std::uint16_t kPort = 80;

Ipv4 address_of(MmdsConfig const& config) {
  return config.ipv4_address ? parse_ipv4(*config.ipv4_address).value_or(kDefaultAddress)
                             : kDefaultAddress;
}

}  // namespace

Stack::Stack(MmdsConfig const& config, Store const& store)
    : us_{kMac, address_of(config)}, service_(config, store) {}

bool Stack::take(std::span<std::byte const> frame) {
  if (!is_for(frame, us_.ip)) return false;
  if (auto arp = answer_arp(frame, us_)) {
    made_.push_back(*std::move(arp));
  } else if (auto const segment = parse_segment(frame)) {
    take_segment(*segment);
  }
  for (auto& made : made_) {
    if (answers_.size() < kMaxAnswers) answers_.push_back(std::move(made));
  }
  made_.clear();
  return true;
}

void Stack::take_segment(Segment const& segment) {
  Peer const peer{segment.source, segment.source_port};
  auto found = connections_.find(peer);
  bool const opens = (segment.flags & (kSyn | kAck | kRst)) == kSyn;
  // The guest uses a port again that it has forgotten.
  if (opens && found != connections_.end()) {
    connections_.erase(found);
    found = connections_.end();
  }
  if (found == connections_.end()) {
    if (!opens || segment.destination_port != kPort) return refuse(segment);
    if (connections_.size() >= kMaxConnections) return refuse(segment);
    std::uint32_t isn = 0;
    [[maybe_unused]] ssize_t const count = ::getrandom(&isn, sizeof isn, 0);
    found = connections_.emplace(peer, std::make_unique<Connection>(segment, isn)).first;
  }
  found->second->take(segment, service_, std::chrono::steady_clock::now(), us_, made_);
  if (found->second->over()) connections_.erase(found);
}

/// RFC 9293, 3.5.2: what belongs to no connection is reset.
void Stack::refuse(Segment const& segment) {
  if ((segment.flags & kRst) != 0) return;
  std::uint32_t length = static_cast<std::uint32_t>(segment.data.size());
  if ((segment.flags & (kSyn | kFin)) != 0) ++length;
  bool const has_ack = (segment.flags & kAck) != 0;
  made_.push_back(make_frame(us_, segment,
                             {.sequence = has_ack ? segment.acknowledged : 0,
                              .acknowledged = has_ack ? 0 : segment.sequence + length,
                              .flags = static_cast<std::uint8_t>(has_ack ? kRst : kRst | kAck)}));
}

std::size_t Stack::answer(std::span<std::byte> out) {
  if (answers_.empty()) return 0;
  auto const frame = std::move(answers_.front());
  answers_.pop_front();
  std::ranges::copy(frame, out.begin());
  return frame.size();
}

}  // namespace bh::vmm::mmds
