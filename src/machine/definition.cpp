#include "machine/definition.h"

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

}  // namespace bh::machine
