#include "image/platform.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <vector>

namespace bh::image {

namespace {

struct Alias {
  std::string_view name;
  std::string_view architecture;
  std::string_view variant;
};

// What uname(2), Debian and people say, in Go's words.
constexpr std::array kAliases{
    Alias{"x86_64", "amd64", ""}, Alias{"x86-64", "amd64", ""},  Alias{"i386", "386", ""},
    Alias{"i686", "386", ""},     Alias{"aarch64", "arm64", ""}, Alias{"armhf", "arm", "v7"},
    Alias{"armv7l", "arm", "v7"}, Alias{"armel", "arm", "v6"},   Alias{"ppc64el", "ppc64le", ""},
};

Platform normal(Platform platform) {
  auto const alias = std::ranges::find(kAliases, platform.architecture, &Alias::name);
  if (alias != kAliases.end()) {
    platform.architecture = alias->architecture;
    if (platform.variant.empty()) platform.variant = alias->variant;
  }
  // All 64-bit ARM of Linux is v8 until somebody says otherwise.
  if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
  return platform;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

Result<Platform> Platform::parse(std::string_view text) {
  std::vector<std::string> parts;
  for (auto rest = text;;) {
    auto const slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() > 3 || !std::ranges::all_of(parts, is_word)) {
    return fail(Errc::Invalid, "\"" + std::string(text.substr(0, 80)) +
                                   "\" is no platform; write for example linux/amd64");
  }
  Platform platform;
  if (parts.size() == 1) {
    platform.architecture = parts[0];
  } else {
    platform.os = parts[0];
    platform.architecture = parts[1];
    if (parts.size() == 3) platform.variant = parts[2];
  }
  return normal(std::move(platform));
}

Platform Platform::host() {
  utsname names{};
  ::uname(&names);
  Platform platform;
  platform.architecture = names.machine;
  return normal(std::move(platform));
}

std::string Platform::text() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

bool Platform::fits(Platform const& wanted) const {
  auto const mine = normal(*this);
  auto const theirs = normal(wanted);
  return mine.os == theirs.os && mine.architecture == theirs.architecture &&
         (mine.variant.empty() || theirs.variant.empty() || mine.variant == theirs.variant);
}

}  // namespace bh::image
