#include "vmm/boot/acpi/table.h"

#include "vmm/boot/checksum.h"

namespace bh::vmm::boot {

namespace {

constexpr std::size_t kLengthOffset = 4;
constexpr std::size_t kChecksumOffset = 9;
constexpr std::string_view kCreator = "BLKH";

}  // namespace

AcpiTable::AcpiTable(std::string_view signature, std::uint8_t revision) {
  add(std::as_bytes(std::span(signature)));
  add(0, 4);  // Length.
  add(revision, 1);
  add(0, 1);  // Checksum.
  add(std::as_bytes(std::span(kAcpiOem)));
  add(std::as_bytes(std::span(kAcpiOemTable)));
  add(1, 4);
  add(std::as_bytes(std::span(kCreator)));
  add(1, 4);
}

AcpiTable& AcpiTable::add(std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(value >> 8 * i));
  return *this;
}

AcpiTable& AcpiTable::add(std::span<std::byte const> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

AcpiTable& AcpiTable::add_zeros(std::size_t count) {
  bytes_.resize(bytes_.size() + count);
  return *this;
}

std::vector<std::byte> AcpiTable::finish() && {
  for (std::size_t i = 0; i < 4; ++i) {
    bytes_[kLengthOffset + i] = static_cast<std::byte>(bytes_.size() >> 8 * i);
  }
  bytes_[kChecksumOffset] = static_cast<std::byte>(checksum(bytes_));
  return std::move(bytes_);
}

}  // namespace bh::vmm::boot
