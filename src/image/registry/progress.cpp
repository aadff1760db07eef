#include "image/registry/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/units.h"

namespace bh::image::registry {

namespace {

constexpr std::chrono::milliseconds kBetween{100};

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)), shown_(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::expect(std::uint64_t bytes) {
  MutexLock const lock(mutex_);
  expected_ += bytes;
}

void Progress::add(std::uint64_t bytes) {
  MutexLock const lock(mutex_);
  moved_ += bytes;
  show_locked();
}

std::uint64_t Progress::moved() {
  MutexLock const lock(mutex_);
  return moved_;
}

void Progress::show_locked() {
  auto const now = std::chrono::steady_clock::now();
  if (!shown_ || now - last_ < kBetween) return;
  last_ = now;
  fmt::print(stderr, "\r\x1b[K{}: {} of {}", what_, size_text(moved_), size_text(expected_));
}

}  // namespace bh::image::registry
