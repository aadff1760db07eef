#include "machine/process.h"

#include <algorithm>

namespace bh::machine {

namespace {

constexpr char kPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

void set(std::vector<std::string>& environment, std::string const& variable) {
  auto const same = std::ranges::find(environment, name_of(variable), name_of);
  if (same != environment.end()) {
    *same = variable;
  } else {
    environment.push_back(variable);
  }
}

}  // namespace

Result<Process> process_of(Definition const& definition, image::ImageConfig const& config) {
  Process process;
  // As with docker: another entrypoint leaves the image's command out, too.
  if (!definition.entrypoint) {
    process.words = config.entrypoint;
  } else if (!definition.entrypoint->empty()) {
    process.words = {*definition.entrypoint};
  }
  auto const& command =
      definition.command.empty() && !definition.entrypoint ? config.command : definition.command;
  process.words.insert(process.words.end(), command.begin(), command.end());
  if (process.words.empty()) {
    return fail(Errc::Invalid, "the image names no command (say one behind its name)");
  }
  process.environment = {kPath};
  if (!definition.host_name.empty()) {
    process.environment.push_back("HOSTNAME=" + definition.host_name);
  }
  if (definition.terminal) process.environment.push_back("TERM=xterm");
  for (auto const& variable : config.environment) set(process.environment, variable);
  for (auto const& variable : definition.environment) set(process.environment, variable);
  process.working_folder = definition.working_folder.value_or(config.working_folder);
  if (process.working_folder.empty()) process.working_folder = "/";
  if (!process.working_folder.starts_with('/')) {
    return fail(Errc::Invalid,
                "working folder \"" + process.working_folder + "\": must start with /");
  }
  process.user = definition.user.value_or(config.user);
  if (process.user.empty()) process.user = "0";
  return process;
}

}  // namespace bh::machine
