#include <fcntl.h>
#include <unistd.h>

#include "container/cli/command.h"
#include "container/json/writer.h"
#include "os/text_file.h"

namespace bh::container {

namespace {

constexpr Option kOptions[] = {{"bundle", 'b'}, {"rootless", 0, false}, {"help", 'h', false}};

void write_mounts(JsonWriter& json, bool rootless) {
  static constexpr char const* kProc[] = {"nosuid", "noexec", "nodev"};
  auto const mount = [&](char const* destination, char const* type, auto const& options) {
    json.open('{').name("destination").text(destination).name("type").text(type);
    json.name("source").text(type).name("options").texts(options).close('}');
  };
  json.name("mounts").open('[');
  mount("/proc", "proc", kProc);
  static constexpr char const* kDev[] = {"nosuid", "strictatime", "mode=755", "size=65536k"};
  mount("/dev", "tmpfs", kDev);
  std::vector<std::string_view> pts = {"nosuid", "noexec", "newinstance", "ptmxmode=0666",
                                       "mode=0620"};
  if (!rootless) pts.emplace_back("gid=5");
  mount("/dev/pts", "devpts", pts);
  static constexpr char const* kShm[] = {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"};
  mount("/dev/shm", "tmpfs", kShm);
  mount("/dev/mqueue", "mqueue", kProc);
  static constexpr char const* kSys[] = {"nosuid", "noexec", "nodev", "ro"};
  mount("/sys", "sysfs", kSys);
  if (!rootless) mount("/sys/fs/cgroup", "cgroup", kSys);
  json.close(']');
}

void write_process(JsonWriter& json) {
  static constexpr char const* kCapabilities[] = {"CAP_AUDIT_WRITE", "CAP_KILL",
                                                  "CAP_NET_BIND_SERVICE"};
  static constexpr char const* kEnvironment[] = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  json.name("process").open('{').name("terminal").boolean(true);
  json.name("user").open('{').name("uid").number(0).name("gid").number(0).close('}');
  json.name("args").open('[').text("sh").close(']').name("env").texts(kEnvironment);
  json.name("cwd").text("/").name("capabilities").open('{');
  for (auto const* const set : {"bounding", "effective", "permitted"}) {
    json.name(set).texts(kCapabilities);
  }
  json.close('}').name("noNewPrivileges").boolean(true).close('}');
}

void write_id_map(JsonWriter& json, char const* name, std::uint32_t id) {
  json.name(name).open('[').open('{').name("containerID").number(0);
  json.name("hostID").natural(id).name("size").number(1).close('}').close(']');
}

void write_linux(JsonWriter& json, bool rootless) {
  json.name("linux").open('{').name("namespaces").open('[');
  for (auto const* const type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    json.open('{').name("type").text(type).close('}');
  }
  if (rootless) json.open('{').name("type").text("user").close('}');
  json.close(']');
  if (rootless) {
    write_id_map(json, "uidMappings", ::geteuid());
    write_id_map(json, "gidMappings", ::getegid());
  } else {
    json.name("resources").open('{').name("devices").open('[').open('{');
    json.name("allow").boolean(false).name("access").text("rwm").close('}').close(']').close('}');
  }
  static constexpr char const* kMasked[] = {
      "/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
      "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
      "/sys/firmware",       "/proc/scsi"};
  static constexpr char const* kReadonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                              "/proc/sysrq-trigger"};
  json.name("maskedPaths").texts(kMasked).name("readonlyPaths").texts(kReadonly).close('}');
}

Result<int> spec(Invocation invocation) {
  bool const rootless = invocation.arguments.has("rootless");
  std::string const path = invocation.arguments.value_or("bundle", ".") + "/config.json";
  if (::access(path.c_str(), F_OK) == 0)
    return fail(Errc::Exists, path + " exists; remove it first");
  JsonWriter json;
  json.open('{').name("ociVersion").text("1.2.0");
  write_process(json);
  json.name("root").open('{').name("path").text("rootfs").name("readonly").boolean(true).close('}');
  json.name("hostname").text("bulkhead");
  write_mounts(json, rootless);
  write_linux(json, rootless);
  json.close('}');
  BH_TRY(os::replace_text_at(AT_FDCWD, path, indented(json.str()) + "\n"));
  return 0;
}

}  // namespace

Command const kSpecCommand = {.name = "spec",
                              .words = "",
                              .help = "write a config.json to start from",
                              .example = "bulkhead-oci spec --rootless",
                              .options = kOptions,
                              .run = spec};

}  // namespace bh::container
