#include "machine/supervise/probe_port.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "machine/wire/port_probe.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

Result<> ask(std::string const& pid, std::string const& port_text, std::string const& path) {
  auto const network = BH_TRY(os::open_at(AT_FDCWD, "/proc/" + pid + "/ns/net", O_RDONLY));
  if (::setns(network.get(), CLONE_NEWNET) != 0) return fail_errno("join its network", errno);
  auto const port = static_cast<std::uint16_t>(std::atoi(port_text.c_str()));
  int status = 0;
  switch (wire::ask_port(port, path, status)) {
    case wire::PortAnswer::Good: return {};
    case wire::PortAnswer::NoConnection:
      return fail_errno("connect to 127.0.0.1:" + port_text, errno);
    case wire::PortAnswer::NoAnswer: return fail(Errc::Io, "no answer that is HTTP");
    case wire::PortAnswer::BadStatus: break;
  }
  return fail(Errc::Io, fmt::format("GET {}: status {}", path, status));
}

}  // namespace

int probe_port(int argc, char** argv) {
  constexpr int kArguments = 5;
  auto const done = argc == kArguments ? ask(argv[2], argv[3], argv[4])
                                       : fail(Errc::Invalid, "probe PID PORT PATH expected");
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}

}  // namespace bh::machine
