#include "init/session.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "init/exit_status.h"
#include "init/frames.h"
#include "init/report.h"
#include "init/session_child.h"
#include "init/whole.h"

namespace bh::init {

namespace {

using machine::wire::FrameType;
using machine::wire::kHeaderBytes;

// What the host needs to take the last bytes.
constexpr unsigned kFarewellSeconds = 5;
constexpr char kEndOfTransmission = '\x04';

// Too large for a stack that nobody has grown yet.
FrameBuffer from_host;
std::array<char, kHeaderBytes + std::size_t{32} * 1024> to_host;

bool again() {
  return errno == EAGAIN || errno == EINTR;
}

/// Carries bytes between the host and a child, one frame each way at a time, so that whoever is
/// slow makes the other wait.
class Pump {
 public:
  Pump(int socket, SessionChild& child) : socket_(socket), child_(child) {
    handle_ = static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0));
  }

  int run() {
    while (!over()) {
      std::array<pollfd, 5> entries{
          pollfd{.fd = socket_, .events = socket_events(), .revents = 0},
          pollfd{.fd = status_ ? -1 : handle_, .events = POLLIN, .revents = 0},
          pollfd{.fd = reading() ? first_output() : -1, .events = POLLIN, .revents = 0},
          pollfd{.fd = reading() ? child_.error : -1, .events = POLLIN, .revents = 0},
          pollfd{.fd = has_input() ? input() : -1, .events = POLLOUT, .revents = 0}};
      // Once the child has ended, what it left is there already.
      bool const last_look = status_ && reading();
      int const patience = last_look ? 0 : -1;
      if (::poll(entries.data(), entries.size(), patience) < 0 && errno != EINTR) break;
      if (entries[1].revents != 0) reap();
      if (entries[0].revents != 0) talk(entries[0].revents);
      if (entries[2].revents != 0) carry(first_output_fd(), FrameType::Output);
      if (entries[3].revents != 0 && out_size_ == 0) carry(child_.error, FrameType::ErrorOutput);
      if (entries[4].revents != 0) feed();
      if (last_look && entries[2].revents == 0 && entries[3].revents == 0) silence();
    }
    if (!status_) {
      ::kill(child_.pid, SIGHUP);
      return kCannotStart;
    }
    return *status_;
  }

  bool host_listens() const { return socket_ >= 0; }

 private:
  int& first_output_fd() { return child_.terminal >= 0 ? child_.terminal : child_.output; }
  int first_output() { return first_output_fd(); }
  int input() const { return child_.terminal >= 0 ? child_.terminal : child_.input; }
  bool reading() const { return out_size_ == 0; }
  bool has_input() const { return from_host.frame() && input() >= 0; }
  bool over() const {
    bool const silent = child_.terminal < 0 && child_.output < 0 && child_.error < 0;
    return socket_ < 0 || (status_ && silent && out_size_ == 0);
  }

  short socket_events() const {
    short events = 0;
    if (!from_host.frame() && from_host.free_bytes() != 0) events |= POLLIN;
    if (out_size_ != 0) events |= POLLOUT;
    return events;
  }

  void reap() {
    int status = 0;
    if (::waitpid(child_.pid, &status, 0) == child_.pid) status_ = status_of_wait(status);
  }

  /// The child has ended and left nothing to read: others may have its files open for ever.
  void silence() {
    for (int* const fd : {&child_.terminal, &child_.output, &child_.error}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }

  void talk(short events) {
    if ((events & POLLOUT) != 0) send();
    if ((events & (POLLHUP | POLLERR)) != 0 && from_host.frame()) socket_ = -1;
    if ((events & (POLLIN | POLLHUP | POLLERR)) == 0 || socket_ < 0 || from_host.frame()) return;
    ssize_t const count = ::read(socket_, from_host.free_space(), from_host.free_bytes());
    if (count < 0 && again()) return;
    if (count > 0) from_host.added(static_cast<std::size_t>(count));
    if (count <= 0 || from_host.broken()) {
      socket_ = -1;
      return;
    }
    while (auto const frame = from_host.frame()) {
      if (frame->type == FrameType::Input && !take_input()) return;
      if (frame->type != FrameType::Input) obey(*frame);
      from_host.drop_frame();
    }
  }

  void obey(FrameBuffer::Frame const& frame) {
    if (frame.type == FrameType::Resize) {
      if (auto const size = parse_size(frame.payload)) resize(child_, size->rows, size->columns);
    }
    if (frame.type == FrameType::Signal && frame.payload.size() == 1 && !status_) {
      ::kill(child_.pid, static_cast<std::uint8_t>(frame.payload[0]));
    }
  }

  /// False: the rest must wait until the child has read.
  bool take_input() {
    auto const payload = from_host.frame()->payload;
    if (input() < 0) return true;
    if (payload.empty()) {
      if (child_.terminal >= 0) {
        (void)(::write(child_.terminal, &kEndOfTransmission, 1) + 1);
      } else {
        ::close(child_.input);
        child_.input = -1;
      }
      return true;
    }
    while (fed_ < payload.size()) {
      ssize_t const count = ::write(input(), payload.data() + fed_, payload.size() - fed_);
      if (count < 0 && again()) return false;
      // Nobody reads any more.
      if (count <= 0) break;
      fed_ += static_cast<std::size_t>(count);
    }
    fed_ = 0;
    return true;
  }

  void feed() {
    if (!take_input()) return;
    from_host.drop_frame();
    while (auto const frame = from_host.frame()) {
      if (frame->type == FrameType::Input && !take_input()) return;
      if (frame->type != FrameType::Input) obey(*frame);
      from_host.drop_frame();
    }
  }

  void carry(int& fd, FrameType type) {
    if (fd < 0) return;
    ssize_t const count = ::read(fd, to_host.data() + kHeaderBytes, to_host.size() - kHeaderBytes);
    if (count < 0 && again()) return;
    if (count <= 0) {
      ::close(fd);
      fd = -1;
      return;
    }
    write_header(to_host.data(), type, static_cast<std::size_t>(count));
    out_size_ = kHeaderBytes + static_cast<std::size_t>(count);
    out_done_ = 0;
    send();
  }

  void send() {
    while (out_done_ < out_size_) {
      ssize_t const count = ::write(socket_, to_host.data() + out_done_, out_size_ - out_done_);
      if (count < 0 && again()) return;
      if (count <= 0) {
        socket_ = -1;
        return;
      }
      out_done_ += static_cast<std::size_t>(count);
    }
    out_size_ = 0;
  }

  int socket_;
  SessionChild& child_;
  int handle_ = -1;
  std::optional<int> status_;
  std::size_t out_size_ = 0;
  std::size_t out_done_ = 0;
  std::size_t fed_ = 0;  // Of the Input frame that waits.
};

/// Tells the host and waits until it has heard: it closes then.
void say_exit(int socket, int status) {
  std::array<char, kHeaderBytes + 1> frame{};
  write_header(frame.data(), FrameType::Exit, 1);
  frame[kHeaderBytes] = static_cast<char>(status);
  // There is room: all before was taken.
  if (::write(socket, frame.data(), frame.size()) < 0) return;
  pollfd closed{.fd = socket, .events = POLLIN, .revents = 0};
  constexpr int kMilliseconds = 1000;
  std::array<char, 256> rest{};
  while (::poll(&closed, 1, static_cast<int>(kFarewellSeconds) * kMilliseconds) > 0) {
    if (::read(socket, rest.data(), rest.size()) <= 0) return;
  }
}

}  // namespace

int serve_session(int socket, SessionCommand const& what) {
  ::signal(SIGPIPE, SIG_IGN);
  bool const whole = what.settings.find("whole").has_value();
  if (whole) adopt_descendants();
  SessionChild child;
  if (!start_session_child(what, child)) {
    report_errno("start", what.command.size() != 0 ? what.command[0] : "a copy", errno);
    say_exit(socket, kCannotStart);
    return kCannotStart;
  }
  Pump pump(socket, child);
  int const status = pump.run();
  if (whole) end_descendants();
  if (pump.host_listens()) say_exit(socket, status);
  return status;
}

}  // namespace bh::init
