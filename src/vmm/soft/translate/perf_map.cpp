#include "vmm/soft/translate/perf_map.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

namespace bh::vmm::soft {

Result<std::unique_ptr<PerfMap>> PerfMap::create() {
  auto const path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  // Left by a process of long ago, or put there by somebody else: never written through.
  ::unlink(path.c_str());
  os::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.valid()) return fail_errno("create perf map " + path, errno);
  return std::unique_ptr<PerfMap>(new PerfMap(std::move(file)));
}

void PerfMap::add(std::uint64_t host_address, std::size_t size, std::uint64_t rip, bool user) {
  std::array<char, 80> line{};
  int const length = std::snprintf(line.data(), line.size(), "%llx %zx guest_%s_%llx\n",
                                   static_cast<unsigned long long>(host_address), size,
                                   user ? "user" : "kernel", static_cast<unsigned long long>(rip));
  // A profile may miss a line.
  [[maybe_unused]] auto const written =
      ::write(file_.get(), line.data(), static_cast<std::size_t>(length));
}

}  // namespace bh::vmm::soft
