#include "vmm/vm/startup_code.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <charconv>
#include <cstdint>

#include "os/text_file.h"

namespace bh::vmm {

void release_code(std::string_view mapping) {
  // proc(5): "55d0-55e0 r-xp 00001000 08:01 1234   /usr/bin/program". Private, never writable: what
  // is dropped is in the file.
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  char const* const last = mapping.data() + mapping.size();
  auto const first = std::from_chars(mapping.data(), last, start, 16);
  if (first.ptr == last || *first.ptr != '-') return;
  auto const second = std::from_chars(first.ptr + 1, last, end, 16);
  std::string_view const rest(second.ptr, static_cast<std::size_t>(last - second.ptr));
  if (!rest.starts_with(" r-xp ") || rest.find('/') == std::string_view::npos || end <= start)
    return;
  // It only makes memory smaller; where it cannot, all stays as it is.
  [[maybe_unused]] int const result =
      ::madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);
}

void release_startup_code() {
  // Some hundred lines at most: where there is more, or no /proc, it is left alone.
  constexpr std::size_t kMostBytes = 256 * 1024;
  auto const maps = os::read_text_at(AT_FDCWD, "/proc/self/maps", kMostBytes);
  if (!maps) return;
  std::string_view rest = *maps;
  while (!rest.empty()) {
    auto const line = rest.substr(0, rest.find('\n'));
    release_code(line);
    rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
  }
}

}  // namespace bh::vmm
