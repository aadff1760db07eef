#include "image/build/run_mount.h"

#include <algorithm>
#include <charconv>

namespace bh::image::build {

namespace {

std::unexpected<Error> wrong(std::string_view words, Errc kind = Errc::Invalid) {
  return fail(kind, "--mount: " + std::string(words));
}

Result<std::uint32_t> number(std::string_view key, std::string_view text, int base) {
  std::uint32_t value = 0;
  auto const* const end = text.data() + text.size();
  auto const read = std::from_chars(text.data(), end, value, base);
  if (!text.empty() && read.ec == std::errc() && read.ptr == end) return value;
  return wrong(std::string(key) + "=" + std::string(text) + ": a number is expected");
}

Result<bool> truth(std::string_view key, std::string_view text) {
  if (text.empty() || text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return wrong(std::string(key) + "=" + std::string(text) + ": true or false is expected");
}

Result<RunMount::Kind> kind_of(std::string_view text) {
  if (text == "bind") return RunMount::Kind::Bind;
  if (text == "cache") return RunMount::Kind::Cache;
  if (text == "tmpfs") return RunMount::Kind::Memory;
  if (text == "secret") return RunMount::Kind::Secret;
  return wrong("type=" + std::string(text) + " is not supported; bind, cache, tmpfs and secret are",
               Errc::Unsupported);
}

Result<> take_sharing(RunMount& mount, std::string_view value) {
  if (value == "private") return wrong("sharing=private is not supported", Errc::Unsupported);
  if (value != "shared" && value != "locked") return wrong("sharing=shared or locked is expected");
  mount.locked = value == "locked";
  return {};
}

/// A writable bind, or one of a cache that is not.
Result<> take_access(RunMount const& mount, bool writable) {
  if (writable == (mount.kind != RunMount::Kind::Bind)) return {};
  return wrong(writable ? "rw of a bind is not supported" : "ro of that is not supported",
               Errc::Unsupported);
}

Result<> take_size(RunMount& mount, std::string_view value) {
  auto digits = value;
  if (!digits.empty() && std::string_view("kmgKMG").find(digits.back()) != digits.npos) {
    digits.remove_suffix(1);
  }
  bool const good = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
  if (!good) return wrong("size=" + std::string(value) + ": bytes are expected");
  mount.options = "size=" + std::string(value);
  return {};
}

Result<> take_key(RunMount& mount, std::string_view key, std::string_view value) {
  if (key == "type") return {};
  if (key == "target" || key == "dst" || key == "destination") {
    mount.target = value;
  } else if (key == "source" || key == "src") {
    mount.source = value;
  } else if (key == "from") {
    mount.from = value;
  } else if (key == "id") {
    mount.id = value;
  } else if (key == "sharing") {
    return take_sharing(mount, value);
  } else if (key == "size") {
    return take_size(mount, value);
  } else if (key == "env") {
    mount.variable = value;
  } else if (key == "required") {
    mount.required = BH_TRY(truth(key, value));
  } else if (key == "rw" || key == "readwrite") {
    bool const on = BH_TRY(truth(key, value));
    return take_access(mount, on);
  } else if (key == "ro" || key == "readonly") {
    bool const on = BH_TRY(truth(key, value));
    return take_access(mount, !on);
  } else if (key == "uid") {
    mount.uid = BH_TRY(number(key, value, 10));
  } else if (key == "gid") {
    mount.gid = BH_TRY(number(key, value, 10));
  } else if (key == "mode") {
    auto const mode = BH_TRY(number(key, value, 8));
    constexpr std::uint32_t kMostMode = 07777;
    if (mode > kMostMode) return wrong("mode=" + std::string(value) + " is none");
    mount.mode = mode;
  } else {
    return wrong("\"" + std::string(key.substr(0, 40)) + "\" is not supported", Errc::Unsupported);
  }
  return {};
}

Result<> check(RunMount& mount) {
  using Kind = RunMount::Kind;
  if (mount.target.empty() && mount.kind != Kind::Secret) return wrong("target is expected");
  if (mount.kind == Kind::Cache && (!mount.from.empty() || !mount.source.empty())) {
    return wrong("a cache that starts with files is not supported", Errc::Unsupported);
  }
  if (mount.kind == Kind::Cache && mount.id.empty()) mount.id = mount.target;
  if (mount.kind != Kind::Secret) return {};
  if (mount.id.empty()) mount.id = mount.target.substr(mount.target.rfind('/') + 1);
  if (mount.id.empty()) return wrong("id or target of the secret is expected");
  if (mount.target.empty() && mount.variable.empty()) mount.target = "/run/secrets/" + mount.id;
  return {};
}

/// What is before the next comma.
std::string_view take_part(std::string_view& text) {
  auto const end = std::min(text.find(','), text.size());
  auto const part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::pair<std::string_view, std::string_view> key_and_value(std::string_view part) {
  auto const equals = part.find('=');
  if (equals == part.npos) return {part, {}};
  return {part.substr(0, equals), part.substr(equals + 1)};
}

}  // namespace

Result<RunMount> parse_run_mount(std::string_view text) {
  RunMount mount;
  // What others mean depends on it.
  for (auto rest = text; !rest.empty();) {
    auto const [key, value] = key_and_value(take_part(rest));
    if (key == "type") mount.kind = BH_TRY(kind_of(value));
  }
  for (auto rest = text; !rest.empty();) {
    auto const [key, value] = key_and_value(take_part(rest));
    BH_TRY(take_key(mount, key, value));
  }
  BH_TRY(check(mount));
  return mount;
}

}  // namespace bh::image::build
