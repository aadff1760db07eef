#include "machine/supervise/program_session.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "os/descriptor.h"
#include "os/spawn.h"

namespace bh::machine {

namespace {

constexpr std::size_t kInputLimit = std::size_t{256} * 1024;

/// What a person types at a terminal to end its input.
constexpr char kEndOfTransmission[] = "\x04";

}  // namespace

Result<std::unique_ptr<ProgramSession>> ProgramSession::start(Options options, os::EventLoop& loop,
                                                              Reaper& reaper) {
  std::unique_ptr<ProgramSession> session(new ProgramSession(loop, reaper));
  os::Spawn program{.words = std::move(options.words)};
  os::UniqueFd theirs_in;
  if (options.input && !options.console_socket.valid()) {
    auto [read_end, write_end] = BH_TRY(os::make_pipe());
    theirs_in = std::move(read_end);
    session->input_ = std::move(write_end);
    BH_TRY(os::set_nonblocking(session->input_.get()));
  }
  auto [output, theirs_out] = BH_TRY(os::make_pipe());
  auto [error, theirs_error] = BH_TRY(os::make_pipe());
  program.input = theirs_in.get();
  program.output = theirs_out.get();
  program.error = theirs_error.get();
  session->output_ = std::move(output);
  session->error_ = std::move(error);
  session->console_socket_ = std::move(options.console_socket);
  session->pid_ = BH_TRY(os::spawn(program));
  auto* const self = session.get();
  reaper.watch(self->pid_, [self](int status) {
    self->status_ = status;
    // Nobody can send a terminal any more.
    if (self->console_socket_.valid()) self->take_console();
    if (self->on_exit) self->on_exit();
    self->end_when_silent();
  });
  self->watch_output(self->output_, Stream::Output);
  self->watch_output(self->error_, Stream::Error);
  if (self->console_socket_.valid()) {
    loop.watch(self->console_socket_.get(), POLLIN, [self](short) { self->take_console(); });
  }
  return session;
}

ProgramSession::~ProgramSession() {
  reaper_.forget(pid_);
  for (auto const* const fd : {&console_socket_, &terminal_, &input_, &output_, &error_}) {
    if (fd->valid()) loop_.forget(fd->get());
  }
  loop_.cancel(silence_);
  if (!status_) ::kill(pid_, SIGHUP);
}

void ProgramSession::take_console() {
  loop_.forget(console_socket_.get());
  os::UniqueFd const listener = std::move(console_socket_);
  os::UniqueFd const connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection.valid()) return;
  auto terminal = os::receive_descriptor(connection.get());
  if (!terminal || !os::set_nonblocking(terminal->get())) return;
  terminal_ = std::move(*terminal);
  if (size_) resize(*size_);
  watch_output(terminal_, Stream::Output);
  if (!early_.empty()) input(std::exchange(early_, {}));
}

void ProgramSession::watch_output(os::UniqueFd& fd, Stream stream) {
  loop_.watch(fd.get(), held_ ? 0 : POLLIN, [this, &fd, stream](short events) {
    if ((events & POLLOUT) != 0) write_input();
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) read_from(fd, stream);
  });
}

void ProgramSession::read_from(os::UniqueFd& fd, Stream stream) {
  std::array<char, std::size_t{32} * 1024> bytes{};
  ssize_t const count = ::read(fd.get(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) {
    if (on_output) on_output(stream, {bytes.data(), static_cast<std::size_t>(count)});
    return;
  }
  // A terminal that nobody has open any more says EIO.
  loop_.forget(fd.get());
  fd.reset();
  end_if_over();
}

void ProgramSession::end_if_over() {
  bool const silent =
      !output_.valid() && !error_.valid() && !terminal_.valid() && !console_socket_.valid();
  if (ended_ || !status_ || !silent) return;
  ended_ = true;
  if (on_end) on_end(*status_);
}

void ProgramSession::end_when_silent() {
  // What the command has left is there to be read; others may have its files open for ever.
  constexpr std::chrono::milliseconds kPause{5};
  bool silent = !held_;
  for (auto* const fd : {&output_, &error_, &terminal_}) {
    pollfd entry{.fd = fd->get(), .events = POLLIN, .revents = 0};
    if (fd->valid() && ::poll(&entry, 1, 0) > 0) silent = false;
  }
  if (!silent) {
    silence_ = loop_.after(kPause, [this] { end_when_silent(); });
    return;
  }
  for (auto* const fd : {&output_, &error_, &terminal_}) {
    if (fd->valid()) loop_.forget(fd->get());
    fd->reset();
  }
  end_if_over();
}

void ProgramSession::input(std::string_view bytes) {
  if (input_ends_) return;
  if (console_socket_.valid()) {
    early_ += bytes;
    return;
  }
  if (terminal_.valid()) {
    to_input_.put(terminal_.get(), bytes);
  } else if (input_.valid()) {
    to_input_.put(input_.get(), bytes);
  } else {
    return;
  }
  write_input();
}

void ProgramSession::write_input() {
  auto& fd = terminal_.valid() ? terminal_ : input_;
  if (!fd.valid()) return;
  bool const open = to_input_.flush(fd.get());
  if (&fd == &terminal_) {
    auto const reading = static_cast<short>(held_ ? 0 : POLLIN);
    loop_.change(fd.get(), to_input_.empty() ? reading : static_cast<short>(reading | POLLOUT));
    return;
  }
  if (!open || (input_ends_ && to_input_.empty())) {
    loop_.forget(fd.get());
    fd.reset();
  } else if (to_input_.empty()) {
    loop_.forget(fd.get());
  } else {
    loop_.watch(fd.get(), POLLOUT, [this](short) { write_input(); });
  }
}

void ProgramSession::end_input() {
  if (terminal_.valid() || console_socket_.valid()) {
    input(kEndOfTransmission);
    return;
  }
  input_ends_ = true;
  write_input();
}

void ProgramSession::resize(wire::WindowSize size) {
  size_ = size;
  winsize const wanted{.ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (terminal_.valid()) ::ioctl(terminal_.get(), TIOCSWINSZ, &wanted);
}

void ProgramSession::signal(int number) {
  if (!status_) ::kill(pid_, number);
}

void ProgramSession::hold_output(bool held) {
  if (held_ == held) return;
  held_ = held;
  for (auto const* const fd : {&output_, &error_}) {
    if (fd->valid()) loop_.change(fd->get(), held ? 0 : POLLIN);
  }
  if (terminal_.valid()) write_input();
}

bool ProgramSession::input_is_full() const {
  return to_input_.size() + early_.size() > kInputLimit;
}

}  // namespace bh::machine
