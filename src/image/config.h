#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "image/digest.h"
#include "image/platform.h"

namespace bh::image {

/// One line of an image's history.
struct HistoryEntry {
  std::string created;
  std::string created_by;
  std::string comment;
  bool empty_layer = false;
};

/// Docker's HEALTHCHECK: how to find out whether what was started works. Times are nanoseconds; 0:
/// not said.
struct Healthcheck {
  std::vector<std::string> test;  // NONE, or CMD or CMD-SHELL and its words.
  std::uint64_t interval = 0;
  std::uint64_t timeout = 0;
  std::uint64_t start_period = 0;
  std::uint64_t retries = 0;
};

/// What an image says of itself (OCI image specification, config.md): what it runs on, what is
/// executed in it and how, and what its layers contain.
struct ImageConfig {
  std::string created;  // RFC 3339, or empty.
  Platform platform;
  std::string user;
  std::vector<std::string> environment;  // NAME=VALUE
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::string working_folder;
  std::vector<std::string> exposed_ports;  // "80/tcp"
  std::vector<std::string> volumes;
  std::map<std::string, std::string> labels;
  std::string stop_signal;
  std::vector<std::string> triggers;  // Docker's ONBUILD: instructions of a Dockerfile.
  std::optional<Healthcheck> healthcheck;
  std::vector<Digest> diff_ids;  // Of each layer's tar, the lowest first; at least one.
  std::vector<HistoryEntry> history;

  static Result<ImageConfig> parse(std::string_view text);
  std::string text() const;
};

/// Names the file system that the layers up to the last make together (config.md, "Layer
/// ChainID").
Digest chain_id(std::vector<Digest> const& diff_ids);

}  // namespace bh::image
