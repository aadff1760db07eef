#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bh::vmm {

inline constexpr std::string_view kProgram = "bulkhead-vmm";

/// The command line, with Firecracker's defaults.
struct Arguments {
  std::optional<std::string> config_file;
  std::string id = "anonymous-instance";
  std::string engine = "auto";
  std::string translate = "on";
  std::string code_cache;
  bool perf_map = false;
  std::optional<std::string> log_path;
  std::optional<std::string> level;
  std::optional<std::string> module;
  bool show_level = false;
  bool show_log_origin = false;
  bool no_api = false;
  std::string api_sock = "/run/firecracker.socket";
  std::optional<std::string> metadata;
  std::size_t payload_limit = 51200;
  std::optional<std::size_t> mmds_limit;
  std::optional<std::string> metrics_path;
  bool error_codes = false;
  bool boot_timer = false;
  bool expect_status = false;
  bool probe = false;
  bool json = false;
  bool stats = false;
};

/// An exit status if the program is over: after --help, --version or a mistake.
std::optional<int> parse_arguments(int argc, char** argv, Arguments& out);

/// Says so on standard error and returns `code`.
int complain(int code, std::string_view words);

}  // namespace bh::vmm
