#include <string_view>

#include "container/cli/command.h"
#include "container/json/writer.h"
#include "container/output.h"
#include "jail/capabilities.h"
#include "jail/memory_policy.h"
#include "jail/mount_options.h"
#include "jail/namespaces.h"
#include "jail/seccomp.h"

namespace bh::container {

namespace {

void enabled(JsonWriter& json, std::string_view name, bool value) {
  json.name(name).open('{').name("enabled").boolean(value).close('}');
}

void write_cgroups(JsonWriter& json) {
  json.name("cgroup").open('{').name("v1").boolean(true).name("v2").boolean(true);
  json.name("systemd").boolean(true).name("systemdUser").boolean(true);
  json.name("rdma").boolean(true).close('}');
}

void write_seccomp(JsonWriter& json) {
  json.name("seccomp").open('{').name("enabled").boolean(true);
  json.name("actions").texts(jail::seccomp_actions());
  json.name("operators").texts(jail::seccomp_operators());
  json.name("archs").texts(jail::seccomp_architectures());
  json.name("knownFlags").texts(jail::seccomp_flags());
  json.name("supportedFlags").texts(jail::seccomp_flags()).close('}');
}

void write_linux(JsonWriter& json) {
  json.name("linux").open('{').name("namespaces").open('[');
  for (auto const& kind : jail::namespace_kinds()) json.text(kind.type);
  json.close(']').name("capabilities").texts(jail::capability_names());
  write_cgroups(json);
  write_seccomp(json);
  enabled(json, "apparmor", true);
  enabled(json, "selinux", true);
  enabled(json, "intelRdt", false);
  json.name("memoryPolicy").open('{').name("modes").texts(jail::memory_policy_modes());
  json.name("flags").texts(jail::memory_policy_flags()).close('}');
  enabled(json, "netDevices", true);
  json.name("mountExtensions").open('{');
  enabled(json, "idmap", true);
  json.close('}').close('}');
}

// features.md of the specification.
Result<int> features(Invocation) {
  JsonWriter json;
  json.open('{').name("ociVersionMin").text("1.0.0").name("ociVersionMax").text("1.3.0");
  json.name("hooks").open('[');
  for (auto const* const hook : {"prestart", "createRuntime", "createContainer", "startContainer",
                                 "poststart", "poststop"}) {
    json.text(hook);
  }
  json.close(']').name("mountOptions").texts(jail::known_mount_options());
  write_linux(json);
  json.name("annotations").open('{').name("org.opencontainers.runtime-tools.name");
  json.text("bulkhead-oci").close('}').close('}');
  BH_TRY(print(indented(json.str()) + "\n"));
  return 0;
}

constexpr Option kNone[] = {{"help", 'h', false}};

}  // namespace

Command const kFeaturesCommand = {.name = "features",
                                  .words = "",
                                  .help = "print what is supported as JSON",
                                  .example = "bulkhead-oci features",
                                  .options = kNone,
                                  .run = features};

}  // namespace bh::container
