#pragma once

#include <cstdint>

#include "vmm/engine/registers.h"

namespace bh::vmm::soft {

/// Types of system descriptors (SDM vol. 3, table 3-2). In long mode 2, 9, 11, 12, 14 and 15 are
/// what is left.
enum SystemType : std::uint8_t {
  kTss16 = 1,
  kLdtType = 2,
  kTss16Busy = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss = 9,
  kTssBusy = 11,
  kCallGate = 12,
  kInterruptGate = 14,
  kTrapGate = 15,
};

// Bits of the type of code and data segments (SDM vol. 3, table 3-1).
inline constexpr std::uint8_t kTypeAccessed = 1;
inline constexpr std::uint8_t kTypeWritable = 2;    // Data; for code: readable.
inline constexpr std::uint8_t kTypeConforming = 4;  // Code; for data: expands down.
inline constexpr std::uint8_t kTypeCode = 8;

/// The parts of a selector (SDM vol. 3, 3.4.2).
constexpr std::uint8_t selector_rpl(std::uint16_t selector) {
  return selector & 3;
}
constexpr bool selector_is_null(std::uint16_t selector) {
  return (selector & ~3) == 0;
}
constexpr bool selector_in_ldt(std::uint16_t selector) {
  return (selector & 4) != 0;
}
/// As error codes name it.
constexpr std::uint16_t selector_error(std::uint16_t selector) {
  return selector & 0xfffc;
}

/// The eight bytes of a GDT, LDT or IDT entry (SDM vol. 3, figures 3-8, 5-8 and 6-2).
struct Descriptor {
  std::uint64_t raw = 0;

  constexpr std::uint8_t type() const { return (raw >> 40) & 0xf; }
  constexpr bool is_segment() const { return ((raw >> 44) & 1) != 0; }  // The S bit.
  constexpr std::uint8_t dpl() const { return (raw >> 45) & 3; }
  constexpr bool present() const { return ((raw >> 47) & 1) != 0; }
  constexpr bool is_long() const { return ((raw >> 53) & 1) != 0; }
  constexpr bool is_big() const { return ((raw >> 54) & 1) != 0; }
  constexpr bool is_granular() const { return ((raw >> 55) & 1) != 0; }
  constexpr std::uint32_t base() const {
    return static_cast<std::uint32_t>((raw >> 16 & 0xff'ffff) | (raw >> 56 << 24));
  }
  /// In bytes, granularity applied.
  constexpr std::uint32_t limit() const {
    auto const field = static_cast<std::uint32_t>((raw & 0xffff) | (raw >> 32 & 0xf'0000));
    return is_granular() ? field << 12 | 0xfff : field;
  }

  constexpr bool is_code() const { return is_segment() && (type() & kTypeCode) != 0; }
  constexpr bool is_conforming() const { return (type() & kTypeConforming) != 0; }
  constexpr bool is_data() const { return is_segment() && (type() & kTypeCode) == 0; }
  constexpr bool is_writable_data() const { return is_data() && (type() & kTypeWritable) != 0; }
  constexpr bool is_readable() const {
    return is_data() || (is_code() && (type() & kTypeWritable) != 0);
  }

  // Gates.
  constexpr std::uint16_t gate_selector() const { return static_cast<std::uint16_t>(raw >> 16); }
  constexpr std::uint32_t gate_offset() const {
    return static_cast<std::uint32_t>((raw & 0xffff) | (raw >> 32 & 0xffff'0000));
  }
  constexpr std::uint8_t gate_stack() const { return (raw >> 32) & 7; }        // IST, long mode
  constexpr std::uint8_t gate_parameters() const { return (raw >> 32) & 31; }  // Call gates

  constexpr Segment segment(std::uint16_t selector) const {
    return {.base = base(),
            .limit = limit(),
            .selector = selector,
            .type = type(),
            .present = present(),
            .dpl = dpl(),
            .db = is_big(),
            .s = is_segment(),
            .l = is_long(),
            .g = is_granular(),
            .avl = static_cast<std::uint8_t>((raw >> 52) & 1)};
  }
};

/// A data segment register holding a null selector.
constexpr Segment null_segment(std::uint16_t selector, std::uint8_t dpl = 0) {
  return {.selector = selector, .dpl = dpl, .unusable = 1};
}

/// The 4 GiB segments SYSCALL and its kin load without reading a descriptor.
constexpr Segment flat_code(std::uint16_t selector, std::uint8_t dpl, bool is_long) {
  return {.limit = 0xffff'ffff,
          .selector = selector,
          .type = kTypeCode | kTypeWritable | kTypeAccessed,
          .present = 1,
          .dpl = dpl,
          .db = !is_long,
          .s = 1,
          .l = is_long,
          .g = 1};
}
constexpr Segment flat_stack(std::uint16_t selector, std::uint8_t dpl) {
  return {.limit = 0xffff'ffff,
          .selector = selector,
          .type = kTypeWritable | kTypeAccessed,
          .present = 1,
          .dpl = dpl,
          .db = 1,
          .s = 1,
          .g = 1};
}

}  // namespace bh::vmm::soft
