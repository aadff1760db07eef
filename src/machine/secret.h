#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "machine/mount.h"

namespace bh::machine {

/// How a machine gets a secret: as a file in memory, or as a variable of its commands.
enum class SecretKind : std::uint8_t { File, Variable };

/// A secret of the store that a machine has. Never its value.
struct SecretUse {
  std::string name;
  SecretKind kind = SecretKind::File;
  std::string target;  // An absolute path, or the variable's name.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0444;

  bool operator==(SecretUse const&) const = default;
};

/// One with its value, for a run.
struct SecretValue {
  SecretUse use;
  std::string value;
};

/// Where files are whose target is no absolute path.
inline constexpr char kSecretsFolder[] = "/run/secrets";

/// More than anybody needs.
inline constexpr std::size_t kMostSecrets = 100;
/// As podman has it. A variable may be shorter only: it is a word of a program's start.
inline constexpr std::size_t kLargestSecret = 512'000;
inline constexpr std::size_t kLargestVariable = std::size_t{64} * 1024;

/// NAME[,type=mount|env][,target=][,uid=][,gid=][,mode=OCTAL], as podman's --secret.
Result<SecretUse> parse_secret_option(std::string_view text);

/// Errc::Invalid if two are at the same place, or one where something is mounted.
Result<> check_secrets(std::vector<SecretUse> const& secrets, std::vector<Mount> const& mounts);

/// Whether memory has to be mounted at kSecretsFolder.
bool needs_secrets_folder(std::vector<SecretValue> const& secrets);

/// Variables as NAME=VALUE.
std::vector<std::string> variables_of(std::vector<SecretValue> const& secrets);

/// Errc::Invalid if the value cannot be what the use wants.
Result<> check_value(SecretUse const& use, std::string_view value);

boost::json::object json_of(SecretUse const& use);
Result<SecretUse> parse_secret(boost::json::object const& json);

}  // namespace bh::machine
