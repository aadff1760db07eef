#include "cli/image_transfer.h"

#include <unistd.h>

#include <cerrno>

namespace bh::cli {

Result<image::registry::TransferOptions> transfer_options(Options const& options) {
  image::registry::TransferOptions transfer;
  transfer.platform = BH_TRY(platform_of(options));
  transfer.trust.insecure = options.has("--insecure");
  transfer.trust.ca_file = options.value("--ca-file");
  if (options.has("--ca-file") && ::access(transfer.trust.ca_file.c_str(), R_OK) != 0) {
    return fail_errno("--ca-file " + transfer.trust.ca_file, errno);
  }
  if (options.has("--creds")) {
    auto credentials = BH_TRY(image::registry::Credentials::parse(options.value("--creds")));
    transfer.credentials = std::move(credentials);
  }
  transfer.mirrors = options.values("--mirror");
  return transfer;
}

}  // namespace bh::cli
