#include "machine/supervise/run.h"

#include <unistd.h>

#include <csignal>

#include "image/adding.h"
#include "image/disk_image.h"
#include "image/image.h"
#include "image/unpacked_layer.h"
#include "machine/providers/writable_disk.h"
#include "machine/store/store.h"
#include "machine/supervise/container_run.h"
#include "machine/supervise/microvm_run.h"
#include "machine/supervise/mounts.h"

namespace bh::machine {

End end_of(int status) {
  constexpr int kKilled = 128;
  End end{.state = State::Exited, .exit_status = status, .reason = Reason::Exited, .detail = {}};
  if (status > kKilled && status <= kKilled + SIGRTMAX) end.reason = Reason::Signalled;
  return end;
}

Result<std::unique_ptr<Run>> start_run(Record const& record, std::string const& root,
                                       std::vector<SecretValue> secrets, RunWorld const& world,
                                       NotStarted& refused) {
  auto definition = record.definition;
  auto const store = BH_TRY(image::Store::open(root));
  // Until what it starts from is there; the machine's row keeps that.
  auto const adding = BH_TRY(store.begin_adding());
  auto const image = BH_TRY(image::find_image(store, definition.image_digest));
  if (definition.host_name.empty()) definition.host_name = record.id;
  auto const process = BH_TRY(process_of(definition, image.config));
  definition.mounts = BH_TRY(prepare_mounts(definition, root, store, image));
  Record named = record;
  named.definition = definition;
  if (definition.isolation == Isolation::Microvm) {
    auto const disk = BH_TRY(image::disk_image(store, image));
    MicrovmDisks disks{.image = disk, .writable = std::nullopt};
    // Nobody sees again what one that goes at its end has written.
    if (!definition.remove_at_end) {
      disks.writable = world.folder + "/disk.ext4";
      BH_TRY(make_writable_disk(*disks.writable, definition.disk_mib.value_or(kDefaultDiskMib)));
    }
    return MicrovmRun::start(named, process, std::move(disks), std::move(secrets), world);
  }
  auto layers = BH_TRY(image::unpacked_layers(store, image));
  return ContainerRun::start(named, process, std::move(layers), world.folder + "/disk",
                             std::move(secrets), world, refused);
}

}  // namespace bh::machine
