#include "machine/restart_policy.h"

#include <charconv>

namespace bh::machine {

Result<RestartPolicy> RestartPolicy::parse(std::string_view text) {
  constexpr std::string_view kOnFailure = "on-failure";
  if (text == "no") return RestartPolicy{};
  if (text == "always") return RestartPolicy{.when = When::Always};
  if (text == "unless-stopped") return RestartPolicy{.when = When::UnlessStopped};
  if (text == kOnFailure) return RestartPolicy{.when = When::OnFailure};
  if (text.starts_with(kOnFailure) && text[kOnFailure.size()] == ':') {
    auto const number = text.substr(kOnFailure.size() + 1);
    std::uint64_t most = 0;
    auto const [end, error] = std::from_chars(number.data(), number.data() + number.size(), most);
    if (error == std::errc() && end == number.data() + number.size() && most > 0) {
      return RestartPolicy{.when = When::OnFailure, .most = most};
    }
  }
  return fail(Errc::Invalid, "restart policy \"" + std::string(text) +
                                 "\": must be no, on-failure[:N], always or unless-stopped");
}

std::string RestartPolicy::text() const {
  switch (when) {
    case When::No: return "no";
    case When::Always: return "always";
    case When::UnlessStopped: return "unless-stopped";
    case When::OnFailure: return most ? "on-failure:" + std::to_string(*most) : "on-failure";
  }
  return {};
}

bool RestartPolicy::wants_restart(int status, std::uint64_t restarts) const {
  if (when == When::No) return false;
  if (when != When::OnFailure) return true;
  return status != 0 && (!most || restarts < *most);
}

}  // namespace bh::machine
