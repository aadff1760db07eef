#include "cli/image_users.h"

#include <unistd.h>

#include "image/store.h"
#include "machine/store/store.h"

namespace bh::cli {

Result<std::vector<machine::Record>> image_users(Options const& options) {
  auto const given = options.value("--root");
  auto const root = given.empty() ? image::Store::default_root() : std::string(given);
  if (::access((root + "/state.db").c_str(), F_OK) != 0) return {};
  auto machines = BH_TRY(machine::Store::open(root));
  return machines.all();
}

}  // namespace bh::cli
