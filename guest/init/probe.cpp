#include "init/probe.h"

#include <cerrno>
#include <charconv>

#include "init/report.h"
#include "machine/wire/port_probe.h"

namespace bh::init {

int probe_port(Settings const& settings) {
  using machine::wire::PortAnswer;
  auto const port_text = settings.find("probe").value_or("");
  std::uint16_t port = 0;
  std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  int status = 0;
  switch (machine::wire::ask_port(port, settings.find("path").value_or(""), status)) {
    case PortAnswer::Good: return 0;
    case PortAnswer::NoConnection: report_errno("connect to port", port_text, errno); break;
    case PortAnswer::NoAnswer: report(port_text, "no answer that is HTTP"); break;
    case PortAnswer::BadStatus: {
      std::array<char, 16> text{};
      auto const end = std::to_chars(text.data(), text.data() + text.size(), status).ptr;
      report("status", {text.data(), static_cast<std::size_t>(end - text.data())});
    }
  }
  return 1;
}

}  // namespace bh::init
