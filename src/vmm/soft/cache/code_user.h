#pragma once

#include <atomic>
#include <cstddef>

namespace bh::vmm::soft {

class Mmu;

/// What CodePages has to know of a vCPU that runs translated code, which stores without asking.
struct CodeUser {
  Mmu* mmu = nullptr;
  std::atomic<int>* attention = nullptr;
  /// Set by others: the vCPU drops its write translations before it goes on.
  std::atomic<bool> forget_writes = false;
  /// Translated code runs, between a probe and its store for all we know.
  std::atomic<bool> inside = false;
};

}  // namespace bh::vmm::soft
