#pragma once

#include <span>
#include <string>

#include "base/error.h"

namespace bh::cli {

/// Where bulkhead-init and the command it runs are in the guest.
inline constexpr char kGuestInit[] = "/.bulkhead/init";

/// A cpio archive (newc, the kernel's initramfs format) that adds bulkhead-init to an initrd: its
/// program from the file `init_path` and, unless `command` is empty, the words of the command.
Result<std::string> make_command_archive(std::string const& init_path,
                                         std::span<std::string const> command);

}  // namespace bh::cli
