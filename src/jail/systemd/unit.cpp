#include "jail/systemd/unit.h"

#include <limits>
#include <optional>

#include "jail/cgroup/settings.h"
#include "jail/number_list.h"

namespace bh::jail {

namespace {

constexpr std::uint64_t kInfinity = std::numeric_limits<std::uint64_t>::max();

std::uint64_t limit_of(std::int64_t value) {
  return value < 0 ? kInfinity : static_cast<std::uint64_t>(value);
}

void append_limit(DbusWriter& out, std::string_view name,
                  std::optional<std::int64_t> const& value) {
  if (value) append_property(out, name, limit_of(*value));
}

/// systemd counts what a group may use of a second, in steps of 10 milliseconds.
void append_quota(DbusWriter& out, CpuLimits const& cpu) {
  if (cpu.period) append_property(out, "CPUQuotaPeriodUSec", std::uint64_t{*cpu.period});
  if (!cpu.quota) return;
  std::uint64_t share = kInfinity;
  if (*cpu.quota > 0) {
    std::uint64_t const period = cpu.period.value_or(100'000);
    share = static_cast<std::uint64_t>(*cpu.quota) * 1'000'000 / period;
    share = (share + 9'999) / 10'000 * 10'000;
  }
  append_property(out, "CPUQuotaPerSecUSec", share);
}

/// "0-3,5" as systemd has it: a byte for every eight CPUs, the first in the lowest bit.
std::string bits_of(std::string_view list) {
  std::string bits;
  constexpr unsigned kMost = 8192;
  auto const read = each_of_list(list, kMost, [&](unsigned number) {
    if (bits.size() <= number / 8) bits.resize(number / 8 + 1, '\0');
    bits[number / 8] = static_cast<char>(bits[number / 8] | 1 << number % 8);
  });
  // What makes no sense is refused by the file of the control group.
  return read ? bits : std::string();
}

void append_set(DbusWriter& out, std::string_view name, std::optional<std::string> const& list) {
  if (!list) return;
  out.align(8).text(name).signature("ay");
  auto const array = out.open_array(1);
  for (char const part : bits_of(*list)) out.byte(static_cast<std::uint8_t>(part));
  out.close_array(array);
}

}  // namespace

Result<SystemdUnit> systemd_unit(std::string const& cgroups_path, std::string const& id) {
  if (cgroups_path.empty()) return SystemdUnit{.name = "bulkhead-" + id + ".scope", .slice = {}};
  auto const first = cgroups_path.find(':');
  auto const second = first == cgroups_path.npos ? first : cgroups_path.find(':', first + 1);
  if (second == cgroups_path.npos || cgroups_path.find('/') != cgroups_path.npos ||
      cgroups_path.find(':', second + 1) != cgroups_path.npos) {
    return fail(Errc::Invalid, "linux.cgroupsPath: \"" + cgroups_path +
                                   "\" must be slice:prefix:name for the systemd driver");
  }
  SystemdUnit unit{.name = cgroups_path.substr(second + 1), .slice = cgroups_path.substr(0, first)};
  if (unit.name.empty()) return fail(Errc::Invalid, "linux.cgroupsPath: the name is empty");
  if (unit.name.ends_with(".slice")) {
    return fail(Errc::Unsupported, "linux.cgroupsPath: " + unit.name +
                                       " is a slice, which holds units and no processes");
  }
  auto const prefix = cgroups_path.substr(first + 1, second - first - 1);
  unit.name = (prefix.empty() ? "" : prefix + "-") + unit.name + ".scope";
  return unit;
}

void append_property(DbusWriter& out, std::string_view name, std::string_view value) {
  out.align(8).text(name).signature("s").text(value);
}

void append_property(DbusWriter& out, std::string_view name, bool value) {
  out.align(8).text(name).signature("b").boolean(value);
}

void append_property(DbusWriter& out, std::string_view name, std::uint64_t value) {
  out.align(8).text(name).signature("t").natural64(value);
}

void append_unit_limits(Resources const& resources, DbusWriter& out) {
  auto const& memory = resources.memory;
  append_limit(out, "MemoryMax", memory.limit);
  append_limit(out, "MemoryLow", memory.reservation);
  if (memory.swap && (*memory.swap < 0 || memory.limit)) {
    append_limit(out, "MemorySwapMax",
                 *memory.swap < 0 ? *memory.swap : *memory.swap - *memory.limit);
  }
  auto const& cpu = resources.cpu;
  if (cpu.shares) append_property(out, "CPUWeight", cpu_weight(*cpu.shares));
  append_quota(out, cpu);
  append_set(out, "AllowedCPUs", cpu.cpus);
  append_set(out, "AllowedMemoryNodes", cpu.mems);
  append_limit(out, "TasksMax", resources.pids);
}

}  // namespace bh::jail
