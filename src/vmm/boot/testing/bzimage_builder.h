#pragma once

#include <asm/bootparam.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace bh::vmm::boot {

/// Makes bzImages around a compressed payload; header and promised size stay open to be spoilt
/// before build().
class BzImageBuilder {
 public:
  BzImageBuilder(std::vector<std::byte> payload, std::size_t unpacked_size)
      : promised_size(static_cast<std::uint32_t>(unpacked_size)), payload_(std::move(payload)) {
    header.setup_sects = kSetupSectors;
    header.boot_flag = 0xaa55;
    header.jump = 0x6aeb;  // Over all fields of protocol 2.15.
    header.header = 0x53726448;
    header.version = 0x020f;
    header.loadflags = 0x03;
    header.kernel_alignment = 0x200000;
    header.cmdline_size = 2047;
    header.payload_offset = kPayloadOffset;
    header.payload_length = static_cast<std::uint32_t>(payload_.size() + sizeof promised_size);
  }

  std::vector<std::byte> build() const {
    std::size_t const payload_at = (kSetupSectors + 1) * 512 + kPayloadOffset;
    std::vector<std::byte> file(payload_at + payload_.size() + sizeof promised_size);
    std::memcpy(file.data() + 0x1f1, &header, sizeof header);
    std::memcpy(file.data() + payload_at, payload_.data(), payload_.size());
    std::memcpy(file.data() + payload_at + payload_.size(), &promised_size, sizeof promised_size);
    return file;
  }

  setup_header header{};
  std::uint32_t promised_size;

 private:
  static constexpr std::uint8_t kSetupSectors = 1;
  static constexpr std::uint32_t kPayloadOffset = 0x40;

  std::vector<std::byte> payload_;
};

}  // namespace bh::vmm::boot
