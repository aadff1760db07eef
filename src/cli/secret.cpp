#include "cli/secret.h"

#include <array>

namespace bh::cli {

namespace {

constexpr std::array kSecretCommands{&kSecretCreate, &kSecretLs, &kSecretInspect, &kSecretRm};

}  // namespace

constinit Command const kSecret{
    .name = "secret",
    .usage = "secret COMMAND ...",
    .summary = "Keep values that machines get and nobody is shown",
    .example = "bulkhead secret create password password.txt",
    .options = {},
    .commands = kSecretCommands,
};

}  // namespace bh::cli
