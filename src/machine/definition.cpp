#include "machine/definition.h"

#include "net/names.h"

namespace bh::machine {

Result<Isolation> parse_isolation(std::string_view text) {
  if (text == "microvm") return Isolation::Microvm;
  if (text == "container") return Isolation::Container;
  return fail(Errc::Invalid,
              "isolation \"" + std::string(text) + "\": must be microvm or container");
}

std::string_view isolation_name(Isolation isolation) {
  return isolation == Isolation::Microvm ? "microvm" : "container";
}

Result<NetworkKind> parse_network_kind(std::string_view text) {
  if (text == "none") return NetworkKind::None;
  if (text == "user") return NetworkKind::User;
  return fail(Errc::Invalid, "network \"" + std::string(text) + "\": must be none or user");
}

std::string_view network_name(NetworkKind kind) {
  return kind == NetworkKind::None ? "none" : "user";
}

Result<> check_network_name(std::string_view name) {
  if (name == "none" || name == "user" || name == "host") {
    return fail(Errc::Invalid, "network \"" + std::string(name) + "\": is no name for one");
  }
  return net::check_name(name);
}

}  // namespace bh::machine
