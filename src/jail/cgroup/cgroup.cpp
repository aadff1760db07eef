#include "jail/cgroup/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "jail/cgroup/device_filter.h"
#include "jail/cgroup/files.h"
#include "os/file.h"
#include "os/text_file.h"

namespace bh::jail {

namespace {

constexpr std::size_t kProcessesLimit = std::size_t{1024} * 1024;

/// A group that others live in is not the container's: its limits would bind them, and its end
/// would be theirs.
Result<> check_empty(std::string const& folder) {
  auto const processes = os::read_text_at(AT_FDCWD, folder + "/cgroup.procs", kProcessesLimit);
  if (!processes || processes->empty()) return {};
  return fail(Errc::Exists,
              folder + " has processes already; a container needs a group of its own");
}

/// Makes what is missing of `path` below the mount point.
Result<> make_folders(CgroupHierarchy const& hierarchy, std::string const& path) {
  for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string const folder = hierarchy.mount_point + path.substr(0, end);
    if (::mkdir(folder.c_str(), 0755) == 0) {
      if (hierarchy.has("cpuset")) BH_TRY(inherit_cpuset(folder));
    } else if (errno != EEXIST) {
      return fail_errno("mkdir " + folder, errno);
    } else if (end == path.npos) {
      return check_empty(folder);
    }
    if (end == path.npos) return {};
    if (hierarchy.unified) enable_controllers(folder);
  }
}

}  // namespace

Cgroup::Folder const* Cgroup::unified() const {
  for (auto const& folder : folders_) {
    if (folder.unified) return &folder;
  }
  return nullptr;
}

Cgroup::Folder const* Cgroup::legacy(std::string_view controller) const {
  for (auto const& folder : folders_) {
    for (auto const& name : folder.controllers) {
      if (!folder.unified && name == controller) return &folder;
    }
  }
  return nullptr;
}

Cgroup::Folder const* Cgroup::with(std::string_view controller) const {
  auto const* const found = legacy(controller);
  return found != nullptr ? found : unified();
}

Result<> Cgroup::add(CgroupHierarchy const& hierarchy, std::string const& path, Missing denied) {
  if (hierarchy.unified) enable_controllers(hierarchy.mount_point);
  auto made = make_folders(hierarchy, path);
  if (!made && denied == Missing::Skip) return {};
  if (!made) return made;
  folders_.push_back({.unified = hierarchy.unified,
                      .controllers = hierarchy.controllers,
                      .path = hierarchy.mount_point + path});
  return {};
}

void Cgroup::found(CgroupHierarchy const& hierarchy, std::string const& path) {
  std::string folder = hierarchy.mount_point + path;
  if (::access(folder.c_str(), F_OK) != 0) return;
  folders_.push_back({.unified = hierarchy.unified,
                      .controllers = hierarchy.controllers,
                      .path = std::move(folder)});
}

Result<> Cgroup::write(CgroupSetting const& setting) const {
  auto const* const folder = with(setting.controller);
  if (folder == nullptr) {
    return fail(Errc::Unsupported, setting.file + ": this host has no control groups for \"" +
                                       setting.controller + "\"");
  }
  auto written = os::write_text_at(AT_FDCWD, folder->path + "/" + setting.file, setting.value);
  if (!written && written.error().code == Errc::NotFound && !setting.otherwise.empty()) {
    auto const path = folder->path + "/" + setting.otherwise;
    written = os::write_text_at(AT_FDCWD, path, setting.otherwise_value);
  }
  if (!written && written.error().code == Errc::NotFound) {
    return fail(Errc::Unsupported, folder->path + "/" + setting.file +
                                       " does not exist: this kernel has no such limit here");
  }
  return written;
}

Result<> Cgroup::check_before(MemoryLimits const& memory) const {
  auto const* const folder = with("memory");
  if (!memory.check_before_update || !memory.limit || *memory.limit < 0 || folder == nullptr) {
    return {};
  }
  // cgroup v1 refuses a limit below the use by itself; v2 would kill.
  if (!folder->unified) return {};
  auto const text = BH_TRY(os::read_text_at(AT_FDCWD, folder->path + "/memory.current", 64));
  std::int64_t used = 0;
  std::from_chars(text.data(), text.data() + text.size(), used);
  if (used <= *memory.limit) return {};
  return fail(Errc::Busy, "the memory limit " + std::to_string(*memory.limit) +
                              " is less than the " + std::to_string(used) +
                              " bytes in use, and checkBeforeUpdate is set");
}

Result<> Cgroup::write_legacy(Resources const& resources) const {
  auto const settings = BH_TRY(settings_v1(resources));
  for (auto const& setting : settings) {
    auto written = write(setting);
    // A new limit below the old one of memory and swap together: that one goes first.
    if (!written && setting.file == "memory.limit_in_bytes") {
      // Without a word on swap, no limit of memory means none of both.
      auto const swap = resources.memory.swap ? *resources.memory.swap : std::int64_t{-1};
      if (resources.memory.swap || resources.memory.limit == -1) {
        BH_TRY(write({"memory", "memory.memsw.limit_in_bytes", std::to_string(swap)}));
        written = write(setting);
      }
    }
    if (!written) return written;
  }
  return {};
}

Result<> Cgroup::write_unified(Resources const& resources) const {
  BH_TRY(check_before(resources.memory));
  auto const settings = BH_TRY(settings_v2(resources));
  for (auto const& setting : settings) BH_TRY(write(setting));
  if (resources.devices.empty() || unified() == nullptr) return {};
  auto const folder = BH_TRY(os::open_file(unified()->path, O_RDONLY | O_DIRECTORY));
  return attach_device_filter(folder.get(), resources.devices);
}

Result<> Cgroup::apply(Resources const& resources) const {
  auto const parts = split_resources(
      resources, [this](std::string_view controller) { return legacy(controller) != nullptr; });
  BH_TRY(write_legacy(parts.legacy));
  return write_unified(parts.unified);
}

Result<std::vector<os::UniqueFd>> Cgroup::entrances() const {
  std::vector<os::UniqueFd> files;
  for (auto const& folder : folders_) {
    if (folder.unified) continue;
    auto file = BH_TRY(os::open_file(folder.path + "/tasks", O_WRONLY));
    files.push_back(std::move(file));
  }
  return files;
}

Result<Cgroup> Cgroup::make_inner(std::string const& name) const {
  if (folders_.empty()) return fail(Errc::Unsupported, "the container has no control group");
  auto folder = unified() != nullptr ? *unified() : folders_.front();
  folder.path += "/" + name;
  if (::mkdir(folder.path.c_str(), 0755) != 0) return fail_errno("mkdir " + folder.path, errno);
  return Cgroup({std::move(folder)});
}

Result<> Cgroup::enter(pid_t pid) const {
  for (auto const& folder : folders_) {
    BH_TRY(os::write_text_at(AT_FDCWD, folder.path + "/cgroup.procs", std::to_string(pid)));
  }
  return {};
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  auto const* folder = with("pids");
  if (folder == nullptr && !folders_.empty()) folder = &folders_.front();
  if (folder == nullptr) return fail(Errc::Unsupported, "the container has no control group");
  std::vector<pid_t> pids;
  BH_TRY(collect_processes(folder->path, pids));
  return pids;
}

Result<> Cgroup::kill_all() const {
  if (auto const* const folder = unified()) {
    auto killed = os::write_text_at(AT_FDCWD, folder->path + "/cgroup.kill", "1");
    // SIGKILL does nothing to a task the v1 freezer holds.
    if (legacy("freezer") != nullptr) (void)thaw();
    if (killed || killed.error().code != Errc::NotFound) return killed;
  }
  if (folders_.empty()) return {};
  auto const pids = BH_TRY(processes());
  for (auto const pid : pids) ::kill(pid, SIGKILL);
  return thaw();
}

Cgroup::Folder const* Cgroup::freezer() const {
  auto const* const folder = unified();
  return folder != nullptr ? folder : legacy("freezer");
}

Result<> Cgroup::freeze() const {
  auto const* const folder = freezer();
  if (folder == nullptr) return fail(Errc::Unsupported, "pause needs a control group that freezes");
  return folder->unified ? freeze_v2(folder->path) : freeze_v1(folder->path);
}

Result<> Cgroup::thaw() const {
  for (auto const& folder : folders_) {
    if (folder.unified) {
      auto thawed = os::write_text_at(AT_FDCWD, folder.path + "/cgroup.freeze", "0");
      if (!thawed && thawed.error().code != Errc::NotFound) return thawed;
    }
  }
  if (auto const* const folder = legacy("freezer")) {
    auto thawed = os::write_text_at(AT_FDCWD, folder->path + "/freezer.state", "THAWED");
    if (!thawed && thawed.error().code != Errc::NotFound) return thawed;
  }
  return {};
}

bool Cgroup::frozen() const {
  if (auto const* const folder = unified()) {
    auto const state = os::read_text_at(AT_FDCWD, folder->path + "/cgroup.freeze", 64);
    if (state && state->starts_with("1")) return true;
  }
  if (auto const* const folder = legacy("freezer")) {
    auto const state = os::read_text_at(AT_FDCWD, folder->path + "/freezer.state", 64);
    if (state && !state->starts_with("THAWED")) return true;
  }
  return false;
}

std::uint64_t Cgroup::oom_kills() const {
  auto const* const folder = with("memory");
  if (folder == nullptr) return 0;
  auto const file = folder->unified ? "/memory.events" : "/memory.oom_control";
  auto const text = os::read_text_at(AT_FDCWD, folder->path + file, 4096);
  return text ? keyed_number(*text, "oom_kill") : 0;
}

os::UniqueFd Cgroup::oom_events() const {
  auto const* const folder = with("memory");
  if (folder == nullptr || !folder->unified) return os::UniqueFd();
  auto file = os::open_file(folder->path + "/memory.events", O_RDONLY);
  return file ? std::move(*file) : os::UniqueFd();
}

Result<> Cgroup::remove() const {
  Result<> result;
  for (auto const& folder : folders_) {
    auto removed = remove_group(folder.path);
    if (!removed && result) result = std::move(removed);
  }
  return result;
}

}  // namespace bh::jail
