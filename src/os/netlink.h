#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::os {

/// One request of rtnetlink(7): a fixed part and attributes.
class NetlinkRequest {
 public:
  template <typename Fixed>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, Fixed const& fixed)
      : type_(type), flags_(flags) {
    append(&fixed, sizeof fixed);
  }

  NetlinkRequest& attribute(std::uint16_t type, std::span<std::byte const> value);
  NetlinkRequest& attribute(std::uint16_t type, std::uint32_t value);
  /// With the NUL at its end.
  NetlinkRequest& attribute(std::uint16_t type, std::string const& value);

  /// Attributes within one: what `add` adds to the request.
  NetlinkRequest& nested(std::uint16_t type, std::function<void(NetlinkRequest&)> const& add);
  /// A fixed part within an attribute.
  template <typename Fixed>
  NetlinkRequest& fixed(Fixed const& value) {
    append(&value, sizeof value);
    return *this;
  }

  /// The whole message.
  std::string bytes(std::uint32_t serial) const;
  bool is_dump() const { return (flags_ & NLM_F_DUMP) == NLM_F_DUMP; }

 private:
  void append(void const* value, std::size_t size);

  std::uint16_t type_;
  std::uint16_t flags_;
  std::string payload_;
};

/// Calls take(type, value) for each attribute behind the fixed part of a message.
void each_attribute(std::string_view bytes,
                    std::function<void(std::uint16_t, std::string_view)> const& take);

/// A socket of the network namespace in which it was opened, wherever the process goes.
class NetlinkSocket {
 public:
  static Result<NetlinkSocket> open();
  /// In the network namespace that `target` refers to. The calling thread goes there and comes
  /// back.
  static Result<NetlinkSocket> open_in(UniqueFd const& target);

  /// Sends, and waits for the kernel's verdict. take(payload) gets each message of a dump.
  Result<> request(NetlinkRequest const& request,
                   std::function<void(std::string_view)> const& take = {});

 private:
  explicit NetlinkSocket(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  std::uint32_t serial_ = 0;
};

}  // namespace bh::os
