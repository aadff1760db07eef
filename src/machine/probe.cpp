#include "machine/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <charconv>
#include <utility>

#include "base/duration.h"
#include "image/json.h"

namespace bh::machine {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMostRetries = 1000;

Result<std::uint64_t> number(std::string_view what, std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most) {
    return fail(Errc::Invalid,
                fmt::format("{} \"{}\": must be a number from 1 to {}", what, text, most));
  }
  return value;
}

Result<> take_port(std::string_view text, Probe& probe) {
  constexpr std::uint64_t kMostPort = 65'535;
  auto const slash = text.find('/');
  auto const port = BH_TRY(number("port", text.substr(0, slash), kMostPort));
  probe.port = static_cast<std::uint16_t>(port);
  if (probe.kind != ProbeKind::Http) {
    if (slash == text.npos) return {};
    return fail(Errc::Invalid, fmt::format("tcp=\"{}\": must be a port", text));
  }
  probe.path = slash == text.npos ? "/" : text.substr(slash);
  // It becomes a part of a line of a request.
  constexpr std::size_t kLongestPath = 1024;
  bool const plain =
      std::ranges::all_of(probe.path, [](char letter) { return letter > ' ' && letter < '\x7f'; });
  if (plain && probe.path.size() <= kLongestPath) return {};
  return fail(Errc::Invalid, "http: a path without blanks is expected");
}

Result<ProbeAction> parse_action(std::string_view text) {
  if (text == "none") return ProbeAction::None;
  if (text == "restart") return ProbeAction::Restart;
  return fail(Errc::Invalid, fmt::format("action \"{}\": must be none or restart", text));
}

Result<> take_key(std::string_view key, std::string_view value, Probe& probe) {
  if (key == "interval") {
    probe.interval = BH_TRY(parse_duration(value));
  } else if (key == "timeout") {
    probe.timeout = BH_TRY(parse_duration(value));
  } else if (key == "start-period") {
    probe.start_period = BH_TRY(parse_duration(value));
  } else if (key == "retries") {
    probe.retries = BH_TRY(number("retries", value, kMostRetries));
  } else if (key == "action") {
    probe.action = BH_TRY(parse_action(value));
  } else if (key == "tcp" || key == "http") {
    probe.kind = key == "tcp" ? ProbeKind::Tcp : ProbeKind::Http;
    return take_port(value, probe);
  } else {
    return fail(Errc::Invalid,
                fmt::format("\"{}\": must be exec=, tcp=, http=, interval=, timeout=, "
                            "start-period=, retries= or action=",
                            key));
  }
  return {};
}

}  // namespace

Result<Probe> parse_probe_option(std::string_view text) {
  Probe probe;
  constexpr std::string_view kExec = "exec=";
  while (!text.empty()) {
    if (text.starts_with(kExec) && text.size() > kExec.size()) {
      probe.kind = ProbeKind::Exec;
      probe.words = {"/bin/sh", "-c", std::string(text.substr(kExec.size()))};
      break;
    }
    auto const part = text.substr(0, text.find(','));
    auto const equals = std::min(part.find('='), part.size());
    BH_TRY(take_key(part.substr(0, equals), part.substr(std::min(equals + 1, part.size())), probe));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  if (probe.port != 0 || !probe.words.empty()) return probe;
  return fail(Errc::Invalid, "exec=COMMAND, tcp=PORT or http=PORT/PATH is missing");
}

boost::json::object json_of(Probe const& probe) {
  boost::json::object json;
  if (probe.kind == ProbeKind::Exec) {
    json["exec"] = boost::json::array(probe.words.begin(), probe.words.end());
  } else {
    json[probe.kind == ProbeKind::Tcp ? "tcp" : "http"] = probe.port;
    if (!probe.path.empty()) json["path"] = probe.path;
  }
  json["interval_ms"] = probe.interval.count();
  json["timeout_ms"] = probe.timeout.count();
  json["start_period_ms"] = probe.start_period.count();
  json["retries"] = probe.retries;
  json["action"] = probe.action == ProbeAction::Restart ? "restart" : "none";
  return json;
}

Result<Probe> parse_probe(boost::json::object const& json) {
  Probe probe;
  probe.words = BH_TRY(image::texts_member(json, "exec"));
  if (probe.words.empty()) {
    probe.kind = json.contains("tcp") ? ProbeKind::Tcp : ProbeKind::Http;
    auto const port = BH_TRY(image::number_member(json, json.contains("tcp") ? "tcp" : "http"));
    probe.port = static_cast<std::uint16_t>(port);
  }
  probe.path = BH_TRY(image::text_member(json, "path"));
  for (auto const& [name, time] : {std::pair{"interval_ms", &probe.interval},
                                   {"timeout_ms", &probe.timeout},
                                   {"start_period_ms", &probe.start_period}}) {
    auto const count = BH_TRY(image::number_member(json, name));
    *time = milliseconds(std::min<std::uint64_t>(count, kLongestDuration.count()));
  }
  probe.retries = BH_TRY(image::number_member(json, "retries"));
  auto const action = BH_TRY(image::text_member(json, "action"));
  probe.action = BH_TRY(parse_action(action));
  return probe;
}

}  // namespace bh::machine
