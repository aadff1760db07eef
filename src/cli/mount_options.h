#pragma once

#include "base/error.h"
#include "cli/command.h"
#include "machine/definition.h"

namespace bh::cli {

// Part of kDefinitionOptions.
inline constexpr Option kVolumeOption{
    "--volume", "[NAME|FOLDER:]PATH[:ro]",
    "A volume, or a folder of this host, at PATH of the machine; as often as needed", "-v"};
inline constexpr Option kMountOption{
    "--mount", "KEY=VALUE,...",
    "The same as type=volume|bind|tmpfs,source=,target=,readonly; as often as needed"};
inline constexpr Option kTmpfsOption{"--tmpfs", "PATH[:size=N,mode=N]",
                                     "Memory at PATH of the machine; as often as needed"};
inline constexpr Option kSecretOption{"--secret", "NAME[,KEY=VALUE...]",
                                      "A secret as /run/secrets/NAME; type=mount|env, target=, "
                                      "uid=, gid=, mode=; as often as needed"};
inline constexpr Option kReadOnlyOption{"--read-only", "",
                                        "The machine writes only to what is mounted in it"};

/// What they say. Folders of the host must be there.
Result<> read_mounts(Options const& options, machine::Definition& definition);

}  // namespace bh::cli
