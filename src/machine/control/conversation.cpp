#include "machine/control/conversation.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

#include "machine/control/terminal.h"
#include "os/event_loop.h"

namespace bh::machine {

namespace {

using wire::FrameType;

constexpr char kDetachFirst = 0x10;   // Ctrl-P
constexpr char kDetachSecond = 0x11;  // Ctrl-Q
constexpr std::array kPassed{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

/// What a loop of one conversation has.
class Conversation {
 public:
  Conversation(Connection& connection, ConversationOptions const& options)
      : connection_(connection), options_(options) {}

  Result<std::optional<int>> run() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGWINCH);
    if (options_.pass_signals) {
      for (int const number : kPassed) ::sigaddset(&signals, number);
    }
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &signals, &before);
    os::UniqueFd const source(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!source.valid()) return fail_errno("signalfd", errno);
    loop_.watch(source.get(), POLLIN, [&](short) { on_signal(source.get()); });
    loop_.watch(connection_.fd(), POLLIN, [this](short) { on_socket(); });
    if (options_.input) loop_.watch(STDIN_FILENO, POLLIN, [this](short) { on_input(); });
    {
      std::optional<RawTerminal> raw;
      if (options_.terminal && options_.input) raw.emplace(STDIN_FILENO);
      // What came with the answer.
      take_frames();
      if (!over_) BH_TRY(loop_.run());
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (failure_) return std::unexpected(*failure_);
    return status_;
  }

 private:
  void end() {
    over_ = true;
    loop_.stop();
  }

  void fail_with(std::string words) {
    failure_ = Error{.code = Errc::Io, .message = std::move(words)};
    end();
  }

  void send(std::string_view frame) {
    auto const sent = write_socket(frame);
    if (!sent) loop_.forget(STDIN_FILENO);
  }

  Result<> write_socket(std::string_view frame) {
    while (!frame.empty()) {
      ssize_t const count = ::write(connection_.fd(), frame.data(), frame.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("write", errno);
      frame.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  void on_signal(int source) {
    signalfd_siginfo info{};
    while (::read(source, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGWINCH) {
        auto const size = window_size(STDIN_FILENO);
        if (options_.terminal && size.rows != 0) send(wire::encode(size));
      } else {
        send(wire::encode(FrameType::Signal, std::string(1, static_cast<char>(info.ssi_signo))));
      }
    }
  }

  /// False: the person wants to leave.
  bool filter(std::string& bytes) {
    std::string kept;
    for (char const byte : bytes) {
      if (half_detached_ && byte == kDetachSecond) return false;
      if (half_detached_) kept += kDetachFirst;
      half_detached_ = byte == kDetachFirst;
      if (!half_detached_) kept += byte;
    }
    bytes = std::move(kept);
    return true;
  }

  void on_input() {
    std::array<char, std::size_t{16} * 1024> bytes{};
    ssize_t const count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      loop_.forget(STDIN_FILENO);
      send(wire::encode(FrameType::Input));
      return;
    }
    std::string text(bytes.data(), static_cast<std::size_t>(count));
    if (options_.terminal && !filter(text)) {
      end();
      return;
    }
    if (!text.empty()) send(wire::encode(FrameType::Input, text));
  }

  void on_socket() {
    std::array<char, std::size_t{64} * 1024> bytes{};
    ssize_t const count = ::read(connection_.fd(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) {
      fail_with("the machine's bulkhead-supervise has ended (`bulkhead ps -a` says why)");
      return;
    }
    connection_.frames().add({bytes.data(), static_cast<std::size_t>(count)});
    take_frames();
  }

  void take_frames() {
    while (!over_) {
      auto const frame = connection_.frames().next();
      if (!frame) {
        fail_with(frame.error().message);
        return;
      }
      if (!*frame) return;
      handle(**frame);
    }
  }

  void handle(wire::Frame const& frame) {
    if (frame.type == FrameType::Exit) {
      status_ = wire::decode_byte(frame.payload).value_or(1);
      end();
      return;
    }
    if (frame.type != FrameType::Output && frame.type != FrameType::ErrorOutput) return;
    int const target = frame.type == FrameType::Output ? STDOUT_FILENO : STDERR_FILENO;
    std::string_view rest = frame.payload;
    while (!rest.empty()) {
      ssize_t const count = ::write(target, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) {
        pollfd room{.fd = target, .events = POLLOUT, .revents = 0};
        ::poll(&room, 1, -1);
        continue;
      }
      if (count < 0) {
        fail_with("write the output: " + fail_errno("write", errno).error().message);
        return;
      }
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  Connection& connection_;
  ConversationOptions options_;
  os::EventLoop loop_;
  bool over_ = false;
  bool half_detached_ = false;
  std::optional<int> status_;
  std::optional<Error> failure_;
};

}  // namespace

Result<std::optional<int>> converse(Connection& connection, ConversationOptions const& options) {
  return Conversation(connection, options).run();
}

}  // namespace bh::machine
