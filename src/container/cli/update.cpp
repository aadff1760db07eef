#include <fcntl.h>

#include "container/cli/command.h"
#include "container/json/document.h"
#include "container/spec/spec.h"
#include "jail/systemd/systemd.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr Option kOptions[] = {
    {"resources", 'r'},   {"memory"},        {"memory-reservation"},
    {"memory-swap"},      {"kernel-memory"}, {"kernel-memory-tcp"},
    {"cpu-period"},       {"cpu-quota"},     {"cpu-burst"},
    {"cpu-share"},        {"cpu-shares"},    {"cpu-rt-period"},
    {"cpu-rt-runtime"},   {"cpuset-cpus"},   {"cpuset-mems"},
    {"cpu-idle"},         {"pids-limit"},    {"blkio-weight"},
    {"help", 'h', false},
};

template <typename Number>
Result<> take(Arguments const& arguments, std::string_view name, std::optional<Number>& out) {
  auto const number = BH_TRY(arguments.number(name));
  if (!number) return {};
  if (std::is_unsigned_v<Number> && *number < 0) {
    return fail(Errc::Invalid, "--" + std::string(name) + " cannot be negative");
  }
  out = static_cast<Number>(*number);
  return {};
}

Result<> take_options(Arguments const& arguments, jail::Resources& out) {
  BH_TRY(take(arguments, "memory", out.memory.limit));
  BH_TRY(take(arguments, "memory-reservation", out.memory.reservation));
  BH_TRY(take(arguments, "memory-swap", out.memory.swap));
  BH_TRY(take(arguments, "kernel-memory", out.memory.kernel));
  BH_TRY(take(arguments, "kernel-memory-tcp", out.memory.kernel_tcp));
  BH_TRY(take(arguments, "cpu-period", out.cpu.period));
  BH_TRY(take(arguments, "cpu-quota", out.cpu.quota));
  BH_TRY(take(arguments, "cpu-burst", out.cpu.burst));
  BH_TRY(take(arguments, "cpu-shares", out.cpu.shares));
  BH_TRY(take(arguments, "cpu-share", out.cpu.shares));
  BH_TRY(take(arguments, "cpu-rt-period", out.cpu.realtime_period));
  BH_TRY(take(arguments, "cpu-rt-runtime", out.cpu.realtime_runtime));
  BH_TRY(take(arguments, "cpu-idle", out.cpu.idle));
  BH_TRY(take(arguments, "pids-limit", out.pids));
  BH_TRY(take(arguments, "blkio-weight", out.block.weight));
  if (auto const cpus = arguments.value("cpuset-cpus")) out.cpu.cpus = *cpus;
  if (auto const mems = arguments.value("cpuset-mems")) out.cpu.mems = *mems;
  return {};
}

Result<jail::Resources> wanted(Arguments const& arguments) {
  jail::Resources resources;
  if (auto const file = arguments.value("resources")) {
    auto const text =
        BH_TRY(os::read_text_at(AT_FDCWD, *file == "-" ? "/dev/stdin" : *file, kDocumentLimit));
    auto parsed = parse_resources(text);
    if (!parsed) return std::unexpected(std::move(parsed).error().while_doing(*file));
    resources = std::move(*parsed);
  }
  BH_TRY(take_options(arguments, resources));
  // Engines send the rules of the start again, without what every container is allowed.
  resources.devices.clear();
  return resources;
}

Result<int> update(Invocation invocation) {
  auto const id = BH_TRY(invocation.id());
  auto const folder = BH_TRY(invocation.store.find(id));
  auto const state = BH_TRY(folder.state());
  auto const status = status_of(invocation.proc, folder, state);
  if (status == Status::Stopped) return fail(Errc::NotFound, "container not running");
  auto const resources = BH_TRY(wanted(invocation.arguments));
  BH_TRY(jail::Cgroup::existing(state.cgroup).apply(resources));
  if (!state.unit.empty()) {
    // Else systemd would set the old limits again when it next touches the group.
    auto manager = BH_TRY(jail::Systemd::connect());
    BH_TRY(manager.set_limits(state.unit, resources));
  }
  return 0;
}

}  // namespace

Command const kUpdateCommand = {.name = "update",
                                .words = "ID",
                                .help = "change the limits of a running container",
                                .example = "bulkhead-oci update --memory 134217728 web",
                                .options = kOptions,
                                .run = update};

}  // namespace bh::container
