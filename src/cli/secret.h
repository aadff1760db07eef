#pragma once

#include "cli/command.h"

namespace bh::cli {

extern Command const kSecret;
// Its commands.
extern Command const kSecretCreate, kSecretLs, kSecretInspect, kSecretRm;

}  // namespace bh::cli
