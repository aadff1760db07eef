#include "container/spec/spec.h"

#include <sched.h>

#include "container/json/document.h"

namespace bh::container {

namespace {

/// Versions we know: 1.x. Later minor versions add what may be ignored.
Result<> check_version(Json json, std::string const& version) {
  if (version.starts_with("1.") && version.size() > 2 && version[2] >= '0' && version[2] <= '9') {
    return {};
  }
  return json.wrong("ociVersion: \"" + version + "\" is not supported, 1.x is");
}

Result<> decode_root(Json json, Spec& out) {
  auto const root = BH_TRY(json.member("root"));
  if (!root) return json.wrong("\"root\" is missing");
  BH_TRY(required_member(*root, "path", out.root_path));
  BH_TRY(optional_member(*root, "readonly", out.root_readonly));
  if (out.root_path.empty()) return root->wrong("path is empty");
  return {};
}

Result<> check_names(Json json, Spec const& spec) {
  bool const uts = spec.os.find(CLONE_NEWUTS) != nullptr;
  if (!uts && !spec.hostname.empty()) return json.wrong("hostname needs a namespace of type uts");
  if (!uts && !spec.domainname.empty()) {
    return json.wrong("domainname needs a namespace of type uts");
  }
  // __NEW_UTS_LEN
  if (spec.hostname.size() > 64) return json.wrong("hostname has more than 64 bytes");
  if (spec.domainname.size() > 64) return json.wrong("domainname has more than 64 bytes");
  return {};
}

}  // namespace

Result<Spec> parse_spec(std::string_view text) {
  auto const document = BH_TRY(Document::parse(text));
  auto const json = document.root();
  Spec spec;
  BH_TRY(required_member(json, "ociVersion", spec.version));
  BH_TRY(check_version(json, spec.version));
  BH_TRY(optional_member(json, "process", spec.process));
  BH_TRY(decode_root(json, spec));
  BH_TRY(optional_member(json, "mounts", spec.mounts));
  BH_TRY(optional_member(json, "hostname", spec.hostname));
  BH_TRY(optional_member(json, "domainname", spec.domainname));
  BH_TRY(optional_member(json, "hooks", spec.hooks));
  BH_TRY(optional_member(json, "annotations", spec.annotations));
  BH_TRY(optional_member(json, "linux", spec.os));
  BH_TRY(check_names(json, spec));
  for (auto const* const other : {"windows", "solaris", "zos", "vm"}) {
    auto const found = BH_TRY(json.member(other));
    if (found) return json.wrong(std::string("\"") + other + "\" is not supported here");
  }
  if (spec.os.makes(CLONE_NEWNS)) return spec;
  bool const joined = spec.os.find(CLONE_NEWNS) != nullptr;
  return fail(Errc::Unsupported,
              joined ? "linux.namespaces: joining a mount namespace is not supported"
                     : "linux.namespaces: a container without a mount namespace is not supported");
}

}  // namespace bh::container
