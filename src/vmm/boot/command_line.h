#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "vmm/memory/guest_memory.h"

namespace bh::vmm::boot {

/// Linux's COMMAND_LINE_SIZE on x86, with the terminating zero: it ignores what is beyond.
inline constexpr std::size_t kMaxCommandLine = 2048;

/// Puts the line and its terminating zero at kCommandLine.
Result<> write_command_line(GuestMemory& memory, std::string_view line);

}  // namespace bh::vmm::boot
