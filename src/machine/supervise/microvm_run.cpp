#include "machine/supervise/microvm_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "os/descriptor.h"
#include "os/process_usage.h"
#include "os/spawn.h"
#include "os/unix_socket.h"

namespace bh::machine {

namespace {

constexpr char kSocket[] = "vsock";
// Enough to say why a kernel gave up.
constexpr std::size_t kTail = std::size_t{16} * 1024;
// bulkhead-vmm's exit statuses for what it could not even start (vmm/vm/exit_code.h).
constexpr int kBadConfiguration = 152;
constexpr int kBadArguments = 153;

/// The line of `text` that has `words` in it.
std::string line_with(std::string_view text, std::string_view words) {
  auto const at = text.find(words);
  if (at == text.npos) return {};
  auto const start = text.rfind('\n', at) + 1;
  return std::string(text.substr(start, text.find_first_of("\r\n", at) - start));
}

}  // namespace

Result<std::unique_ptr<Run>> MicrovmRun::start(Record const& record, Process const& process,
                                               MicrovmDisks disks, std::vector<SecretValue> secrets,
                                               RunWorld const& world) {
  std::unique_ptr<MicrovmRun> run(new MicrovmRun(world));
  auto const& definition = record.definition;
  auto machine = microvm_of(definition, process, std::move(disks.image));
  machine.writable = std::move(disks.writable);
  machine.vsock = kSocket;
  machine.wiring = world.wiring;
  machine.secrets = std::move(secrets);
  machine.settings.push_back("session=" + std::to_string(wire::kHostPort));
  if (definition.terminal) machine.settings.emplace_back("terminal=1");
  if (definition.keep_input) machine.settings.emplace_back("input=1");
  constexpr std::uint64_t kMebibyte = 1 << 20;
  run->memory_ = machine.memory_mib * kMebibyte;
  auto start = BH_TRY(prepare_microvm(machine, definition.microvm, ".", record.id));
  run->initrd_ = std::move(start.initrd);
  BH_TRY(run->launch(std::move(start.words)));
  return run;
}

Result<> MicrovmRun::launch(std::vector<std::string> words) {
  auto* const self = this;
  listener_ = BH_TRY(os::listen_unix(fmt::format("{}_{}", kSocket, wire::kHostPort)));
  world_.loop.watch(listener_.get(), POLLIN, [self](short) { self->on_connection(); });
  auto [console, their_console] = BH_TRY(os::make_pipe());
  auto [complaints, their_complaints] = BH_TRY(os::make_pipe());
  os::Spawn const program{
      .words = std::move(words), .output = their_console.get(), .error = their_complaints.get()};
  pid_ = BH_TRY(os::spawn(program));
  console_ = std::move(console);
  complaints_ = std::move(complaints);
  watch(console_, console_tail_, true);
  watch(complaints_, words_, false);
  world_.reaper.watch(pid_, [self](int status) { self->on_exit(status); });
  session_.on_end = [self](int) { self->end_if_over(); };
  return {};
}

MicrovmRun::~MicrovmRun() {
  for (auto const* const fd : {&listener_, &console_, &complaints_}) {
    if (fd->valid()) world_.loop.forget(fd->get());
  }
  world_.reaper.forget(pid_);
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  (void)os::wait_for(pid_);
}

void MicrovmRun::watch(os::UniqueFd& fd, std::string& tail, bool shown) {
  world_.loop.watch(fd.get(), POLLIN, [this, &fd, &tail, shown](short) {
    std::array<char, 4096> bytes{};
    ssize_t const count = ::read(fd.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) return;
    if (count <= 0) {
      world_.loop.forget(fd.get());
      fd.reset();
      end_if_over();
      return;
    }
    std::string text(bytes.data(), static_cast<std::size_t>(count));
    // The serial line's way to end lines is nobody else's.
    std::erase(text, '\r');
    tail += text;
    if (tail.size() > kTail) tail.erase(0, tail.size() - kTail);
    if (shown && session_.on_output) session_.on_output(Stream::Error, text);
  });
}

void MicrovmRun::on_connection() {
  os::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  // bulkhead-init is the first to call, before anything of the image runs.
  if (!socket.valid() || session_.connected()) return;
  session_.connect(std::move(socket), {});
  initrd_.reset();
  if (on_ready) on_ready();
}

void MicrovmRun::on_exit(int status) {
  status_ = status;
  // Else it ends when all that the guest has said is read.
  if (!session_.connected()) session_.close();
  end_if_over();
}

void MicrovmRun::end_if_over() {
  if (!status_ || !session_.ended() || console_.valid() || complaints_.valid()) return;
  if (auto const handler = std::exchange(on_end, {})) handler(how_it_ended());
}

End MicrovmRun::how_it_ended() const {
  if (auto const status = session_.status(); status && !killed_) return end_of(*status);
  constexpr int kKilled = 128 + SIGKILL;
  if (killed_) return end_of(kKilled);
  auto end = end_of(*status_);
  end.detail = words_.substr(0, words_.find_last_not_of('\n') + 1);
  auto const panic = line_with(console_tail_, "Kernel panic");
  if (!panic.empty()) {
    end.reason = Reason::GuestPanic;
    end.detail = panic;
  } else if (*status_ == kBadConfiguration || *status_ == kBadArguments) {
    end.state = State::Failed;
    end.reason = Reason::NotStarted;
  }
  return end;
}

Result<> MicrovmRun::pause() {
  if (::kill(pid_, SIGSTOP) != 0) return fail_errno("stop bulkhead-vmm", errno);
  return {};
}

Result<> MicrovmRun::resume() {
  if (::kill(pid_, SIGCONT) != 0) return fail_errno("let bulkhead-vmm go on", errno);
  return {};
}

void MicrovmRun::kill() {
  if (status_) return;
  killed_ = true;
  ::kill(pid_, SIGKILL);
}

Result<std::unique_ptr<Session>> MicrovmRun::exec(ExecRequest const& request) {
  auto const payload = BH_TRY(request.for_guest());
  return ask_guest(payload);
}

Result<std::unique_ptr<Session>> MicrovmRun::copy(CopyRequest const& request) {
  return ask_guest(request.for_guest());
}

Result<std::unique_ptr<Session>> MicrovmRun::probe(Probe const& probe) {
  if (probe.kind == ProbeKind::Exec) return exec({.words = probe.words, .whole = true});
  auto request = fmt::format("probe={}", probe.port) + '\0';
  if (!probe.path.empty()) request += "path=" + probe.path + '\0';
  return ask_guest(request);
}

Result<std::unique_ptr<Session>> MicrovmRun::ask_guest(std::string_view request) {
  auto socket = BH_TRY(os::connect_unix(kSocket));
  auto session = std::make_unique<GuestSession>(world_.loop);
  session->request(request);
  session->connect(std::move(socket), fmt::format("CONNECT {}\n", wire::kGuestPort));
  return session;
}

Result<Run::Usage> MicrovmRun::usage() {
  auto const used = BH_TRY(os::process_usage(pid_));
  Usage usage{.cpu = used.cpu, .memory = used.memory, .memory_limit = memory_, .processes = 1};
  return usage;
}

Result<> MicrovmRun::set_limits(Definition const& /*definition*/) {
  return fail(Errc::Unsupported, "a microVM gets other memory and CPUs when it starts");
}

}  // namespace bh::machine
