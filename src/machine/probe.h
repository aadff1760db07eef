#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bh::machine {

enum class ProbeKind : std::uint8_t { Exec, Tcp, Http };
enum class ProbeAction : std::uint8_t { None, Restart };

/// A question that a machine is asked again and again: whether it lives, or whether it is ready.
struct Probe {
  ProbeKind kind = ProbeKind::Exec;
  std::vector<std::string> words;  // A command in the machine, good if it ends with 0.
  std::uint16_t port = 0;          // Of the machine's own 127.0.0.1: good if it takes a connection,
  std::string path;                // and answers GET with a status from 200 to 399.
  std::chrono::milliseconds interval{30'000};
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds start_period{0};  // Failures this early after the start do not count.
  std::uint64_t retries = 3;                  // That many failures in a row are one.
  ProbeAction action = ProbeAction::None;     // When it does not live.

  bool operator==(Probe const&) const = default;
};

/// KEY=VALUE,... with exec=COMMAND (for /bin/sh, the rest of the text), tcp=PORT or
/// http=PORT[/PATH], and interval=, timeout=, start-period=, retries=, action=none|restart.
Result<Probe> parse_probe_option(std::string_view text);

boost::json::object json_of(Probe const& probe);
Result<Probe> parse_probe(boost::json::object const& json);

}  // namespace bh::machine
