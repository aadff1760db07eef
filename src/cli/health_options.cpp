#include "cli/health_options.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace bh::cli {

namespace {

using machine::Probe;

constexpr std::array kParts{
    std::pair{"--health-interval", "interval="}, std::pair{"--health-timeout", "timeout="},
    std::pair{"--health-retries", "retries="}, std::pair{"--health-start-period", "start-period="}};

std::chrono::milliseconds time_of(std::uint64_t nanoseconds, std::chrono::milliseconds usual) {
  constexpr std::uint64_t kPerMillisecond = 1'000'000;
  constexpr std::uint64_t kLongest = 86'400'000;
  if (nanoseconds == 0) return usual;
  auto const count = std::clamp<std::uint64_t>(nanoseconds / kPerMillisecond, 1, kLongest);
  return std::chrono::milliseconds(count);
}

/// Nothing if the image has none, or says that it wants none.
std::optional<Probe> probe_of(image::Healthcheck const& check) {
  if (check.test.size() < 2) return std::nullopt;
  Probe probe;
  probe.words.assign(check.test.begin() + 1, check.test.end());
  if (check.test[0] == "CMD-SHELL") {
    probe.words = {"/bin/sh", "-c", check.test[1]};
  } else if (check.test[0] != "CMD") {
    return std::nullopt;
  }
  probe.interval = time_of(check.interval, probe.interval);
  probe.timeout = time_of(check.timeout, probe.timeout);
  probe.start_period = time_of(check.start_period, probe.start_period);
  if (check.retries != 0) probe.retries = check.retries;
  return probe;
}

/// An option's probe, with the option's name in front of what is wrong.
Result<Probe> parse(std::string_view option, std::string const& text) {
  auto probe = machine::parse_probe_option(text);
  if (!probe) return std::unexpected(std::move(probe).error().while_doing(option));
  return probe;
}

Result<> read_docker_options(Options const& options, std::optional<Probe>& probe) {
  std::string parts;
  for (auto const& [option, key] : kParts) {
    if (options.has(option)) parts += key + std::string(options.value(option)) + ",";
  }
  auto const command = options.value("--health-cmd");
  if (options.has("--health-cmd")) {
    if (command == "none") {
      probe.reset();
      return {};
    }
    probe = BH_TRY(parse("--health-cmd", parts + "exec=" + std::string(command)));
    return {};
  }
  if (parts.empty()) return {};
  if (!probe) {
    return fail(Errc::Invalid,
                "the image has no HEALTHCHECK (say --health-cmd COMMAND, or --liveness)");
  }
  auto const said = BH_TRY(parse("--health-...", parts + "exec=true"));
  if (options.has("--health-interval")) probe->interval = said.interval;
  if (options.has("--health-timeout")) probe->timeout = said.timeout;
  if (options.has("--health-retries")) probe->retries = said.retries;
  if (options.has("--health-start-period")) probe->start_period = said.start_period;
  return {};
}

}  // namespace

Result<> read_health(Options const& options, std::optional<image::Healthcheck> const& of_image,
                     machine::Definition& definition) {
  if (of_image && !options.has("--no-healthcheck")) definition.liveness = probe_of(*of_image);
  BH_TRY(read_docker_options(options, definition.liveness));
  if (options.has("--liveness")) {
    if (options.has("--health-cmd")) {
      return fail(Errc::Invalid, "--liveness and --health-cmd exclude each other");
    }
    auto const probe = BH_TRY(parse("--liveness", std::string(options.value("--liveness"))));
    definition.liveness = probe;
  }
  if (!options.has("--readiness")) return {};
  auto const probe = BH_TRY(parse("--readiness", std::string(options.value("--readiness"))));
  if (probe.action != machine::ProbeAction::None) {
    return fail(Errc::Invalid,
                "--readiness: what is not ready is not restarted (that is what "
                "--liveness is for)");
  }
  definition.readiness = probe;
  return {};
}

}  // namespace bh::cli
