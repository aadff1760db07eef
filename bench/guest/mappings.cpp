// Changes of an address space, and the faults that fill it.

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

constexpr std::size_t kPage = 4096;

char volatile* map(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("mmap");
  return static_cast<char volatile*>(memory);
}

void unmap(char volatile* memory, std::size_t bytes) {
  ::munmap(const_cast<char*>(memory), bytes);
}

double page_faults(double seconds) {
  constexpr std::size_t kBytes = 256 * kPage;
  auto* const bytes = map(kBytes);
  ::madvise(const_cast<char*>(bytes), kBytes, MADV_NOHUGEPAGE);
  std::size_t at = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      bytes[at] = 1;
      at += kPage;
      if (at < kBytes) continue;
      at = 0;
      if (::madvise(const_cast<char*>(bytes), kBytes, MADV_DONTNEED) != 0) give_up("madvise");
    }
  });
  unmap(bytes, kBytes);
  return rate / kThousand;
}

double map_and_unmap(double seconds) {
  constexpr std::size_t kBytes = 16 * kPage;
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) {
      auto* const bytes = map(kBytes);
      bytes[0] = 1;
      unmap(bytes, kBytes);
    }
  });
  return rate / kThousand;
}

/// A page read-only, then writable again and written to: what collectors of garbage do.
double protect_and_touch(double seconds) {
  auto* const bytes = map(kPage);
  auto* const page = const_cast<char*>(bytes);
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      if (::mprotect(page, kPage, PROT_READ) != 0 ||
          ::mprotect(page, kPage, PROT_READ | PROT_WRITE) != 0) {
        give_up("mprotect");
      }
      bytes[0] = static_cast<char>(bytes[0] + 1);
    }
  });
  unmap(bytes, kPage);
  return rate / kThousand;
}

constexpr std::array kMetrics{
    Metric{"page_fault_anon", group::kKernel, "kfaults/s", page_faults},
    Metric{"mmap_munmap", group::kKernel, "kpairs/s", map_and_unmap},
    Metric{"mprotect_touch", group::kKernel, "kpairs/s", protect_and_touch},
};

}  // namespace

std::span<Metric const> mapping_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
