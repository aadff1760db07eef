#pragma once

#include <cstdint>

/// Registers of the local APIC (SDM vol. 3, tables 11-1 and 11-6). A register's number is its
/// offset in the xAPIC page over 16, and its MSR index less 0x800.
namespace bh::vmm::chip::apic {

inline constexpr std::uint32_t kFirstMsr = 0x800;
inline constexpr std::uint32_t kLastMsr = 0x8ff;
inline constexpr std::uint32_t kBaseMsr = 0x1b;          // IA32_APIC_BASE
inline constexpr std::uint32_t kTscDeadlineMsr = 0x6e0;  // IA32_TSC_DEADLINE

enum Register : std::uint8_t {
  Id = 0x02,
  Version = 0x03,
  TaskPriority = 0x08,
  ArbitrationPriority = 0x09,
  ProcessorPriority = 0x0a,
  Eoi = 0x0b,
  RemoteRead = 0x0c,
  LogicalDestination = 0x0d,
  DestinationFormat = 0x0e,
  Spurious = 0x0f,
  InService = 0x10,  // 8 registers each
  TriggerModes = 0x18,
  Requests = 0x20,
  ErrorStatus = 0x28,
  CommandLow = 0x30,
  CommandHigh = 0x31,
  LvtTimer = 0x32,
  LvtThermal = 0x33,
  LvtPerformance = 0x34,
  LvtLint0 = 0x35,
  LvtLint1 = 0x36,
  LvtError = 0x37,
  InitialCount = 0x38,
  CurrentCount = 0x39,
  Divide = 0x3e,
  SelfIpi = 0x3f,
};

inline constexpr unsigned kLvtCount = 6;

/// Integrated APIC, last LVT entry 5, no EOI-broadcast suppression.
inline constexpr std::uint32_t kVersion = 0x0005'0014;

// IA32_APIC_BASE (SDM vol. 3, 11.12.1).
inline constexpr std::uint64_t kBaseBsp = 1U << 8;
inline constexpr std::uint64_t kBaseX2Apic = 1U << 10;
inline constexpr std::uint64_t kBaseEnabled = 1U << 11;

// LVT entries.
inline constexpr std::uint32_t kLvtMasked = 1U << 16;
inline constexpr unsigned kLvtTimerModeShift = 17;

// Spurious-interrupt vector register.
inline constexpr std::uint32_t kSoftwareEnabled = 1U << 8;

// Error status register.
inline constexpr std::uint32_t kSentIllegalVector = 1U << 5;
inline constexpr std::uint32_t kReceivedIllegalVector = 1U << 6;
inline constexpr std::uint32_t kIllegalRegister = 1U << 7;

}  // namespace bh::vmm::chip::apic
