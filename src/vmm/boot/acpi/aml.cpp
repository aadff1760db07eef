#include "vmm/boot/acpi/aml.h"

#include <algorithm>
#include <array>

namespace bh::vmm::boot::aml {

namespace {

// ACPI 6.3, 20.3, "AML Byte Stream Byte Values".
constexpr unsigned kZeroOp = 0x00;
constexpr unsigned kOneOp = 0x01;
constexpr unsigned kNameOp = 0x08;
constexpr unsigned kBytePrefix = 0x0a;
constexpr unsigned kWordPrefix = 0x0b;
constexpr unsigned kDWordPrefix = 0x0c;
constexpr unsigned kStringPrefix = 0x0d;
constexpr unsigned kQWordPrefix = 0x0e;
constexpr unsigned kScopeOp = 0x10;
constexpr unsigned kBufferOp = 0x11;
constexpr unsigned kPackageOp = 0x12;
constexpr unsigned kExtendedPrefix = 0x5b;
constexpr unsigned kDeviceOp = 0x82;

constexpr std::size_t kSegmentLength = 4;

void put(Bytes& out, std::uint64_t value, std::size_t size = 1) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::byte>(value >> 8 * i));
}

void put(Bytes& out, std::span<std::byte const> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_name(Bytes& out, std::string_view name) {
  if (name.starts_with('\\')) {
    put(out, '\\');
    name.remove_prefix(1);
  }
  for (std::size_t i = 0; i < kSegmentLength; ++i) {
    put(out, static_cast<unsigned char>(i < name.size() ? name[i] : '_'));
  }
}

/// PkgLength (20.2.4) and the contents: the length counts itself.
void put_package(Bytes& out, std::span<std::byte const> contents) {
  // One byte holds 6 bits of length; with n more bytes the first holds the low 4, they 8 each.
  std::size_t more = 0;
  if (contents.size() + 1 > 0x3f) {
    more = 1;
    while (contents.size() + 1 + more >= std::size_t{1} << (4 + 8 * more)) ++more;
  }
  std::size_t const length = contents.size() + 1 + more;
  if (more == 0) {
    put(out, length);
  } else {
    put(out, more << 6 | (length & 0xf));
    put(out, length >> 4, more);
  }
  put(out, contents);
}

Bytes join(std::span<Bytes const> terms) {
  Bytes all;
  for (auto const& term : terms) put(all, term);
  return all;
}

unsigned hex_digit(char digit) {
  return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'A' + 10);
}

}  // namespace

Bytes integer(std::uint64_t value) {
  Bytes out;
  if (value <= 1) {
    put(out, value == 0 ? kZeroOp : kOneOp);
  } else if (value <= 0xff) {
    put(out, kBytePrefix);
    put(out, value);
  } else if (value <= 0xffff) {
    put(out, kWordPrefix);
    put(out, value, 2);
  } else if (value <= 0xffff'ffff) {
    put(out, kDWordPrefix);
    put(out, value, 4);
  } else {
    put(out, kQWordPrefix);
    put(out, value, 8);
  }
  return out;
}

Bytes string(std::string_view text) {
  Bytes out;
  put(out, kStringPrefix);
  put(out, std::as_bytes(std::span(text)));
  put(out, 0);
  return out;
}

Bytes eisa_id(std::string_view id) {
  // 19.3.4: three letters of five bits, four hexadecimal digits; stored with the high byte first.
  unsigned value = 0;
  for (char const letter : id.substr(0, 3)) value = value << 5 | (letter & 0x1f);
  for (char const digit : id.substr(3, 4)) value = value << 4 | hex_digit(digit);
  Bytes out;
  put(out, kDWordPrefix);
  for (unsigned const shift : {24u, 16u, 8u, 0u}) put(out, value >> shift);
  return out;
}

Bytes name(std::string_view segment, Bytes const& value) {
  Bytes out;
  put(out, kNameOp);
  put_name(out, segment);
  put(out, value);
  return out;
}

Bytes scope(std::string_view segment, std::span<Bytes const> terms) {
  Bytes contents;
  put_name(contents, segment);
  put(contents, join(terms));
  Bytes out;
  put(out, kScopeOp);
  put_package(out, contents);
  return out;
}

Bytes device(std::string_view segment, std::span<Bytes const> terms) {
  Bytes contents;
  put_name(contents, segment);
  put(contents, join(terms));
  Bytes out;
  put(out, kExtendedPrefix);
  put(out, kDeviceOp);
  put_package(out, contents);
  return out;
}

Bytes package(std::span<Bytes const> elements) {
  Bytes contents;
  put(contents, elements.size());
  put(contents, join(elements));
  Bytes out;
  put(out, kPackageOp);
  put_package(out, contents);
  return out;
}

Bytes resource_template(std::span<Bytes const> descriptors) {
  Bytes resources = join(descriptors);
  put(resources, 0x79);  // End tag (6.4.2.9); a checksum of 0 counts as right.
  put(resources, 0);
  Bytes contents = integer(resources.size());
  put(contents, resources);
  Bytes out;
  put(out, kBufferOp);
  put_package(out, contents);
  return out;
}

Bytes fixed_memory(std::uint32_t base, std::uint32_t size) {
  Bytes out;
  put(out, 0x86);  // 6.4.3.4, "32-Bit Fixed Memory Range Descriptor".
  put(out, 9, 2);
  put(out, 1);  // Writable.
  put(out, base, 4);
  put(out, size, 4);
  return out;
}

Bytes edge_interrupt(std::uint32_t gsi) {
  Bytes out;
  put(out, 0x89);  // 6.4.3.6, "Extended Interrupt Descriptor".
  put(out, 6, 2);
  put(out, 3);  // Consumer, edge-triggered, active high, not shared.
  put(out, 1);
  put(out, gsi, 4);
  return out;
}

Bytes ports(std::uint16_t base, std::uint8_t count) {
  Bytes out;
  put(out, 0x47);  // 6.4.2.5, "I/O Port Descriptor".
  put(out, 1);     // Decodes 16 bits.
  put(out, base, 2);
  put(out, base, 2);
  put(out, 1);
  put(out, count);
  return out;
}

Bytes isa_irq(unsigned irq) {
  Bytes out;
  put(out, 0x22);  // 6.4.2.1, "IRQ Descriptor": edge-triggered, active high, not shared.
  put(out, 1u << irq, 2);
  return out;
}

}  // namespace bh::vmm::boot::aml
