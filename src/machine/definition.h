#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "machine/microvm_options.h"
#include "machine/mount.h"
#include "machine/probe.h"
#include "machine/restart_policy.h"
#include "machine/secret.h"
#include "net/published_port.h"

namespace bh::machine {

/// What keeps a machine apart from its host: a kernel of its own, or namespaces of the host's.
enum class Isolation : std::uint8_t { Microvm, Container };

/// "microvm" or "container".
Result<Isolation> parse_isolation(std::string_view text);
std::string_view isolation_name(Isolation isolation);

/// What a machine reaches. None: itself, and whoever comes in by a published port. User: the host's
/// networks too, as a program on the host would, but not what listens on the host's loopback.
enum class NetworkKind : std::uint8_t { None, User };

/// "none" or "user".
Result<NetworkKind> parse_network_kind(std::string_view text);
std::string_view network_name(NetworkKind kind);

/// A managed network that a machine joins, and the address it wants there, if any.
struct NetworkWish {
  std::string name;
  std::optional<net::Ipv4Address> address;

  friend bool operator==(NetworkWish const&, NetworkWish const&) = default;
};

/// Of managed networks; "none" and "user" are kinds.
Result<> check_network_name(std::string_view name);

/// A machine's cards have numbers of one digit.
inline constexpr std::size_t kMostNetworks = 10;

/// The managed network of containers that publish ports and join no other. Nothing leaves it, as
/// nothing leaves a microVM that only publishes ports.
inline constexpr char kDefaultNetwork[] = "bulkhead";

/// What a machine shall be, whatever keeps it apart.
struct Definition {
  Isolation isolation = Isolation::Microvm;
  std::vector<std::string> command;       // Empty: what the image says.
  std::optional<std::string> entrypoint;  // Instead of the image's; empty: none.
  std::vector<std::string> environment;   // NAME=VALUE, above the image's.
  std::optional<std::string> working_folder;
  std::optional<std::string> user;  // USER[:GROUP]
  std::string host_name;
  std::optional<std::uint64_t> memory_mib;  // Else 256 for a microVM, no limit for a container.
  std::optional<std::uint64_t> cpus;        // Else 1 for a microVM, no limit for a container.
  NetworkKind network = NetworkKind::None;
  std::vector<NetworkWish> networks;  // Managed ones; then `network` says nothing.
  // The most that each card in them receives and sends, in bytes a second.
  std::optional<std::uint64_t> rate_in;
  std::optional<std::uint64_t> rate_out;
  std::vector<net::PublishedPort> ports;
  std::vector<Mount> mounts;  // As order_mounts() has them.
  std::vector<SecretUse> secrets;
  bool read_only = false;  // Its own root, not what is mounted there.

  // Of machines that are kept.
  std::string image;         // As it was named,
  std::string image_digest;  // and which it was: the digest of its manifest.
  std::map<std::string, std::string> labels;
  RestartPolicy restart;
  std::optional<Probe> liveness;
  std::optional<Probe> readiness;
  bool remove_at_end = false;
  bool terminal = false;                   // The command has a terminal,
  bool keep_input = false;                 // or its standard input is open.
  std::optional<std::uint64_t> disk_mib;   // What a microVM may write; else 10 GiB.
  std::optional<std::uint64_t> log_bytes;  // Of one file of its log; else 10 MiB,
  std::optional<std::uint64_t> log_files;  // and how many there are; else 3.
  std::string stop_signal;                 // Empty: what the image says, or SIGTERM.
  MicrovmOptions microvm;
};

}  // namespace bh::machine
