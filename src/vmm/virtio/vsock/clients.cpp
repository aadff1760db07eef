// Clients on the host that ask for a port of the guest.
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "vmm/virtio/vsock/device.h"

namespace bh::vmm::virtio {

namespace {

// "CONNECT 4294967295\n"
constexpr std::size_t kLongestGreeting = 32;

std::optional<std::uint32_t> parse_greeting(std::string_view text) {
  constexpr std::string_view kWord = "CONNECT ";
  if (!text.starts_with(kWord)) return std::nullopt;
  text.remove_prefix(kWord.size());
  std::uint32_t port = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

void VsockDevice::on_client() {
  os::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return;
  // Nobody to connect to yet, or too many: closing tells the client.
  if (!active() || connections_.size() + greetings_.size() >= kMaxConnections) return;
  int const fd = socket.get();
  if (!worker().loop().watch(fd, [this, fd] { on_greeting(fd); })) return;
  greetings_[fd] = {std::move(socket), {}};
}

void VsockDevice::on_greeting(int fd) {
  auto& greeting = greetings_.at(fd);
  char letter = 0;
  // One at a time: what follows the line is for the guest.
  while (true) {
    ssize_t const count = ::read(fd, &letter, 1);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count != 1 || letter == '\n') break;
    greeting.text += letter;
    if (greeting.text.size() == kLongestGreeting) break;
  }
  auto const port = letter == '\n' ? parse_greeting(greeting.text) : std::nullopt;
  auto socket = std::move(greeting.socket);
  worker().loop().forget(fd);
  greetings_.erase(fd);
  if (port) request(std::move(socket), *port);
}

void VsockDevice::request(os::UniqueFd socket, std::uint32_t port) {
  VsockPorts ports{.host = next_port_, .guest = port};
  while (find(ports) != nullptr) ++ports.host;
  next_port_ = (ports.host + 1) | std::uint32_t{1} << 30;
  add(std::make_unique<VsockConnection>(ports, std::move(socket), VsockConnection::State::Requested,
                                        std::chrono::steady_clock::now()));
  if (find(ports) == nullptr) return;
  send(ports, kVsockRequest);
  send_waiting();
}

}  // namespace bh::vmm::virtio
