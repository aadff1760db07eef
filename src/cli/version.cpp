#include "cli/version.h"

namespace bh::cli {

namespace {

Result<int> version(Context& context, Options const& /*options*/) {
  context.out << "bulkhead v" BULKHEAD_VERSION "\n";
  return 0;
}

}  // namespace

constinit Command const kVersion{
    .name = "version",
    .usage = "version",
    .summary = "Show the version",
    .example = "bulkhead version",
    .options = {},
    .run = version,
};

}  // namespace bh::cli
