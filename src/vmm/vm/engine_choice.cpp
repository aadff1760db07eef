#include "vmm/vm/engine_choice.h"

#include "vmm/kvm/kvm_engine.h"
#include "vmm/kvm/kvm_probe.h"
#include "vmm/soft/soft_engine.h"

namespace bh::vmm {

Result<EngineKind> parse_engine_kind(std::string_view name) {
  if (name == "auto") return EngineKind::Auto;
  if (name == "kvm") return EngineKind::Kvm;
  if (name == "soft") return EngineKind::Soft;
  return fail(Errc::Invalid, "engine \"" + std::string(name) + "\": must be auto, kvm or soft");
}

Result<Translate> parse_translate(std::string_view name) {
  if (name == "on") return Translate::On;
  if (name == "off") return Translate::Off;
  if (name == "exact") return Translate::Exact;
  if (name == "compare") return Translate::Compare;
  return fail(Errc::Invalid,
              "translate \"" + std::string(name) + "\": must be on, off, exact or compare");
}

EngineChoice choose_engine(EngineKind wanted) {
  if (wanted == EngineKind::Kvm) return {.kind = EngineKind::Kvm, .why = "asked for"};
  if (wanted == EngineKind::Soft) return {.kind = EngineKind::Soft, .why = "asked for"};
  auto report = kvm::probe_kvm();
  return {.kind = report.usable ? EngineKind::Kvm : EngineKind::Soft,
          .why = std::move(report.verdict)};
}

Result<std::unique_ptr<Engine>> create_engine(EngineKind kind, GuestMemory& memory,
                                              EngineOptions options) {
  return kind == EngineKind::Kvm ? kvm::create_kvm_engine(memory, options)
                                 : soft::create_soft_engine(memory, options);
}

}  // namespace bh::vmm
