#include "machine/supervise/user_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>

#include "machine/providers/companions.h"
#include "machine/providers/user_card.h"
#include "net/links.h"
#include "os/child_task.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/spawn.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

constexpr char kCard[] = "eth0";
constexpr char kWire[] = "wire0";
constexpr char kConfig[] = "network.json";
constexpr char kOwnNamespace[] = "/proc/self/ns/net";
// Locally administered.
constexpr net::MacAddress kWireMac{{0x02, 0x00, 0x0a, 0x00, 0x02, 0x01}};

Result<os::UniqueFd> new_network_namespace() {
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("make a network namespace", errno);
  return os::open_file(kOwnNamespace, O_RDONLY);
}

Result<net::Link> device(net::Links& links, std::string const& name) {
  auto found = BH_TRY(links.find(name));
  if (!found) return fail(Errc::Io, "device " + name + " is gone");
  return std::move(*found);
}

/// Who reads frames off the wire gets them as a wire has them: in pieces, with checksums.
Result<> finish_frames_in_kernel() {
  os::UniqueFd const socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket", errno);
  for (std::uint32_t const feature : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM}) {
    ethtool_value off{.cmd = feature, .data = 0};
    ifreq request{};
    std::strcpy(request.ifr_name, kCard);
    request.ifr_data = reinterpret_cast<char*>(&off);
    if (::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) {
      return fail_errno("turn offloads of eth0 off", errno);
    }
  }
  return {};
}

Result<os::UniqueFd> open_wire(net::Link const& link) {
  os::UniqueFd wire(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!wire.valid()) return fail_errno("open a packet socket", errno);
  int const on = 1;
  // What the kernel itself would say there is nobody's.
  ::setsockopt(wire.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = link.index;
  if (::bind(wire.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("bind a packet socket", errno);
  }
  return wire;
}

/// Makes the container's namespace, and one in which nobody lives for the card's other end; sends
/// the first, and a packet socket of the second. In a process that ends then.
Result<> make_ends(Wiring const& wiring, int socket) {
  auto const behind = BH_TRY(new_network_namespace());
  // Its kernel has nothing to say on that wire.
  (void)os::write_text_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  auto const name_space = BH_TRY(new_network_namespace());
  auto links = BH_TRY(net::Links::open());
  auto const loopback = BH_TRY(device(links, "lo"));
  BH_TRY(links.set_up(loopback));
  BH_TRY(links.add_pair(kCard, kWire, kWireMac, behind));
  BH_TRY(finish_frames_in_kernel());
  auto const card = BH_TRY(device(links, kCard));
  BH_TRY(links.set_up(card));
  BH_TRY(links.add_address(card, wiring.cards.front().address));
  if (::setns(behind.get(), CLONE_NEWNET) != 0) return fail_errno("enter a network", errno);
  auto links_behind = BH_TRY(net::Links::open());
  auto const peer = BH_TRY(device(links_behind, kWire));
  BH_TRY(links_behind.set_up(peer));
  auto const wire = BH_TRY(open_wire(peer));
  // A way out needs both ends to be up.
  BH_TRY(links.set_way_out(card, wiring.gateway));
  BH_TRY(os::send_descriptor(socket, name_space.get(), "n"));
  return os::send_descriptor(socket, wire.get(), "w");
}

}  // namespace

Result<std::unique_ptr<UserNetwork>> UserNetwork::start(Definition const& definition,
                                                        os::EventLoop& loop, Reaper& reaper) {
  std::unique_ptr<UserNetwork> network(new UserNetwork(loop, reaper));
  network->wiring_ = user_wiring(definition.network);
  auto const card = user_card(definition.network, definition.ports);
  BH_TRY(os::replace_text_at(AT_FDCWD, kConfig, boost::json::serialize(card)));
  auto made = network->make_card();
  if (!made) return std::unexpected(std::move(made).error().while_doing("make its user network"));
  BH_TRY(network->connect());
  return network;
}

UserNetwork::~UserNetwork() {
  loop_.cancel(timer_);
  if (pid_ < 0) return;
  reaper_.forget(pid_);
  ::kill(pid_, SIGKILL);
  (void)os::wait_for(pid_);
}

Result<> UserNetwork::make_card() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return fail_errno("socketpair", errno);
  }
  os::UniqueFd const ours(pair[0]);
  os::UniqueFd const theirs(pair[1]);
  BH_TRY(os::in_child([&] { return make_ends(wiring_, theirs.get()); }));
  name_space_ = BH_TRY(os::receive_descriptor(ours.get()));
  wire_ = BH_TRY(os::receive_descriptor(ours.get()));
  // We are the first process of what the runtime is in.
  wiring_.name_space = fmt::format("/proc/1/fd/{}", name_space_.get());
  return {};
}

Result<> UserNetwork::connect() {
  constexpr std::size_t kLimit = std::size_t{64} * 1024;
  auto const programs = BH_TRY(program_folder());
  auto const program = BH_TRY(find_companion("bulkhead-usernet", {programs}));
  auto [output, their_output] = BH_TRY(os::make_pipe());
  auto [error, their_error] = BH_TRY(os::make_pipe());
  auto const pid = BH_TRY(os::spawn({.words = {program, kConfig},
                                     .input = wire_.get(),
                                     .output = their_output.get(),
                                     .error = their_error.get()}));
  their_output.reset();
  their_error.reset();
  // It closes its output when all is open.
  auto const ready = os::read_text(output, kLimit);
  if (ready && !ready->empty()) {
    pid_ = pid;
    reaper_.watch(pid_, [this](int) { connect_again(); });
    return {};
  }
  auto const words = os::read_text(error, kLimit);
  (void)os::wait_for(pid);
  if (!words || words->empty()) return fail(Errc::Io, "bulkhead-usernet ended early");
  return fail(Errc::Io, words->substr(0, words->find_last_not_of('\n') + 1));
}

void UserNetwork::connect_again() {
  constexpr std::chrono::milliseconds kPause{100};
  pid_ = -1;
  timer_ = loop_.after(kPause, [this] {
    auto const connected = connect();
    if (connected) return;
    fmt::print(stderr, "user network: {}\n", connected.error().message);
    connect_again();
  });
}

}  // namespace bh::machine
