#include "machine/providers/microvm.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

#include "machine/providers/companions.h"
#include "machine/providers/guest_archive.h"
#include "machine/providers/user_card.h"
#include "os/child.h"
#include "os/file.h"
#include "os/file_write.h"
#include "os/temporary_folder.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

/// Returns how many bytes there were.
Result<std::uint64_t> copy_all(std::string const& from, os::UniqueFd const& to) {
  auto const source = BH_TRY(os::open_file(from, O_RDONLY));
  std::string buffer(1 << 20, '\0');
  std::uint64_t total = 0;
  while (true) {
    ssize_t const count = ::read(source.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read " + from, errno);
    if (count == 0) return total;
    BH_TRY(os::write_text(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(count))));
    total += static_cast<std::uint64_t>(count);
  }
}

Result<os::UniqueFd> create_file(std::string const& path) {
  return os::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

Result<std::string> find_init(MicrovmOptions const& options) {
  if (!options.init.empty()) return options.init;
  auto const folder = BH_TRY(program_folder());
  return find_companion("bulkhead-init", {folder, folder / ".." / "guest" / "init"});
}

boost::json::array network_interfaces(Microvm const& machine) {
  boost::json::array interfaces;
  for (auto const& card : machine.wiring.cards) {
    interfaces.push_back({{"iface_id", fmt::format("eth{}", interfaces.size())},
                          {"host_dev_name", card.link},
                          {"guest_mac", card.mac.text()}});
  }
  if (interfaces.empty() && has_user_card(machine.network, machine.ports)) {
    interfaces.push_back(user_card(machine.network, machine.ports));
  }
  return interfaces;
}

std::vector<std::string> wiring_settings(Wiring const& wiring) {
  std::vector<std::string> settings;
  for (auto const& card : wiring.cards) {
    settings.push_back(
        fmt::format("address={}/{}", card.address.address.text(), card.address.length));
  }
  settings.push_back("gateway=" + wiring.gateway.text());
  for (auto const& server : wiring.name_servers) settings.push_back("dns=" + server);
  return settings;
}

/// What the guest would learn by DHCP, without waiting for it (docs/design/virtio.md).
std::vector<std::string> network_settings(Microvm const& machine) {
  if (!machine.wiring.cards.empty()) return wiring_settings(machine.wiring);
  if (!has_user_card(machine.network, machine.ports)) return {};
  return wiring_settings(user_wiring(machine.network));
}

bool is_share(Mount const& mount) {
  return mount.kind != MountKind::Memory;
}

std::string share_tag(std::size_t number) {
  return "share" + std::to_string(number);
}

/// Where bulkhead-init mounts what (guest/init/settings.h).
std::vector<std::string> mount_settings(Microvm const& machine) {
  std::vector<std::string> settings;
  for (std::size_t i = 0; i < machine.mounts.size(); ++i) {
    auto const& mount = machine.mounts[i];
    auto const* const access = mount.read_only ? "ro" : "rw";
    settings.push_back(is_share(mount)
                           ? fmt::format("mount=virtiofs:{}:{}:{}:", share_tag(i), access, "")
                           : fmt::format("mount=tmpfs:tmpfs:{}:{}:", access, mount.options));
    settings.back() += mount.target;
  }
  if (machine.read_only) settings.emplace_back("readonly=1");
  return settings;
}

/// The files are in the archive, in this order.
std::vector<std::string> secret_settings(Microvm const& machine) {
  std::vector<std::string> settings;
  if (needs_secrets_folder(machine.secrets)) {
    settings.push_back(fmt::format("mount=tmpfs:tmpfs:rw:mode=755:{}", kSecretsFolder));
  }
  for (std::size_t i = 0; i < machine.secrets.size(); ++i) {
    auto const& use = machine.secrets[i].use;
    if (use.kind != SecretKind::File) continue;
    settings.push_back(fmt::format("mount=secret:{}:ro::{}", i, use.target));
  }
  for (auto const& variable : variables_of(machine.secrets)) settings.push_back("env=" + variable);
  return settings;
}

boost::json::array shares(Microvm const& machine) {
  boost::json::array shares;
  for (std::size_t i = 0; i < machine.mounts.size(); ++i) {
    auto const& mount = machine.mounts[i];
    if (!is_share(mount)) continue;
    boost::json::object share{
        {"tag", share_tag(i)}, {"path_on_host", mount.source}, {"is_read_only", mount.read_only}};
    // Who may be but one user of the host is root in the guest.
    for (auto const& [map, id] : {std::pair{"uid_map", ::geteuid()}, {"gid_map", ::getegid()}}) {
      if (::geteuid() == 0) break;
      share[map] = boost::json::array{{{"guest", 0}, {"host", id}, {"count", 1}}};
    }
    shares.push_back(std::move(share));
  }
  return shares;
}

/// The initrd given, then bulkhead-init and the command: the kernel unpacks one after the other.
Result<os::UniqueFd> make_initrd(Microvm const& machine, MicrovmOptions const& options) {
  // Linux Documentation/driver-api/early-userspace/buffer-format.rst: archives start at multiples
  // of 4, with zeros between.
  constexpr std::uint64_t kAlignment = 4;
  auto const init = BH_TRY(find_init(options));
  auto settings = machine.settings;
  if (machine.writable) settings.emplace_back("writable=/dev/vdb");
  for (auto const& line : network_settings(machine)) settings.push_back(line);
  for (auto const& line : mount_settings(machine)) settings.push_back(line);
  for (auto const& line : secret_settings(machine)) settings.push_back(line);
  auto const archive = BH_TRY(make_guest_archive(init, machine.command, settings, machine.secrets));
  os::UniqueFd file(::memfd_create("initrd", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create", errno);
  if (options.initrd) {
    auto const size = BH_TRY(copy_all(*options.initrd, file));
    BH_TRY(os::write_text(file, std::string((kAlignment - size % kAlignment) % kAlignment, '\0')));
  }
  BH_TRY(os::write_all(file, std::as_bytes(std::span(archive))));
  return file;
}

boost::json::object drive(std::string_view id, std::string const& path, bool read_only) {
  return {{"drive_id", id},
          {"path_on_host", path},
          {"is_root_device", false},
          {"is_read_only", read_only}};
}

Result<> write_config(Microvm const& machine, MicrovmOptions const& options,
                      std::string const& initrd, std::string const& path) {
  auto command_line =
      fmt::format("console=ttyS0 reboot=k panic=-1 quiet loglevel=3 rdinit={}", kGuestInit);
  if (!options.append.empty()) command_line += " " + options.append;
  boost::json::object config{
      {"boot-source",
       {{"kernel_image_path", options.kernel},
        {"initrd_path", initrd},
        {"boot_args", command_line}}},
      {"machine-config", {{"vcpu_count", machine.cpus}, {"mem_size_mib", machine.memory_mib}}},
  };
  if (machine.disk) {
    boost::json::array drives{drive("image", *machine.disk, true)};
    if (machine.writable) drives.push_back(drive("writable", *machine.writable, false));
    config["drives"] = std::move(drives);
  }
  auto interfaces = network_interfaces(machine);
  if (!interfaces.empty()) config["network-interfaces"] = std::move(interfaces);
  if (auto shared = shares(machine); !shared.empty()) config["shares"] = std::move(shared);
  if (!machine.vsock.empty()) {
    // Any address will do: each microVM has a host of its own.
    config["vsock"] = {{"guest_cid", 3}, {"uds_path", machine.vsock}};
  }
  auto const file = BH_TRY(create_file(path));
  return os::write_text(file, boost::json::serialize(config));
}

}  // namespace

Microvm microvm_of(Definition const& definition, Process const& process, std::string disk) {
  Microvm machine;
  machine.memory_mib = definition.memory_mib.value_or(machine.memory_mib);
  machine.cpus = definition.cpus.value_or(machine.cpus);
  machine.command = process.words;
  machine.settings = {"root=/dev/vda", "folder=" + process.working_folder, "user=" + process.user};
  machine.disk = std::move(disk);
  machine.network = definition.network;
  machine.ports = definition.ports;
  machine.mounts = definition.mounts;
  machine.read_only = definition.read_only;
  if (!definition.host_name.empty()) machine.settings.push_back("host=" + definition.host_name);
  for (auto const& variable : process.environment) machine.settings.push_back("env=" + variable);
  return machine;
}

Result<MicrovmStart> prepare_microvm(Microvm const& machine, MicrovmOptions const& options,
                                     std::string const& folder, std::string const& id) {
  auto const programs = BH_TRY(program_folder());
  auto const monitor = BH_TRY(find_companion("bulkhead-vmm", {programs}));
  auto const config = folder + "/vm.json";
  auto initrd = BH_TRY(make_initrd(machine, options));
  auto const path = fmt::format("/proc/{}/fd/{}", ::getpid(), initrd.get());
  BH_TRY(write_config(machine, options, path, config));
  std::vector<std::string> words{
      monitor,   "--config-file", config,           "--no-api",    "--id",
      id,        "--engine",      options.engine,   "--translate", options.translate,
      "--level", "Error",         "--expect-status"};
  if (!options.code_cache.empty()) {
    words.insert(words.end(), {"--code-cache", options.code_cache});
  }
  return MicrovmStart{.words = std::move(words), .initrd = std::move(initrd)};
}

Result<int> run_microvm(Microvm const& machine, MicrovmOptions const& options) {
  auto const folder = BH_TRY(os::TemporaryFolder::create("bulkhead-run"));
  auto const id = fmt::format("run-{}", ::getpid());
  auto const start = BH_TRY(prepare_microvm(machine, options, folder.path(), id));
  auto child = BH_TRY(os::Child::start(start.words));
  return child.wait();
}

}  // namespace bh::machine
