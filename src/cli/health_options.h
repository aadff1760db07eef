#pragma once

#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "image/config.h"
#include "machine/definition.h"

namespace bh::cli {

// Part of kDefinitionOptions.
inline constexpr Option kLivenessOption{
    "--liveness", "PROBE",
    "Whether it lives: [interval=,timeout=,start-period=,retries=,action=none|restart,]"
    "tcp=PORT|http=PORT/PATH|exec=COMMAND"};
inline constexpr Option kReadinessOption{"--readiness", "PROBE", "Whether it is ready, likewise"};
inline constexpr Option kHealthCommandOption{
    "--health-cmd", "COMMAND", "The same as --liveness exec=COMMAND, instead of the image's"};
inline constexpr Option kHealthIntervalOption{"--health-interval", "TIME",
                                              "Between two checks; 30s unless said"};
inline constexpr Option kHealthTimeoutOption{"--health-timeout", "TIME",
                                             "For one check; 30s unless said"};
inline constexpr Option kHealthRetriesOption{"--health-retries", "N",
                                             "Failures in a row that count; 3 unless said"};
inline constexpr Option kHealthStartOption{"--health-start-period", "TIME",
                                           "After the start, when failures do not count"};
inline constexpr Option kNoHealthOption{"--no-healthcheck", "", "Nor the image's"};

/// What they say, and the image's HEALTHCHECK.
Result<> read_health(Options const& options, std::optional<image::Healthcheck> const& of_image,
                     machine::Definition& definition);

}  // namespace bh::cli
