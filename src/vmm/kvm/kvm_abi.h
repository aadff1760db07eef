#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace bh::vmm::kvm {

/// The structs of linux/kvm.h that end in a flexible array, and their ioctl numbers.
///
/// In C++ the header's own structs have other sizes than in C (an empty struct has one byte), and
/// an ioctl number contains the size: the kernel answers the header's numbers with EINVAL or
/// ENOTTY. These are the C layouts, with room for the entries; the numbers count the part before
/// the array.

/// Far more than any CPU has; KVM itself stops at 256 (KVM_MAX_CPUID_ENTRIES).
inline constexpr std::size_t kMaxCpuidEntries = 256;
/// KVM takes at most 256 a call (MAX_IO_MSRS).
inline constexpr std::size_t kMaxMsrEntries = 256;

struct CpuidTable {
  std::uint32_t count = 0;
  std::uint32_t padding = 0;
  std::array<kvm_cpuid_entry2, kMaxCpuidEntries> entries{};
};
static_assert(offsetof(CpuidTable, entries) == 8 && sizeof(kvm_cpuid_entry2) == 40);

struct MsrTable {
  std::uint32_t count = 0;
  std::uint32_t padding = 0;
  std::array<kvm_msr_entry, kMaxMsrEntries> entries{};
};
static_assert(offsetof(MsrTable, entries) == 8 && sizeof(kvm_msr_entry) == 16);

/// Standard (not compacted) XSAVE format: SDM vol. 1, 13.4.
struct XsaveArea {
  alignas(64) std::array<std::byte, 4096> bytes{};
};
static_assert(sizeof(XsaveArea) == 4096);

inline constexpr unsigned long kGetSupportedCpuid = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, 8);
inline constexpr unsigned long kSetCpuid2 = _IOC(_IOC_WRITE, KVMIO, 0x90, 8);
inline constexpr unsigned long kGetMsrs = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x88, 8);
inline constexpr unsigned long kSetMsrs = _IOC(_IOC_WRITE, KVMIO, 0x89, 8);
inline constexpr unsigned long kSetGsiRouting = _IOC(_IOC_WRITE, KVMIO, 0x6a, 8);
inline constexpr unsigned long kGetXsave = _IOC(_IOC_READ, KVMIO, 0xa4, sizeof(XsaveArea));
inline constexpr unsigned long kSetXsave = _IOC(_IOC_WRITE, KVMIO, 0xa5, sizeof(XsaveArea));

static_assert(kGetSupportedCpuid == 0xc008ae05 && kSetCpuid2 == 0x4008ae90);
static_assert(kGetMsrs == 0xc008ae88 && kSetMsrs == 0x4008ae89);
static_assert(kSetGsiRouting == 0x4008ae6a);
static_assert(kGetXsave == 0x9000aea4 && kSetXsave == 0x5000aea5);

}  // namespace bh::vmm::kvm
