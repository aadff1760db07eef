// Memory that is mapped, moved, protected, given back and cut, with a model of what each page must
// hold.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kRegions = 24;
constexpr std::size_t kMostPages = 96;
constexpr int kSteps = 400;

struct Region {
  std::uint8_t* memory = nullptr;
  /// What is in each page: the number it was filled from, or 0 for a page of zeros.
  std::vector<std::uint64_t> contents;
};

[[nodiscard]] std::uint64_t volatile* word(Region const& region, std::size_t page,
                                           std::size_t index) {
  return reinterpret_cast<std::uint64_t*>(region.memory + page * kPage) + index;
}

std::uint64_t expected(std::uint64_t content, std::size_t index) {
  return content == 0 ? 0 : content + index;
}

void fill(Region& region, std::size_t page, std::uint64_t content) {
  for (std::size_t i = 0; i < kPage / sizeof content; ++i) {
    *word(region, page, i) = expected(content, i);
  }
  region.contents[page] = content;
}

void look(Region const& region, Random& random) {
  for (std::size_t page = 0; page < region.contents.size(); ++page) {
    auto const index = random.below(kPage / sizeof(std::uint64_t));
    check("a word of a page", *word(region, page, index), expected(region.contents[page], index));
  }
}

void map(Region& region, Random& random) {
  region.contents.assign(1 + random.below(kMostPages), 0);
  void* const memory = ::mmap(nullptr, region.contents.size() * kPage, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("mmap");
  region.memory = static_cast<std::uint8_t*>(memory);
}

void unmap(Region& region) {
  if (::munmap(region.memory, region.contents.size() * kPage) != 0) give_up("munmap");
  region.memory = nullptr;
}

void resize(Region& region, Random& random) {
  auto const pages = 1 + random.below(kMostPages);
  void* const memory =
      ::mremap(region.memory, region.contents.size() * kPage, pages * kPage, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) give_up("mremap");
  region.memory = static_cast<std::uint8_t*>(memory);
  region.contents.resize(pages, 0);
}

void give_back(Region& region, Random& random) {
  auto const first = random.below(region.contents.size());
  auto const count = 1 + random.below(region.contents.size() - first);
  if (::madvise(region.memory + first * kPage, count * kPage, MADV_DONTNEED) != 0)
    give_up("madvise");
  for (auto page = first; page < first + count; ++page) region.contents[page] = 0;
}

/// Not to be written for a while; a child, whose copy it is, may.
void protect_and_fork(Region& region, Random& random) {
  auto const bytes = region.contents.size() * kPage;
  if (::mprotect(region.memory, bytes, PROT_READ) != 0) give_up("mprotect");
  pid_t const process = ::fork();
  if (process < 0) give_up("fork");
  if (process == 0) {
    if (::mprotect(region.memory, bytes, PROT_READ | PROT_WRITE) != 0) ::_exit(2);
    for (std::size_t page = 0; page < region.contents.size(); ++page) fill(region, page, 99);
    ::_exit(0);
  }
  look(region, random);
  int status = -1;
  if (::waitpid(process, &status, 0) != process) give_up("waitpid");
  check("the status of a child that wrote", static_cast<std::uint64_t>(status), 0);
  if (::mprotect(region.memory, bytes, PROT_READ | PROT_WRITE) != 0) give_up("mprotect");
}

void step(Region& region, Random& random) {
  if (region.memory == nullptr) return map(region, random);
  look(region, random);
  switch (random.below(16)) {
    case 0:
    case 1: return unmap(region);
    case 2:
    case 3: return resize(region, random);
    case 4:
    case 5: return give_back(region, random);
    case 6: return protect_and_fork(region, random);
    default: fill(region, random.below(region.contents.size()), random.next() | 1);
  }
}

void round(Random& random) {
  std::array<Region, kRegions> regions;
  for (int i = 0; i < kSteps; ++i) step(regions[random.below(kRegions)], random);
  for (auto& region : regions) {
    if (region.memory != nullptr) unmap(region);
  }
}

}  // namespace

Kind mapping_churn() {
  return {"mapping_churn", round};
}

}  // namespace bh::stress
