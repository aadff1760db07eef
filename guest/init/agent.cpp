#include "init/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "init/exec_request.h"
#include "init/frames.h"
#include "init/report.h"
#include "init/session.h"
#include "init/vsock.h"

namespace bh::init {

namespace {

using machine::wire::FrameType;

constexpr int kRequestMilliseconds = 10'000;

FrameBuffer first;
ExecRequest request;

/// Reads one frame and nothing beyond, so that the rest is the session's.
bool read_request(int socket) {
  using machine::wire::kHeaderBytes;
  std::size_t wanted = kHeaderBytes;
  for (std::size_t got = 0; got < wanted;) {
    pollfd ready{.fd = socket, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kRequestMilliseconds) <= 0) return false;
    ssize_t const count = ::read(socket, first.free_space(), wanted - got);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return false;
    got += static_cast<std::size_t>(count);
    first.added(static_cast<std::size_t>(count));
    if (got == kHeaderBytes) {
      if (first.broken()) return false;
      wanted += first.length();
    }
  }
  auto const frame = first.frame();
  return frame && frame->type == FrameType::Request && request.parse(frame->payload);
}

[[noreturn]] void serve(int socket, Settings const& settings) {
  ::signal(SIGCHLD, SIG_DFL);
  ::fcntl(socket, F_SETFL, O_NONBLOCK);
  if (!read_request(socket)) ::_exit(1);
  ::_exit(serve_session(
      socket, {.command = request.command(), .settings = request.settings(), .machine = settings}));
}

[[noreturn]] void listen(int listener, Settings const& settings) {
  ::setsid();
  // Sessions are reaped by the kernel.
  ::signal(SIGCHLD, SIG_IGN);
  for (;;) {
    int const socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      report_errno("accept on", "vsock", errno);
      ::_exit(1);
    }
    if (::fork() == 0) {
      ::close(listener);
      serve(socket, settings);
    }
    ::close(socket);
  }
}

}  // namespace

void start_agent(Settings const& settings) {
  // Before anything of the image runs, so that nobody else has the port.
  int const listener = listen_for_host(machine::wire::kGuestPort);
  if (listener < 0) {
    if (errno != EAFNOSUPPORT) report_errno("listen on", "vsock", errno);
    return;
  }
  pid_t const agent = ::fork();
  if (agent == 0) listen(listener, settings);
  if (agent < 0) report_errno("fork for", "sessions", errno);
  ::close(listener);
}

}  // namespace bh::init
