#include "machine/providers/layer_microvm.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <vector>

#include "machine/providers/writable_disk.h"
#include "machine/wire/protocol.h"
#include "os/folder.h"
#include "os/spawn.h"
#include "os/temporary_folder.h"
#include "os/unix_socket.h"

namespace bh::machine {

namespace {

/// The microVM's process, killed unless its end was seen.
class Monitor {
 public:
  static Result<Monitor> start(std::vector<std::string> words) {
    auto const pid = BH_TRY(
        os::spawn({.words = std::move(words), .output = STDOUT_FILENO, .error = STDERR_FILENO}));
    Monitor monitor(pid);
    if (!monitor.end_.valid()) return fail_errno("pidfd_open", errno);
    return monitor;
  }
  Monitor(Monitor&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), end_(std::move(other.end_)) {}
  Monitor& operator=(Monitor&&) = delete;
  ~Monitor() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    (void)os::wait_for(pid_);
  }

  /// Readable when the process has ended.
  int end() const { return end_.get(); }
  Result<int> wait() { return os::wait_for(std::exchange(pid_, -1)); }

 private:
  explicit Monitor(pid_t pid)
      : pid_(pid), end_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

  pid_t pid_;
  os::UniqueFd end_;
};

/// The stream on which the guest sends the layer.
class LayerStream {
 public:
  LayerStream(os::UniqueFd listener, LayerOutput const& output)
      : listener_(std::move(listener)), output_(output) {}

  int fd() const { return socket_.valid() ? socket_.get() : listener_.get(); }
  bool ended() const { return ended_; }

  /// When fd() is readable.
  Result<> go_on() {
    if (!socket_.valid()) {
      socket_ = os::UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      return {};
    }
    ssize_t const count = ::read(socket_.get(), buffer_.data(), buffer_.size());
    if (count < 0 && errno == EINTR) return {};
    if (count > 0) return output_(std::span(buffer_).first(static_cast<std::size_t>(count)));
    ended_ = true;
    // The guest ends its machine when it knows that we have everything.
    char const done = 1;
    (void)::send(socket_.get(), &done, 1, MSG_NOSIGNAL);
    return {};
  }

 private:
  os::UniqueFd listener_;
  os::UniqueFd socket_;
  LayerOutput const& output_;
  std::array<std::byte, std::size_t{64} * 1024> buffer_{};
  bool ended_ = false;
};

Result<int> wait_for(Monitor& monitor, LayerStream& stream) {
  while (true) {
    std::array<pollfd, 2> fds{{{.fd = monitor.end(), .events = POLLIN, .revents = 0},
                               {.fd = stream.fd(), .events = POLLIN, .revents = 0}}};
    // A guest that says more than a whole layer is not listened to.
    if (::poll(fds.data(), stream.ended() ? 1 : 2, -1) < 0 && errno != EINTR) {
      return fail_errno("poll", errno);
    }
    if (!stream.ended() && fds[1].revents != 0) {
      BH_TRY(stream.go_on());
    } else if (fds[0].revents != 0) {
      return monitor.wait();
    }
  }
}

}  // namespace

Result<int> run_microvm_for_layer(Microvm machine, MicrovmOptions const& options,
                                  std::string const& work_folder, LayerOutput const& layer) {
  // Names of sockets are short, and those of work folders may be long.
  auto const folder = BH_TRY(os::TemporaryFolder::create("bulkhead-build"));
  BH_TRY(os::make_folders(work_folder));
  auto const disks = BH_TRY(os::TemporaryFolder::create_in(work_folder, "disk"));
  machine.writable = disks.path() + "/disk.ext4";
  BH_TRY(make_writable_disk(*machine.writable, kDefaultDiskMib));
  machine.vsock = folder.path() + "/vsock";
  machine.settings.push_back(fmt::format("layer={}", wire::kLayerPort));
  auto const id = fmt::format("build-{}", ::getpid());
  auto start = BH_TRY(prepare_microvm(machine, options, folder.path(), id));
  auto listener = BH_TRY(os::listen_unix(fmt::format("{}_{}", machine.vsock, wire::kLayerPort)));
  auto monitor = BH_TRY(Monitor::start(std::move(start.words)));
  LayerStream stream(std::move(listener), layer);
  auto const status = BH_TRY(wait_for(monitor, stream));
  if (status == 0 && !stream.ended()) {
    return fail(Errc::Io, "the microVM has ended without a word on what its command changed");
  }
  return status;
}

}  // namespace bh::machine
