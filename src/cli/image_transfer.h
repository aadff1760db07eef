#pragma once

#include "cli/image_options.h"
#include "image/registry/transfer.h"

namespace bh::cli {

// Options that pull and push share.
inline constexpr Option kInsecureOption{"--insecure", "", "Any certificate, and plain HTTP"};
inline constexpr Option kCaFileOption{"--ca-file", "FILE", "Certificates to believe, as PEM"};
inline constexpr Option kCredsOption{"--creds", "USER:PASSWORD",
                                     "Instead of those of `podman login` or `docker login`"};

Result<image::registry::TransferOptions> transfer_options(Options const& options);

}  // namespace bh::cli
