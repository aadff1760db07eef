#pragma once

#include <span>
#include <string>

#include "base/error.h"
#include "machine/secret.h"

namespace bh::machine {

/// Where bulkhead-init and the command it runs are in the guest.
inline constexpr char kGuestInit[] = "/.bulkhead/init";

/// A cpio archive (newc, the kernel's initramfs format) that adds bulkhead-init to an initrd: its
/// program from the file `init_path` and, unless they are empty, the words of the command and the
/// settings (guest/init/settings.h). Of secrets those that are files are there as well, with owner
/// and mode, named by their numbers.
Result<std::string> make_guest_archive(std::string const& init_path,
                                       std::span<std::string const> command,
                                       std::span<std::string const> settings,
                                       std::span<SecretValue const> secrets = {});

}  // namespace bh::machine
