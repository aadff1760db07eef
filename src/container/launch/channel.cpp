#include "container/launch/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace bh::container {

namespace {

constexpr char kReady = 'R';
constexpr char kError = 'E';
constexpr std::size_t kLongest = 4096;
constexpr std::size_t kMostDescriptors = 32;

Result<> send_all(int socket, std::string_view text) {
  while (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return fail_errno("send to the other process", errno);
  }
  return {};
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::create() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno("socketpair", errno);
  }
  return std::pair(Channel(os::UniqueFd(ends[0])), Channel(os::UniqueFd(ends[1])));
}

Result<> Channel::send_ready() {
  return send_all(fd(), {&kReady, 1});
}

Result<> Channel::send_ready(std::span<os::UniqueFd const> descriptors) {
  if (descriptors.size() > kMostDescriptors) return fail(Errc::Invalid, "too many descriptors");
  iovec part{.iov_base = const_cast<char*>(&kReady), .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      int const fd = descriptors[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  if (::sendmsg(fd(), &message, MSG_NOSIGNAL) < 0) return fail_errno("send descriptors", errno);
  return {};
}

Result<std::vector<os::UniqueFd>> Channel::wait_ready_with_descriptors() {
  char letter = 0;
  iovec part{.iov_base = &letter, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC) <= 0 || letter != kReady) {
    return fail(Errc::Io, "the runtime ended early");
  }
  std::vector<os::UniqueFd> descriptors;
  cmsghdr const* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return descriptors;
  for (std::size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
    descriptors.emplace_back(fd);
  }
  return descriptors;
}

void Channel::send_error(Error const& error) {
  std::string text = {kError, static_cast<char>('0' + static_cast<int>(error.code))};
  text += error.message.substr(0, kLongest - 2);
  (void)send_all(fd(), text);
}

Result<Channel::Answer> Channel::receive() {
  char text[kLongest];
  ssize_t size = 0;
  do {
    size = ::recv(fd(), text, sizeof text, 0);
    // The other end is gone and had not read all we sent. The kernel says so once, and before it
    // hands out what the other end had sent.
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return fail_errno("hear from the other process", errno);
  if (size <= 0) return Answer::Closed;
  if (text[0] == kError && size > 1) {
    return fail(static_cast<Errc>(text[1] - '0'), {text + 2, static_cast<std::size_t>(size) - 2});
  }
  return Answer::Ready;
}

Error Channel::sent_error_or(Error otherwise) {
  pollfd waiting{.fd = fd(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 0) > 0) {
    auto answer = receive();
    if (!answer) return std::move(answer).error();
    if (*answer == Answer::Closed) break;
  }
  return otherwise;
}

Result<> Channel::wait_ready() {
  auto const answer = BH_TRY(receive());
  if (answer == Answer::Closed) return fail(Errc::Io, "the container's process ended early");
  return {};
}

Result<os::UniqueFd> connect_to(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Errc::Invalid, path + " is longer than the address of a socket can be");
  }
  path.copy(address.sun_path, path.size());
  os::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket", errno);
  if (::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return fail_errno("connect to " + path, errno);
  }
  return socket;
}

}  // namespace bh::container
