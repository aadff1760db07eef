#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vmm/soft/testing/bare_cpu.h"
#include "vmm/soft/translate/translator.h"

namespace bh::vmm::soft {

/// A BareCpu whose code is translated.
class TranslatedCpu {
 public:
  TranslatedCpu();

  BareCpu& bare() { return bare_; }
  Cpu& cpu() { return bare_.cpu(); }
  Translator& translator() { return *translator_; }

  /// Runs from RIP until the guest halts. False: it raised an exception, or does not come to an
  /// end.
  bool run();
  /// Puts `code` at BareCpu::kCode and runs it.
  bool run(std::vector<std::uint8_t> const& code);

  /// Instructions the stepping engine was asked for so far.
  unsigned steps() const { return steps_; }

 private:
  BareCpu bare_;
  std::unique_ptr<Translator> translator_;
  unsigned steps_ = 0;
};

}  // namespace bh::vmm::soft
