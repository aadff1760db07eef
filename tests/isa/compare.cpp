#include "tests/isa/compare.h"

#include <cstdio>
#include <cstring>
#include <memory>

#include "tests/isa/fxsave_layout.h"
#include "tests/isa/memory_image.h"
#include "tests/isa/register_names.h"

namespace bh::isa {

namespace {

constexpr std::uint32_t kPresent = 1;

std::string hex(std::uint64_t value, int digits = 16) {
  char text[24];
  std::snprintf(text, sizeof text, "%0*llx", digits, static_cast<unsigned long long>(value));
  return text;
}

std::string hex_bytes(std::byte const* at, std::size_t size) {
  std::string text;
  for (std::size_t i = size; i-- > 0;) text += hex(std::to_integer<std::uint64_t>(at[i]), 2);
  return text;
}

class Comparison {
 public:
  void number(std::string_view field, std::uint64_t host, std::uint64_t other, int digits = 16) {
    if (host != other)
      found_.push_back({std::string(field), hex(host, digits), hex(other, digits)});
  }
  void words(std::string_view field, std::string host, std::string other) {
    if (host != other) found_.push_back({std::string(field), std::move(host), std::move(other)});
  }
  void bytes(std::string field, std::byte const* host, std::byte const* other, std::size_t size) {
    if (std::memcmp(host, other, size) != 0) {
      found_.push_back({std::move(field), hex_bytes(host, size), hex_bytes(other, size)});
    }
  }
  std::vector<Difference> take() { return std::move(found_); }

 private:
  std::vector<Difference> found_;
};

void compare_fpu(Comparison& comparison, vmm::FpuState const& host, vmm::FpuState const& other) {
  std::byte const* const a = host.fxsave.data();
  std::byte const* const b = other.fxsave.data();
  // One memcmp finds nearly all agreeing cases.
  if (std::memcmp(a, b, 464) == 0 && host.ymm_high == other.ymm_high) return;
  comparison.bytes("fcw", a + fxsave::kControl, b + fxsave::kControl, 2);
  comparison.bytes("fsw", a + fxsave::kStatus, b + fxsave::kStatus, 2);
  comparison.bytes("ftw", a + fxsave::kTags, b + fxsave::kTags, 1);
  comparison.bytes("fop", a + fxsave::kLastOpcode, b + fxsave::kLastOpcode, 2);
  comparison.bytes("fip", a + fxsave::kLastInstruction, b + fxsave::kLastInstruction, 8);
  comparison.bytes("fdp", a + fxsave::kLastData, b + fxsave::kLastData, 8);
  comparison.bytes("mxcsr", a + fxsave::kMxcsr, b + fxsave::kMxcsr, 4);
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t const at = fxsave::kStack + 16 * i;
    comparison.bytes("st" + std::to_string(i), a + at, b + at, 10);
  }
  for (std::size_t i = 0; i < 16; ++i) {
    std::size_t const at = fxsave::kXmm + 16 * i;
    comparison.bytes("xmm" + std::to_string(i), a + at, b + at, 16);
    comparison.bytes("ymm" + std::to_string(i) + "[255:128]", host.ymm_high[i].data(),
                     other.ymm_high[i].data(), 16);
  }
}

void compare_memory(Comparison& comparison, MemoryImage const& host, MemoryImage const& other) {
  if (host == other) return;
  for (DataPage const& page : kDataPages) {
    for (std::size_t i = 0; i < kPage; i += 8) {
      std::size_t const at = page.image_offset + i;
      if (std::memcmp(host.data() + at, other.data() + at, 8) == 0) continue;
      comparison.bytes("memory[" + hex(kDataStart + page.offset + i, 8) + "]", host.data() + at,
                       other.data() + at, 8);
    }
  }
}

void compare_registers(Comparison& comparison, Outcome const& host, Outcome const& other) {
  for (std::size_t i = 0; i < host.gpr.size(); ++i) {
    comparison.number(kRegisterNames[i], host.gpr[i], other.gpr[i]);
  }
  comparison.number("rip", host.rip, other.rip);
  if (host.rflags != other.rflags) {
    comparison.words("rflags", describe_flags(host.rflags), describe_flags(other.rflags));
  }
  comparison.number("fs base", host.fs_base, other.fs_base);
  comparison.number("gs base", host.gs_base, other.gs_base);
}

void compare_exception(Comparison& comparison, Outcome const& host, Outcome const& other) {
  if (host.vector != other.vector) {
    comparison.words("exception", describe_vector(host.vector), describe_vector(other.vector));
    return;
  }
  std::uint32_t error_code = host.error_code;
  if (host.vector == kPageFault) {
    // Linux says "present" for every address of the kernel half, so as not to tell what is there.
    if (host.cr2 >> 63 != 0) error_code = (error_code & ~kPresent) | (other.error_code & kPresent);
    comparison.number("cr2", host.cr2, other.cr2);
  }
  comparison.number("error code", error_code, other.error_code, 4);
}

}  // namespace

std::vector<Difference> compare(Outcome const& host, Outcome const& other) {
  Comparison comparison;
  if (host.ending != other.ending || host.ending != Ending::Exception) {
    comparison.words("ending", describe_ending(host.ending), describe_ending(other.ending));
    return comparison.take();
  }
  compare_exception(comparison, host, other);
  compare_registers(comparison, host, other);
  compare_fpu(comparison, host.fpu, other.fpu);
  compare_memory(comparison, host.memory, other.memory);
  return comparison.take();
}

std::vector<Difference> compare_with_invalid(CaseInput const& input, Outcome const& other) {
  constexpr std::uint64_t kResume = 1u << 16;
  auto expected = std::make_unique<Outcome>();
  expected->vector = kInvalidOpcode;
  expected->gpr = input.gpr;
  expected->rip = input.code.rip;
  expected->rflags = input.rflags | kResume;
  expected->fs_base = input.fs_base;
  expected->gs_base = input.gs_base;
  expected->fpu = input.fpu;
  expected->memory = memory_image(input.image);
  for (Patch const& patch : input.patches) apply_patch(patch, expected->memory);
  return compare(*expected, other);
}

}  // namespace bh::isa
