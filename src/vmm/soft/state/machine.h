#pragma once

#include "vmm/chip/chip_set.h"
#include "vmm/engine/engine.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/soft/cache/code_pages.h"

namespace bh::vmm::soft {

class CodeStore;
class PerfMap;

/// What all vCPUs of one virtual machine share.
struct Machine {
  GuestMemory& memory;
  CodePages& code_pages;
  chip::ChipSet* chips;  // nullptr without interrupt chips.
  chip::Clock& clock;
  unsigned vcpu_count;
  Translate translate = Translate::Off;
  bool statistics = false;
  CodeStore* code_store = nullptr;  // Or nullptr: translated code is not kept.
  PerfMap* perf_map = nullptr;      // Or nullptr.
  bool offer_avx = false;           // XSAVE, AVX, AVX2, BMI, FMA, if the host has them.
  CpuTemplate cpu_template = {};    // As check_template() takes it.
};

}  // namespace bh::vmm::soft
