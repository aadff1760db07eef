#include "cli/machine_definition.h"
#include "cli/machines.h"

namespace bh::cli {

namespace {

Result<int> create(Context& context, Options const& options) {
  auto machines = BH_TRY(open_machines(options));
  auto const record = BH_TRY(add_machine(machines, options));
  context.out << record.id << "\n";
  return 0;
}

}  // namespace

constinit Command const kCreate{
    .name = "create",
    .usage = "create [OPTION...] IMAGE [--] [COMMAND [ARGUMENT...]]",
    .summary = "Make a machine from an image, without starting it",
    .example = "bulkhead create --name db --memory 1024 -v data:/var/lib/postgresql postgres:16",
    .options = kDefinitionOptions,
    .run = create,
    .failure = 125,
};

}  // namespace bh::cli
