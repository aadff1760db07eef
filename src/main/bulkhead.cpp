// The program bulkhead: the command line.
#include <fmt/format.h>

#include <iostream>
#include <string>
#include <vector>

#include "cli/commands.h"

int main(int argc, char** argv) {
  std::vector<std::string> const arguments(argv + 1, argv + argc);
  bh::cli::Context context{.out = std::cout};
  auto const status = bh::cli::run_command_line(context, arguments);
  if (status) return *status;
  fmt::print(stderr, "bulkhead: {}\n", bh::cli::complaint(status.error()));
  return bh::cli::failure_status(arguments, status.error());
}
