#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace bh::vmm::boot {

/// Who made the tables, in all of them.
inline constexpr std::string_view kAcpiOem = "BULKHD";
inline constexpr std::string_view kAcpiOemTable = "BULKHEAD";

/// An ACPI table under construction: the header of ACPI 6.3, 5.2.6, then what is added,
/// little-endian.
class AcpiTable {
 public:
  AcpiTable(std::string_view signature, std::uint8_t revision);

  AcpiTable& add(std::uint64_t value, std::size_t size);
  AcpiTable& add(std::span<std::byte const> bytes);
  AcpiTable& add_zeros(std::size_t count);

  std::size_t size() const { return bytes_.size(); }
  /// With length and checksum filled in.
  std::vector<std::byte> finish() &&;

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace bh::vmm::boot
