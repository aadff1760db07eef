#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace bh::vmm::boot::aml {

/// Builds ACPI machine language (ACPI 6.3, chapter 20). Every function returns the bytes of one
/// term; terms nest by being passed on. Names are ours, so a bad one is a mistake of the program.
using Bytes = std::vector<std::byte>;

/// The shortest encoding of the number (20.2.3).
Bytes integer(std::uint64_t value);
Bytes string(std::string_view text);
/// A compressed EISA id such as "PNP0501" (ASL's EISAID()).
Bytes eisa_id(std::string_view id);

/// Name(NAME, value). Segments of names have up to four characters and are padded with '_'; a
/// leading '\' makes them absolute.
Bytes name(std::string_view segment, Bytes const& value);
Bytes scope(std::string_view segment, std::span<Bytes const> terms);
Bytes device(std::string_view segment, std::span<Bytes const> terms);
Bytes package(std::span<Bytes const> elements);
/// A buffer of resource descriptors with their end tag, for _CRS.
Bytes resource_template(std::span<Bytes const> descriptors);

/// Resource descriptors (6.4).
Bytes fixed_memory(std::uint32_t base, std::uint32_t size);
Bytes edge_interrupt(std::uint32_t gsi);
/// Ports `base` to `base + count - 1`.
Bytes ports(std::uint16_t base, std::uint8_t count);
Bytes isa_irq(unsigned irq);

}  // namespace bh::vmm::boot::aml
