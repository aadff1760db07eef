#include "vmm/soft/translate/testing/translated_cpu.h"

namespace bh::vmm::soft {

TranslatedCpu::TranslatedCpu() : translator_(Translator::create(bare_.cpu()).value()) {}

bool TranslatedCpu::run() {
  constexpr unsigned kMostStops = 100'000;
  cpu().activity = Activity::Running;
  for (unsigned stops = 0; stops < kMostStops; ++stops) {
    cpu().attention.store(0);
    switch (translator_->run()) {
      case Translator::Stop::Look: break;
      case Translator::Stop::Step:
        ++steps_;
        if (auto const flow = bare_.step(); flow == Flow::Fault || flow == Flow::Exit) return false;
        break;
      case Translator::Stop::Fault:
      case Translator::Stop::Exit: return false;
    }
    if (cpu().activity == Activity::Halted) return true;
  }
  return false;
}

bool TranslatedCpu::run(std::vector<std::uint8_t> const& code) {
  bare_.load_code(code);
  return run();
}

}  // namespace bh::vmm::soft
