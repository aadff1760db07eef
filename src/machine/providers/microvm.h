#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "machine/microvm_options.h"
#include "machine/process.h"
#include "machine/wiring.h"

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
  bool read_only = false;
  Wiring wiring;      // With cards in it: instead of those two.
  std::string vsock;  // Path of a socket for streams to the guest; empty: none.
};

/// The microVM of a definition: `disk` is the image's file system.
Microvm microvm_of(Definition const& definition, Process const& process, std::string disk);

/// Writes what the microVM starts from into `folder`, which may be "."; returns the words of the
/// program that runs it.
Result<std::vector<std::string>> prepare_microvm(Microvm const& machine,
                                                 MicrovmOptions const& options,
                                                 std::string const& folder, std::string const& id);

/// Starts the microVM on our terminal and waits for its end: the command's exit status.
Result<int> run_microvm(Microvm const& machine, MicrovmOptions const& options);

}  // namespace bh::machine
