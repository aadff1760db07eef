#include "vmm/virtio/net/user_network.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "vmm/api/config.h"
#include "vmm/virtio/net/layout.h"
#include "vmm/virtio/net/loopback_guard.h"

namespace bh::vmm::virtio {

/// The functions of libslirp that we call.
struct UserNetwork::Library {
  decltype(&::slirp_new) create;
  decltype(&::slirp_cleanup) cleanup;
  decltype(&::slirp_input) input;
  decltype(&::slirp_pollfds_fill) fill;
  decltype(&::slirp_pollfds_poll) poll;
  decltype(&::slirp_add_hostfwd) forward;

  static Result<Library> load() {
    void* const handle = ::dlopen("libslirp.so.0", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      return fail(Errc::NotFound,
                  std::string("user network: ") + ::dlerror() + "; install the package libslirp0");
    }
    Library library{};
    auto const find = [&](auto& function, char const* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
      return function != nullptr;
    };
    bool const whole =
        find(library.create, "slirp_new") && find(library.cleanup, "slirp_cleanup") &&
        find(library.input, "slirp_input") && find(library.fill, "slirp_pollfds_fill") &&
        find(library.poll, "slirp_pollfds_poll") && find(library.forward, "slirp_add_hostfwd");
    if (!whole) return fail(Errc::Unsupported, "user network: libslirp.so.0 lacks a function");
    return library;
  }
};

namespace {

constexpr std::uint32_t kGuestNumber = 15;

in_addr address(std::uint32_t last) {
  return {.s_addr = htonl(0x0a00'0200U + last)};
}

/// A forwarded port of the library refuses all but two who connect at once.
void lengthen_queue(int fd) {
  constexpr int kQueue = 128;
  int listening = 0;
  socklen_t size = sizeof listening;
  bool const known = ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
  if (known && listening != 0) (void)::listen(fd, kQueue);
}

std::string words_of(PortForwardConfig const& forward) {
  return fmt::format("open {} port {} of {}",
                     forward.protocol == ForwardProtocol::Tcp ? "TCP" : "UDP", forward.host_port,
                     forward.host_address);
}

std::string remedy_of(Errc code) {
  if (code == Errc::Denied) return "; ports below 1024 need root, take a higher one";
  if (code == Errc::Busy) return "; another program has it, take another port";
  return "; is this an address of the host?";
}

}  // namespace

/// What the library calls; `opaque` is the network.
struct UserNetwork::Callbacks {
  static UserNetwork& self(void* opaque) { return *static_cast<UserNetwork*>(opaque); }

  static ssize_t send_packet(void const* data, std::size_t size, void* opaque) {
    self(opaque).enqueue({static_cast<std::byte const*>(data), size});
    return static_cast<ssize_t>(size);
  }
  static void guest_error(char const* /*words*/, void* /*opaque*/) {}
  static std::int64_t clock(void* /*opaque*/) {
    return std::chrono::steady_clock::now().time_since_epoch().count();
  }
  // Timers are for router advertisements of IPv6, which is off.
  static void* timer_new(SlirpTimerCb, void*, void*) {
    static char none;
    return &none;
  }
  static void timer_free(void*, void*) {}
  static void timer_mod(void*, std::int64_t, void*) {}
  static void register_fd(int, void*) {}
  static void unregister_fd(int fd, void* opaque) { self(opaque).forget(fd); }
  static void notify(void*) {}

  static int add_poll(int fd, int events, void* opaque) {
    auto& network = self(opaque);
    short wanted = 0;
    if ((events & SLIRP_POLL_IN) != 0) wanted |= POLLIN;
    if ((events & SLIRP_POLL_OUT) != 0) wanted |= POLLOUT;
    if ((events & SLIRP_POLL_PRI) != 0) wanted |= POLLPRI;
    auto found = std::ranges::find(network.watched_, fd, &Watched::fd);
    if (found == network.watched_.end()) {
      lengthen_queue(fd);
      network.watched_.push_back({.fd = fd, .events = 0});
      found = std::prev(network.watched_.end());
    }
    found->in_use = true;
    found->events = wanted;
    network.asked_.push_back(static_cast<std::size_t>(found - network.watched_.begin()));
    return static_cast<int>(network.asked_.size() - 1);
  }
  static int revents(int index, void* opaque) {
    auto const& network = self(opaque);
    short const ready = network.watched_[network.asked_[static_cast<std::size_t>(index)]].ready;
    int events = 0;
    if ((ready & POLLIN) != 0) events |= SLIRP_POLL_IN;
    if ((ready & POLLOUT) != 0) events |= SLIRP_POLL_OUT;
    if ((ready & POLLPRI) != 0) events |= SLIRP_POLL_PRI;
    if ((ready & POLLERR) != 0) events |= SLIRP_POLL_ERR;
    if ((ready & POLLHUP) != 0) events |= SLIRP_POLL_HUP;
    return events;
  }

  static SlirpCb const table;
};

SlirpCb const UserNetwork::Callbacks::table{.send_packet = send_packet,
                                            .guest_error = guest_error,
                                            .clock_get_ns = clock,
                                            .timer_new = timer_new,
                                            .timer_free = timer_free,
                                            .timer_mod = timer_mod,
                                            .register_poll_fd = register_fd,
                                            .unregister_poll_fd = unregister_fd,
                                            .notify = notify};

Result<std::unique_ptr<UserNetwork>> UserNetwork::create(NetworkInterfaceConfig const& interface,
                                                         Worker& worker) {
  static auto const library = Library::load();
  if (!library) return std::unexpected(Error(library.error()));
  auto timer = BH_TRY(Timer::create());
  std::unique_ptr<UserNetwork> network(
      new UserNetwork(interface, *library, worker, std::move(timer)));
  SlirpConfig config{};
  config.version = 1;
  config.in_enabled = true;
  config.vnetwork = address(0);
  config.vnetmask = {.s_addr = htonl(0xffff'ff00U)};
  config.vhost = address(2);
  config.vnameserver = address(3);
  config.vdhcp_start = address(kGuestNumber);
  config.restricted = interface.restricted ? 1 : 0;
  config.disable_host_loopback = !interface.host_loopback;
  network->slirp_ = library->create(&config, &Callbacks::table, network.get());
  if (network->slirp_ == nullptr) return fail(Errc::Io, "user network: slirp_new failed");
  BH_TRY(network->open_ports());
  return network;
}

Result<> UserNetwork::open_ports() {
  for (auto const& forward : config_.port_forwards) {
    auto opened = open_port(forward);
    if (opened) continue;
    auto error = std::move(opened).error().while_doing(words_of(forward));
    error.message += remedy_of(error.code);
    return std::unexpected(std::move(error));
  }
  return {};
}

Result<> UserNetwork::open_port(PortForwardConfig const& forward) {
  if (forward.protocol == ForwardProtocol::Udp) {
    auto opened = BH_TRY(UdpForward::open(forward));
    datagrams_.push_back(std::move(opened));
    return {};
  }
  auto const bytes = BH_TRY(parse_ipv4(forward.host_address));
  in_addr host{};
  std::memcpy(&host, bytes.data(), bytes.size());
  auto* const slirp = static_cast<Slirp*>(slirp_);
  if (library_.forward(slirp, 0, host, static_cast<int>(forward.host_port), address(kGuestNumber),
                       static_cast<int>(forward.guest_port)) != 0) {
    return fail_errno("bind", errno);
  }
  return {};
}

UserNetwork::~UserNetwork() {
  stop();
  worker_.run_and_wait([this] {
    if (slirp_ != nullptr) library_.cleanup(static_cast<Slirp*>(slirp_));
  });
}

Result<> UserNetwork::start(std::function<void()> on_frames) {
  on_frames_ = std::move(on_frames);
  BH_TRY(worker_.loop().watch(timer_.fd().get(), [this] {
    timer_.clear();
    serve();
  }));
  for (auto& forward : datagrams_) {
    BH_TRY(worker_.loop().watch(forward.fd(), [this, &forward] { receive_datagrams(forward); }));
  }
  watch_descriptors();
  return {};
}

void UserNetwork::enqueue(std::span<std::byte const> frame) {
  if (waiting_.size() >= kMaxWaiting || frame.size() > kLargestFrame - sizeof(NetHeader)) return;
  std::vector<std::byte> bytes(sizeof(NetHeader) + frame.size());
  std::ranges::copy(frame, bytes.begin() + sizeof(NetHeader));
  waiting_.push_back(std::move(bytes));
}

void UserNetwork::receive_datagrams(UdpForward& forward) {
  // So many before others have their turn; the loop calls again for the rest.
  constexpr int kBurst = 64;
  for (int i = 0; i < kBurst; ++i) {
    auto const frame = forward.receive(guest_mac_);
    if (frame.empty()) break;
    enqueue(frame);
  }
  tell();
}

void UserNetwork::stop() {
  worker_.run_and_wait([this] {
    for (auto const& forward : datagrams_) worker_.loop().forget(forward.fd());
    worker_.loop().forget(timer_.fd().get());
    for (auto const& watched : watched_) worker_.loop().forget(watched.fd);
    watched_.clear();
    waiting_.clear();
    on_frames_ = nullptr;
  });
}

void UserNetwork::forget(int fd) {
  worker_.loop().forget(fd);
  auto const found = std::ranges::find(watched_, fd, &Watched::fd);
  // Indexes into the table stay as they are until it is made anew.
  if (found != watched_.end()) *found = {.fd = -1, .events = 0};
}

/// Asks the library what to wait for, and tells the loop what has changed.
void UserNetwork::watch_descriptors() {
  if (!on_frames_) return;
  std::erase_if(watched_, [](Watched const& watched) { return watched.fd < 0; });
  for (auto& watched : watched_) watched.in_use = false;
  asked_.clear();
  std::uint32_t timeout = 1000;
  library_.fill(static_cast<Slirp*>(slirp_), &timeout, Callbacks::add_poll, this);
  for (auto& watched : watched_) {
    using enum DeviceLoop::Interest;
    bool const read = (watched.events & (POLLIN | POLLPRI)) != 0;
    bool const write = (watched.events & POLLOUT) != 0;
    auto const interest = !watched.in_use ? None
                          : read && write ? ReadAndWrite
                          : read          ? Read
                          : write         ? Write
                                          : None;
    worker_.loop().forget(watched.fd);
    // A descriptor that cannot be watched is closed by the library when it finds out.
    [[maybe_unused]] auto const result =
        worker_.loop().watch(watched.fd, interest, [this] { serve(); });
  }
  timer_.set(std::chrono::milliseconds(std::max<std::uint32_t>(timeout, 1)));
}

void UserNetwork::serve() {
  if (!on_frames_) return;
  std::vector<pollfd> descriptors;
  for (auto const& watched : watched_) {
    descriptors.push_back(
        {.fd = watched.in_use ? watched.fd : -1, .events = watched.events, .revents = 0});
  }
  int const count = ::poll(descriptors.data(), descriptors.size(), 0);
  for (std::size_t i = 0; i < watched_.size(); ++i) watched_[i].ready = descriptors[i].revents;
  library_.poll(static_cast<Slirp*>(slirp_), count < 0 ? 1 : 0, Callbacks::revents, this);
  watch_descriptors();
  tell();
}

void UserNetwork::tell() {
  if (telling_ || !listening_ || waiting_.empty() || !on_frames_) return;
  telling_ = true;
  // A copy: what it calls may stop us.
  auto const on_frames = on_frames_;
  on_frames();
  telling_ = false;
}

bool UserNetwork::may_pass(std::span<std::byte const> frame) const {
  // The library's own switch knows neither addresses like 127.0.0.1 in a frame nor that the host's
  // name server may be on the loopback, with other services at other ports.
  if (is_for_loopback(frame)) return false;
  if (config_.host_loopback || !may_reach_host_loopback(frame)) return true;
  return std::ranges::any_of(config_.port_forwards, [&](PortForwardConfig const& forward) {
    return forward.protocol == ForwardProtocol::Tcp && answers_host(frame, forward.guest_port);
  });
}

bool UserNetwork::send(std::span<Segment const> frame) {
  std::vector<std::byte> bytes(total_size(frame));
  ChainReader reader(frame);
  reader.read(bytes);
  if (bytes.size() <= sizeof(NetHeader)) return false;
  auto const body = std::span(bytes).subspan(sizeof(NetHeader));
  if (!datagrams_.empty() && body.size() >= 2 * guest_mac_.size()) {
    std::memcpy(guest_mac_.data(), body.data() + guest_mac_.size(), guest_mac_.size());
    auto const answers = [&](UdpForward& forward) { return forward.answer(body); };
    if (std::ranges::any_of(datagrams_, answers)) return true;
  }
  if (!may_pass(body)) return false;
  library_.input(static_cast<Slirp*>(slirp_), reinterpret_cast<std::uint8_t const*>(body.data()),
                 static_cast<int>(body.size()));
  // New sockets may have come of it; once for all frames of a burst.
  timer_.set(std::chrono::nanoseconds(1));
  return true;
}

std::size_t UserNetwork::receive(std::span<std::byte> out) {
  if (waiting_.empty()) return 0;
  auto const frame = std::move(waiting_.front());
  waiting_.pop_front();
  std::memcpy(out.data(), frame.data(), frame.size());
  return frame.size();
}

}  // namespace bh::vmm::virtio
