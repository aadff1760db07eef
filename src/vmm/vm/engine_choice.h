#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "vmm/engine/engine.h"

namespace bh::vmm {

enum class EngineKind : std::uint8_t { Auto, Kvm, Soft };

/// "auto", "kvm" or "soft".
Result<EngineKind> parse_engine_kind(std::string_view name);

/// "on", "off", "exact" or "compare".
Result<Translate> parse_translate(std::string_view name);

/// Which engine to use, never Auto, and why in one sentence.
struct EngineChoice {
  EngineKind kind = EngineKind::Soft;
  std::string why;
};

/// Auto measures what KVM can do on this host; the others are taken at their word.
EngineChoice choose_engine(EngineKind wanted);

/// `kind` is not Auto. `memory` outlives the engine.
Result<std::unique_ptr<Engine>> create_engine(EngineKind kind, GuestMemory& memory,
                                              EngineOptions options);

}  // namespace bh::vmm
