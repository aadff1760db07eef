#include "machine/providers/container.h"

#include <fmt/format.h>
#include <unistd.h>

#include "machine/providers/companions.h"
#include "os/child.h"

namespace bh::machine {

Result<int> run_container(Definition const& definition, Process const& process,
                          ContainerOptions const& options) {
  auto const folder = BH_TRY(program_folder());
  auto const runtime = BH_TRY(find_companion("bulkhead-oci", {folder}));
  BH_TRY(image::build::Overlay::separate_mounts());
  auto const bundle = BH_TRY(make_bundle(definition, process, options));
  if (bundle.refusal) {
    fmt::print(stderr, "bulkhead: run: {}\n", bundle.refusal->message);
    return bundle.refusal->status;
  }
  auto const& place = bundle.overlay.folder();
  auto const name = "run-" + std::to_string(::getpid());
  auto child = BH_TRY(
      os::Child::start({runtime, "--root", place + "/state", "run", "--bundle", place, name}));
  return child.wait();
}

}  // namespace bh::machine
