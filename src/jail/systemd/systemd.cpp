#include "jail/systemd/systemd.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace bh::jail {

namespace {

constexpr long kMostSeconds = 30;
constexpr std::string_view kPath = "/org/freedesktop/systemd1";
constexpr std::string_view kInterface = "org.freedesktop.systemd1.Manager";
constexpr std::string_view kNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";

Result<std::string> socket_path() {
  if (::geteuid() == 0) return std::string("/run/systemd/private");
  char const* const folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder == nullptr) {
    return fail(Errc::Unsupported, "the systemd driver needs XDG_RUNTIME_DIR without root");
  }
  return std::string(folder) + "/systemd/private";
}

Result<> send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("talk to systemd", errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// The words of an error message: its body begins with them.
std::string words_of(DbusMessage const& message) {
  if (!message.signature.starts_with('s')) return message.error_name;
  DbusReader reader(message.body);
  return std::string(reader.text());
}

std::unexpected<Error> refused(std::string_view member, DbusMessage const& message) {
  auto const code = message.error_name == kNoSuchUnit              ? Errc::NotFound
                    : message.error_name.ends_with("UnitExists")   ? Errc::Exists
                    : message.error_name.ends_with("AccessDenied") ? Errc::Denied
                                                                   : Errc::Io;
  return fail(code, "systemd: " + std::string(member) + ": " + words_of(message));
}

}  // namespace

Result<Systemd> Systemd::connect() {
  auto const path = BH_TRY(socket_path());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::Invalid, path + " is too long");
  path.copy(address.sun_path, path.size());
  os::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket", errno);
  timeval const limit{.tv_sec = kMostSeconds, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return fail(Errc::Unsupported,
                  "systemd does not run here (" + path + "); use --cgroup-manager cgroupfs");
    }
    return fail_errno("connect to " + path, errno);
  }
  Systemd manager(std::move(socket));
  BH_TRY(manager.authenticate());
  return manager;
}

Result<> Systemd::authenticate() {
  // "Authentication Protocol": the user is known by the socket; its id is hexadecimal text.
  std::string hex;
  for (char const digit : std::to_string(::geteuid())) hex += std::string("3") + digit;
  std::string hello(1, '\0');
  // BEGIN goes along: were it to come later together with the first call, systemd would read both
  // at once and wait for more before it looks at the call.
  hello += "AUTH EXTERNAL " + hex + "\r\nBEGIN\r\n";
  BH_TRY(send_all(socket_.get(), hello));
  std::string answer;
  while (!answer.ends_with("\r\n")) {
    BH_TRY(read_exactly(answer, 1));
    if (answer.size() > 512) break;
  }
  if (!answer.starts_with("OK ")) return fail(Errc::Denied, "systemd: " + answer);
  return {};
}

Result<> Systemd::read_exactly(std::string& out, std::size_t size) {
  std::size_t const start = out.size();
  out.resize(start + size);
  for (std::size_t done = 0; done < size;) {
    ssize_t const count = ::recv(socket_.get(), out.data() + start + done, size - done, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      return fail(Errc::Timeout, "systemd has not answered for 30 seconds");
    }
    if (count < 0) return fail_errno("hear from systemd", errno);
    if (count == 0) return fail(Errc::Io, "systemd has closed the connection");
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<DbusMessage> Systemd::receive() {
  std::string bytes;
  BH_TRY(read_exactly(bytes, kDbusFixedHeader));
  auto const size = BH_TRY(dbus_message_size(bytes));
  BH_TRY(read_exactly(bytes, size - kDbusFixedHeader));
  return parse_dbus_message(bytes);
}

Result<DbusMessage> Systemd::call(std::string_view member, std::string_view signature,
                                  std::string_view body) {
  auto const serial = ++serial_;
  BH_TRY(send_all(socket_.get(), dbus_call(serial, kPath, kInterface, member, signature, body)));
  while (true) {
    auto message = BH_TRY(receive());
    if (message.reply_serial != serial) continue;
    if (message.kind == DbusMessage::Kind::Error) return refused(member, message);
    if (message.kind == DbusMessage::Kind::Return) return message;
  }
}

Result<> Systemd::call_job(std::string_view member, std::string_view signature,
                           std::string_view body) {
  auto const answer = BH_TRY(call(member, signature, body));
  DbusReader reader(answer.body);
  std::string const job(reader.text());
  while (true) {
    auto const message = BH_TRY(receive());
    if (message.kind != DbusMessage::Kind::Signal || message.member != "JobRemoved") continue;
    DbusReader ended(message.body);
    ended.natural32();  // Its number.
    bool const ours = ended.text() == job;
    ended.text();  // The unit.
    auto const result = ended.text();
    if (!ours) continue;
    if (result == "done" || result == "skipped") return {};
    return fail(Errc::Io, "systemd: " + std::string(member) + ": the job ended as \"" +
                              std::string(result) + "\"; see systemctl status");
  }
}

Result<> Systemd::start(SystemdUnit const& unit, pid_t pid, Resources const& limits) {
  DbusWriter body;
  body.text(unit.name).text("fail");
  auto const properties = body.open_array(8);
  append_property(body, "Description", "container " + unit.name);
  if (!unit.slice.empty()) append_property(body, "Slice", unit.slice);
  body.align(8).text("PIDs").signature("au");
  auto const pids = body.open_array(4);
  body.natural32(static_cast<std::uint32_t>(pid)).close_array(pids);
  append_property(body, "Delegate", true);
  // Without this a scope whose process the OOM killer ended would stay, as failed.
  append_property(body, "CollectMode", std::string_view("inactive-or-failed"));
  append_property(body, "DefaultDependencies", false);
  for (auto const* const kind :
       {"MemoryAccounting", "CPUAccounting", "TasksAccounting", "IOAccounting"}) {
    append_property(body, kind, true);
  }
  append_unit_limits(limits, body);
  body.close_array(properties);
  auto const others = body.open_array(8);
  body.close_array(others);
  return call_job("StartTransientUnit", "ssa(sv)a(sa(sv))", body.bytes());
}

Result<> Systemd::set_limits(std::string const& unit, Resources const& limits) {
  DbusWriter body;
  body.text(unit).boolean(true);
  auto const properties = body.open_array(8);
  append_unit_limits(limits, body);
  body.close_array(properties);
  auto const answer = BH_TRY(call("SetUnitProperties", "sba(sv)", body.bytes()));
  (void)answer;
  return {};
}

Result<> Systemd::stop(std::string const& unit) {
  DbusWriter body;
  body.text(unit).text("replace");
  auto stopped = call_job("StopUnit", "ss", body.bytes());
  if (!stopped && stopped.error().code == Errc::NotFound) return {};
  return stopped;
}

}  // namespace bh::jail
