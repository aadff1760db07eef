#include <algorithm>

#include "container/json/document.h"
#include "container/spec/spec.h"

namespace bh::jail {

using container::Json;
using container::optional_member;
using container::required_member;

Result<> decode(Json json, User& out) {
  BH_TRY(optional_member(json, "uid", out.uid));
  BH_TRY(optional_member(json, "gid", out.gid));
  BH_TRY(optional_member(json, "umask", out.umask));
  BH_TRY(optional_member(json, "additionalGids", out.groups));
  if (out.umask.value_or(0) > 0777) return json.wrong("umask must be at most 0777 (511)");
  // ~0 means "leave it" to the kernel, and nobody who writes it means root.
  if (out.uid == ~0U || out.gid == ~0U) return json.wrong("4294967295 is no user or group");
  return {};
}

Result<> decode(Json json, Rlimit& out) {
  std::string type;
  BH_TRY(required_member(json, "type", type));
  auto const number = rlimit_number(type);
  if (!number) return json.wrong("type: \"" + type + "\" is no resource limit");
  out.resource = *number;
  BH_TRY(required_member(json, "soft", out.soft));
  BH_TRY(required_member(json, "hard", out.hard));
  if (out.soft > out.hard) return json.wrong("soft is more than hard");
  return {};
}

Result<> decode(Json json, Scheduler& out) {
  std::string policy;
  BH_TRY(required_member(json, "policy", policy));
  auto const number = scheduler_policy(policy);
  if (!number) return json.wrong("policy: \"" + policy + "\" is no scheduling policy");
  out.policy = *number;
  BH_TRY(optional_member(json, "nice", out.nice));
  BH_TRY(optional_member(json, "priority", out.priority));
  BH_TRY(optional_member(json, "runtime", out.runtime));
  BH_TRY(optional_member(json, "deadline", out.deadline));
  BH_TRY(optional_member(json, "period", out.period));
  std::vector<std::string> flags;
  BH_TRY(optional_member(json, "flags", flags));
  for (auto const& name : flags) {
    auto const flag = scheduler_flag(name);
    if (!flag) return json.wrong("flags: \"" + name + "\" is no scheduling flag");
    out.flags |= *flag;
  }
  return {};
}

Result<> decode(Json json, IoPriority& out) {
  std::string name;
  BH_TRY(required_member(json, "class", name));
  auto const number = io_priority_class(name);
  if (!number) return json.wrong("class: \"" + name + "\" is no I/O priority class");
  out.priority_class = *number;
  BH_TRY(optional_member(json, "priority", out.priority));
  if (out.priority > 7) return json.wrong("priority must be from 0 to 7");
  return {};
}

namespace {

/// A name no kernel of this time has is left out, as the specification wants it; see
/// ProcessSpec::unknown_capabilities.
Result<> decode_mask(Json json, std::string_view member, CapabilityMask& out) {
  std::vector<std::string> names;
  BH_TRY(optional_member(json, member, names));
  for (auto const& name : names) {
    auto const number = capability_number(name);
    if (number) out |= CapabilityMask{1} << *number;
  }
  return {};
}

}  // namespace

Result<> decode(Json json, CapabilitySets& out) {
  BH_TRY(decode_mask(json, "bounding", out.bounding));
  BH_TRY(decode_mask(json, "effective", out.effective));
  BH_TRY(decode_mask(json, "permitted", out.permitted));
  BH_TRY(decode_mask(json, "inheritable", out.inheritable));
  BH_TRY(decode_mask(json, "ambient", out.ambient));
  return {};
}

}  // namespace bh::jail

namespace bh::container {

Result<> decode(Json json, ConsoleSize& out) {
  BH_TRY(required_member(json, "height", out.height));
  return required_member(json, "width", out.width);
}

namespace {

Result<> decode_affinity(Json json, ProcessSpec& out) {
  auto const affinity = BH_TRY(json.member("execCPUAffinity"));
  if (!affinity) return {};
  BH_TRY(optional_member(*affinity, "initial", out.exec_cpus_initial));
  return optional_member(*affinity, "final", out.exec_cpus_final);
}

Result<> note_unknown_capabilities(Json json, ProcessSpec& out) {
  auto const sets = BH_TRY(json.member("capabilities"));
  if (!sets) return {};
  return sets->each_member([&](std::string_view, Json set) {
    return set.each_element([&](Json element) -> Result<> {
      std::string name;
      BH_TRY(element.decode(name));
      auto& noted = out.unknown_capabilities;
      bool const known =
          jail::capability_number(name) || std::ranges::find(noted, name) != noted.end();
      if (!known) noted.push_back(name);
      return {};
    });
  });
}

}  // namespace

Result<> decode(Json json, ProcessSpec& out) {
  BH_TRY(optional_member(json, "terminal", out.terminal));
  BH_TRY(optional_member(json, "consoleSize", out.console_size));
  BH_TRY(optional_member(json, "user", out.user));
  BH_TRY(optional_member(json, "args", out.arguments));
  BH_TRY(optional_member(json, "env", out.environment));
  BH_TRY(required_member(json, "cwd", out.cwd));
  BH_TRY(optional_member(json, "capabilities", out.capabilities));
  BH_TRY(note_unknown_capabilities(json, out));
  BH_TRY(optional_member(json, "rlimits", out.rlimits));
  BH_TRY(optional_member(json, "noNewPrivileges", out.no_new_privileges));
  BH_TRY(optional_member(json, "apparmorProfile", out.apparmor_profile));
  BH_TRY(optional_member(json, "selinuxLabel", out.selinux_label));
  BH_TRY(optional_member(json, "oomScoreAdj", out.oom_score_adj));
  BH_TRY(optional_member(json, "scheduler", out.scheduler));
  BH_TRY(optional_member(json, "ioPriority", out.io_priority));
  BH_TRY(decode_affinity(json, out));
  if (out.arguments.empty() || out.arguments[0].empty()) {
    return json.wrong("args must name a program");
  }
  if (!out.cwd.starts_with('/')) return json.wrong("cwd must begin with /");
  if (out.oom_score_adj && (*out.oom_score_adj < -1000 || *out.oom_score_adj > 1000)) {
    return json.wrong("oomScoreAdj must be from -1000 to 1000");
  }
  for (std::size_t i = 0; i < out.rlimits.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (out.rlimits[i].resource == out.rlimits[j].resource) {
        return json.wrong("rlimits has " + std::string(jail::rlimit_name(out.rlimits[i].resource)) +
                          " twice");
      }
    }
  }
  return {};
}

Result<ProcessSpec> parse_process(std::string_view text) {
  auto const document = BH_TRY(Document::parse(text));
  ProcessSpec process;
  BH_TRY(decode(document.root(), process));
  return process;
}

}  // namespace bh::container
