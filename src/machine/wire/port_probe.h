#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

// Asks a port of this machine's own loopback whether somebody is there. Plain: bulkhead-init
// includes it, and does in a guest what a process does in a container's network.

namespace bh::machine::wire {

/// 204 of "HTTP/1.1 204 No Content"; 0 of what is no such line.
constexpr int http_status_of(std::string_view answer) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kStart = kVersion.size() + 2;
  if (answer.size() < kStart + 3 || !answer.starts_with(kVersion) || answer[kStart - 1] != ' ') {
    return 0;
  }
  int status = 0;
  for (char const letter : answer.substr(kStart, 3)) {
    if (letter < '0' || letter > '9') return 0;
    status = status * 10 + (letter - '0');
  }
  return status;
}

enum class PortAnswer { Good, NoConnection, NoAnswer, BadStatus };

/// `path` empty: a connection is enough. Waits as long as it takes: who started this process ends
/// it. `status` is that of an answer.
inline PortAnswer ask_port(std::uint16_t port, std::string_view path, int& status) {
  int const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket < 0 ||
      ::connect(socket, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return PortAnswer::NoConnection;
  }
  if (path.empty()) return PortAnswer::Good;
  for (std::string_view const part :
       {std::string_view("GET "), path,
        std::string_view(" HTTP/1.0\r\nHost: 127.0.0.1\r\nUser-Agent: bulkhead-probe\r\n"
                         "Connection: close\r\n\r\n")}) {
    if (::send(socket, part.data(), part.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(part.size())) {
      return PortAnswer::NoAnswer;
    }
  }
  std::array<char, 64> answer{};
  std::size_t size = 0;
  while (size < answer.size() && http_status_of({answer.data(), size}) == 0) {
    ssize_t const count = ::read(socket, answer.data() + size, answer.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  ::close(socket);
  status = http_status_of({answer.data(), size});
  if (status == 0) return PortAnswer::NoAnswer;
  constexpr int kGood = 200;
  constexpr int kBad = 400;
  return status >= kGood && status < kBad ? PortAnswer::Good : PortAnswer::BadStatus;
}

}  // namespace bh::machine::wire
