#include "vmm/boot/command_line.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "vmm/boot/layout.h"

namespace bh::vmm::boot {

Result<> write_command_line(GuestMemory& memory, std::string_view line) {
  if (line.size() >= kMaxCommandLine) {
    return fail(Errc::Invalid, fmt::format("kernel command line of {} bytes: at most {} fit",
                                           line.size(), kMaxCommandLine - 1));
  }
  if (line.find('\0') != std::string_view::npos) {
    return fail(Errc::Invalid, "kernel command line has a zero byte in it");
  }
  std::string const text(line);
  return memory.write(kCommandLine, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

}  // namespace bh::vmm::boot
