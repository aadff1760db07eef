#pragma once

#include <linux/fuse.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/chain.h"
#include "vmm/virtio/fs/outcome.h"

namespace bh::vmm::virtio {

/// One request of FUSE in a chain: a header, arguments and perhaps bytes on the way in; a header
/// and a payload on the way out. Everything is copied out of the guest's reach before it is looked
/// at, but for the bytes of files.
class FuseRequest {
 public:
  // The longest strings of a request: a name and the target of a symbolic link.
  static constexpr std::size_t kMaxStrings = 4096 + 256 + 2;

  FuseRequest(GuestMemory& memory, Chain const& chain)
      : memory_(memory),
        input_(chain.readable),
        head_(memory, chain.writable),
        output_(memory, chain.writable) {
    output_.skip(sizeof(fuse_out_header));
  }

  /// False if the chain has no whole header.
  bool read_header() {
    auto const header = input_.read_object<fuse_in_header>();
    if (header) header_ = *header;
    return header.has_value();
  }
  fuse_in_header const& header() const { return header_; }

  /// EINVAL if the chain ends before.
  template <typename T>
  Outcome<T> arguments() {
    auto const object = input_.read_object<T>();
    if (!object) return refuse(EINVAL);
    return *object;
  }
  /// The strings at the end, each with its zero byte; EINVAL if there are fewer than `count`.
  Outcome<std::vector<std::string>> strings(std::size_t count);
  Outcome<std::string> string() {
    auto all = strings(1);
    if (!all) return refuse(all.error());
    return std::move(all->front());
  }
  /// At most `size` bytes of what is left, for a file.
  Outcome<std::vector<Segment>> bytes_in(std::uint32_t size);
  /// Room for at most `size` bytes of a file; written() says how many there are.
  std::vector<Segment> bytes_out(std::uint32_t size);
  void written(std::span<Segment const> room, std::uint32_t size);

  std::uint32_t room() const { return output_.left(); }
  template <typename T>
  Outcome<> reply(T const& object) {
    static_assert(std::is_trivially_copyable_v<T>);
    return reply_bytes(std::as_bytes(std::span(&object, 1)));
  }
  /// EMSGSIZE if it does not fit; then nothing is written.
  Outcome<> reply_bytes(std::span<std::byte const> bytes);

  /// Writes the header of the answer; returns all bytes of it, or 0 if there is no room for one.
  std::uint32_t finish(Outcome<> const& outcome);

 private:
  GuestMemory& memory_;
  ChainReader input_;
  ChainWriter head_;
  ChainWriter output_;
  fuse_in_header header_{};
  std::uint32_t payload_ = 0;
};

}  // namespace bh::vmm::virtio
