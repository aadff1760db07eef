#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "machine/microvm_options.h"
#include "machine/process.h"
#include "machine/secret.h"
#include "machine/wiring.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// A throw-away microVM.
struct Microvm {
  std::uint64_t memory_mib = 256;
  std::uint64_t cpus = 1;
  std::vector<std::string> command;   // Empty: a shell, or what the kernel's command line says.
  std::vector<std::string> settings;  // For bulkhead-init.
  std::optional<std::string> disk;    // An image's file system, read only.
  std::optional<std::string>
      writable;  // A disk with ext4 for what is written; else that is memory.
  NetworkKind network = NetworkKind::None;
  std::vector<net::PublishedPort> ports;
  std::vector<Mount> mounts;
  std::vector<SecretValue> secrets;
  bool read_only = false;
  Wiring wiring;      // With cards in it: instead of those two.
  std::string vsock;  // Path of a socket for streams to the guest; empty: none.
};

/// The microVM of a definition: `disk` is the image's file system.
Microvm microvm_of(Definition const& definition, Process const& process, std::string disk);

/// What a microVM's program starts from.
struct MicrovmStart {
  std::vector<std::string> words;  // Of the program.
  /// A file without a name, in memory since secrets are in it. The program reads it by the number
  /// that it has in this process: keep it open until the guest runs.
  os::UniqueFd initrd;
};

/// Writes all else into `folder`, which may be ".".
Result<MicrovmStart> prepare_microvm(Microvm const& machine, MicrovmOptions const& options,
                                     std::string const& folder, std::string const& id);

/// Starts the microVM on our terminal and waits for its end: the command's exit status.
Result<int> run_microvm(Microvm const& machine, MicrovmOptions const& options);

}  // namespace bh::machine
