#pragma once

#include <linux/fuse.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/fs/server.h"

namespace bh::vmm::virtio::testing {

/// Plays the guest's kernel for an FsServer: one request, one answer. Needs no GoogleTest.
class FuseClient {
 public:
  struct Answer {
    int error = 0;           // errno, or 0.
    std::string payload;     // After the header.
    std::uint32_t size = 0;  // What the device says it wrote.

    template <typename T>
    T as(std::size_t offset = 0) const {
      T object{};
      if (offset + sizeof object <= payload.size()) {
        std::memcpy(&object, payload.data() + offset, sizeof object);
      }
      return object;
    }
  };

  explicit FuseClient(FsServer& server) : server_(server) {}

  /// `body` is all after the header. `room` is for the payload of the answer.
  Answer call(std::uint32_t opcode, std::uint64_t node, std::string_view body,
              std::uint32_t room = 4096) {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = node;
    header.uid = uid;
    header.gid = gid;
    std::string request(reinterpret_cast<char const*>(&header), sizeof header);
    request += body;
    return send(request, room);
  }
  template <typename T>
  Answer call(std::uint32_t opcode, std::uint64_t node, T const& arguments, std::string_view more,
              std::uint32_t room = 4096) {
    std::string body(reinterpret_cast<char const*>(&arguments), sizeof arguments);
    body += more;
    return call(opcode, node, body, room);
  }
  Answer send(std::string_view request, std::uint32_t room) {
    [[maybe_unused]] auto const put = memory_.write(kRequest, std::as_bytes(std::span(request)));
    auto const in = static_cast<std::uint32_t>(request.size());
    auto const out = static_cast<std::uint32_t>(room + sizeof(fuse_out_header));
    Chain chain;
    // In two pieces, as Linux hands over pages.
    chain.readable = {segment(kRequest, in / 2), segment(kRequest + in / 2, in - in / 2)};
    chain.writable = {segment(kAnswer, out / 2), segment(kAnswer + out / 2, out - out / 2)};
    Answer answer;
    answer.size = server_.answer(memory_, chain);
    if (answer.size < sizeof(fuse_out_header)) return answer;
    auto const head = memory_.read_object<fuse_out_header>(kAnswer);
    answer.error = -head->error;
    answer.payload.resize(answer.size - sizeof(fuse_out_header));
    [[maybe_unused]] auto const got = memory_.read(
        kAnswer + sizeof(fuse_out_header), std::as_writable_bytes(std::span(answer.payload)));
    return answer;
  }
  Answer start() {
    fuse_init_in init{};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    init.flags = ~0U;
    return call(FUSE_INIT, 0, init, "");
  }
  /// The node of `name`, or 0.
  std::uint64_t look_up(std::string_view name, std::uint64_t parent = 1) {
    auto const answer = call(FUSE_LOOKUP, parent, terminated(name));
    return answer.error == 0 ? answer.as<fuse_entry_out>().nodeid : 0;
  }
  Answer open(std::uint64_t node, int flags, std::uint32_t opcode = FUSE_OPEN) {
    fuse_open_in wanted{};
    wanted.flags = static_cast<std::uint32_t>(flags);
    return call(opcode, node, wanted, "");
  }
  Answer create(std::string_view name, int flags, mode_t mode, std::uint64_t parent = 1) {
    fuse_create_in wanted{};
    wanted.flags = static_cast<std::uint32_t>(flags);
    wanted.mode = S_IFREG | mode;
    return call(FUSE_CREATE, parent, wanted, terminated(name));
  }
  Answer read(std::uint64_t handle, std::uint64_t offset, std::uint32_t size,
              std::uint32_t opcode = FUSE_READ) {
    fuse_read_in wanted{};
    wanted.fh = handle;
    wanted.offset = offset;
    wanted.size = size;
    return call(opcode, 1, wanted, "", size);
  }
  Answer write(std::uint64_t handle, std::uint64_t offset, std::string_view bytes) {
    fuse_write_in wanted{};
    wanted.fh = handle;
    wanted.offset = offset;
    wanted.size = static_cast<std::uint32_t>(bytes.size());
    return call(FUSE_WRITE, 1, wanted, bytes);
  }
  static std::string terminated(std::string_view name) { return std::string(name) + '\0'; }

  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

 private:
  static constexpr GuestAddress kRequest{0x1000};
  static constexpr GuestAddress kAnswer{0x20000};

  Segment segment(GuestAddress address, std::uint32_t size) {
    return {.address = address, .bytes = {memory_.host_address(address, size), size}};
  }

  FsServer& server_;
  GuestMemory memory_ = std::move(GuestMemory::create(std::uint64_t{1} << 18).value());
  std::uint64_t unique_ = 0;
};

}  // namespace bh::vmm::virtio::testing
