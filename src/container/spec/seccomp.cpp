#include "container/spec/spec.h"

namespace bh::jail {

using container::Json;
using container::optional_member;
using container::required_member;

namespace {

/// SECCOMP_RET_DATA has 16 bits.
constexpr std::uint32_t kMostError = 0xffff;

Result<> decode_error(Json json, std::string_view member, SeccompAction& out) {
  BH_TRY(optional_member(json, member, out.error));
  if (out.error.value_or(0) > kMostError) {
    return json.wrong(std::string(member) + " must be at most 65535");
  }
  return {};
}

}  // namespace

Result<> decode(Json json, SeccompArgument& out) {
  BH_TRY(required_member(json, "index", out.index));
  BH_TRY(required_member(json, "value", out.value));
  BH_TRY(optional_member(json, "valueTwo", out.value_two));
  return required_member(json, "op", out.comparison);
}

Result<> decode(Json json, SeccompRule& out) {
  BH_TRY(required_member(json, "names", out.names));
  BH_TRY(required_member(json, "action", out.action.name));
  BH_TRY(decode_error(json, "errnoRet", out.action));
  BH_TRY(optional_member(json, "args", out.arguments));
  if (out.names.empty()) return json.wrong("names is empty");
  return {};
}

Result<> decode(Json json, SeccompProfile& out) {
  BH_TRY(required_member(json, "defaultAction", out.default_action.name));
  BH_TRY(decode_error(json, "defaultErrnoRet", out.default_action));
  BH_TRY(optional_member(json, "architectures", out.architectures));
  BH_TRY(optional_member(json, "flags", out.flags));
  BH_TRY(optional_member(json, "syscalls", out.rules));
  BH_TRY(optional_member(json, "listenerPath", out.listener_path));
  BH_TRY(optional_member(json, "listenerMetadata", out.listener_metadata));
  bool notifies = false;
  for (auto const& rule : out.rules) notifies = notifies || rule.action.name == "SCMP_ACT_NOTIFY";
  if (notifies && out.listener_path.empty()) {
    return json.wrong("SCMP_ACT_NOTIFY needs a listenerPath");
  }
  return {};
}

}  // namespace bh::jail
