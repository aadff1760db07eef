#include "machine/secret.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "image/json.h"
#include "machine/machine_name.h"

namespace bh::machine {

namespace {

constexpr char kVariableType[] = "env";
constexpr char kFileType[] = "mount";

Result<std::uint32_t> number(std::string_view key, std::string_view text, int base,
                             std::uint32_t most) {
  std::uint32_t value = 0;
  auto const* const end = text.data() + text.size();
  auto const read = std::from_chars(text.data(), end, value, base);
  if (!text.empty() && read.ec == std::errc() && read.ptr == end && value <= most) return value;
  return fail(Errc::Invalid, fmt::format("{} \"{}\": must be a number{}", key, text,
                                         base == 8 ? " from 0 to 7777, octal" : ""));
}

Result<SecretKind> parse_kind(std::string_view text) {
  if (text == kFileType) return SecretKind::File;
  if (text == kVariableType) return SecretKind::Variable;
  return fail(Errc::Invalid, fmt::format("type \"{}\": must be mount or env", text));
}

Result<> check_variable(std::string_view name) {
  auto const fits = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
           (letter >= '0' && letter <= '9');
  };
  bool const good = !name.empty() && std::ranges::all_of(name, fits) && name.front() > '9';
  if (good) return {};
  return fail(Errc::Invalid,
              fmt::format("\"{}\": must be a variable's name (give one as target=NAME)", name));
}

/// What is said of a file alone.
struct FileKeys {
  bool given = false;
};

Result<> take_key(SecretUse& use, FileKeys& file, std::string_view key, std::string_view value) {
  constexpr std::uint32_t kMostMode = 07777;
  // The largest number means "leave it" to the kernel.
  constexpr std::uint32_t kMostId = ~0U - 1;
  if (key == "type") {
    use.kind = BH_TRY(parse_kind(value));
    return {};
  }
  if (key == "target") {
    use.target = value;
    return {};
  }
  file.given = true;
  if (key == "uid") {
    use.uid = BH_TRY(number(key, value, 10, kMostId));
  } else if (key == "gid") {
    use.gid = BH_TRY(number(key, value, 10, kMostId));
  } else if (key == "mode") {
    use.mode = BH_TRY(number(key, value, 8, kMostMode));
  } else {
    return fail(Errc::Invalid, fmt::format("\"{}\": must be type, target, uid, gid or mode", key));
  }
  return {};
}

}  // namespace

Result<SecretUse> parse_secret_option(std::string_view text) {
  SecretUse use;
  FileKeys file;
  use.name = text.substr(0, text.find(','));
  BH_TRY(check_name(use.name));
  for (auto at = use.name.size(); at < text.size();) {
    auto const end = std::min(text.find(',', at + 1), text.size());
    auto const part = text.substr(at + 1, end - at - 1);
    at = end;
    auto const equals = part.find('=');
    if (equals == part.npos) {
      return fail(Errc::Invalid, fmt::format("\"{}\": must be KEY=VALUE", part));
    }
    BH_TRY(take_key(use, file, part.substr(0, equals), part.substr(equals + 1)));
  }
  if (use.target.empty()) use.target = use.name;
  if (use.kind == SecretKind::Variable) {
    if (file.given) return fail(Errc::Invalid, "uid, gid and mode are for type=mount");
    BH_TRY(check_variable(use.target));
    return use;
  }
  if (!use.target.starts_with('/')) use.target = std::string(kSecretsFolder) + "/" + use.target;
  use.target = BH_TRY(parse_mount_target(use.target));
  return use;
}

Result<> check_secrets(std::vector<SecretUse> const& secrets, std::vector<Mount> const& mounts) {
  if (secrets.size() > kMostSecrets) {
    return fail(Errc::Invalid, fmt::format("more than {} secrets", kMostSecrets));
  }
  for (auto const& secret : secrets) {
    bool const file = secret.kind == SecretKind::File;
    auto const twice = std::ranges::count_if(secrets, [&](SecretUse const& other) {
      return other.kind == secret.kind && other.target == secret.target;
    });
    if (twice > 1) return fail(Errc::Invalid, "two secrets at " + secret.target);
    auto const taken = std::ranges::find_if(mounts, [&](Mount const& mount) {
      return file && (mount.target == secret.target || mount.target == kSecretsFolder);
    });
    if (taken != mounts.end()) {
      return fail(Errc::Invalid,
                  fmt::format("secret {} and a mount at {}", secret.name, taken->target));
    }
  }
  return {};
}

bool needs_secrets_folder(std::vector<SecretValue> const& secrets) {
  return std::ranges::any_of(secrets, [](SecretValue const& secret) {
    return secret.use.kind == SecretKind::File &&
           secret.use.target.starts_with(std::string(kSecretsFolder) + "/");
  });
}

std::vector<std::string> variables_of(std::vector<SecretValue> const& secrets) {
  std::vector<std::string> variables;
  for (auto const& secret : secrets) {
    if (secret.use.kind != SecretKind::Variable) continue;
    variables.push_back(secret.use.target + "=" + secret.value);
  }
  return variables;
}

Result<> check_value(SecretUse const& use, std::string_view value) {
  if (use.kind == SecretKind::File) return {};
  if (value.find('\0') == value.npos && value.size() <= kLargestVariable) return {};
  return fail(Errc::Invalid,
              fmt::format("secret {}: no variable has a byte of 0, or more than {} bytes (use it "
                          "with type=mount)",
                          use.name, kLargestVariable));
}

boost::json::object json_of(SecretUse const& use) {
  if (use.kind == SecretKind::Variable) {
    return {{"name", use.name}, {"type", kVariableType}, {"target", use.target}};
  }
  return {{"name", use.name}, {"type", kFileType}, {"target", use.target},
          {"uid", use.uid},   {"gid", use.gid},    {"mode", use.mode}};
}

Result<SecretUse> parse_secret(boost::json::object const& json) {
  SecretUse use;
  use.name = BH_TRY(image::text_member(json, "name"));
  auto const type = BH_TRY(image::text_member(json, "type"));
  use.kind = BH_TRY(parse_kind(type));
  use.target = BH_TRY(image::text_member(json, "target"));
  if (use.kind == SecretKind::Variable) return use;
  for (auto const& [key, place] :
       {std::pair{"uid", &use.uid}, {"gid", &use.gid}, {"mode", &use.mode}}) {
    auto const value = BH_TRY(image::number_member(json, key));
    *place = static_cast<std::uint32_t>(value);
  }
  return use;
}

}  // namespace bh::machine
