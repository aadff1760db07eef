#include "machine/providers/writable_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "machine/providers/companions.h"
#include "os/spawn.h"
#include "os/text_file.h"

namespace bh::machine {

Result<> make_writable_disk(std::string const& path, std::uint64_t mib) {
  constexpr std::uint64_t kMebibyte = 1 << 20;
  if (::access(path.c_str(), F_OK) == 0) return {};
  auto const program = find_companion("mke2fs", {"/usr/sbin", "/sbin", "/usr/bin"});
  if (!program) {
    return fail(Errc::NotFound,
                "make a disk for what the machine writes: " + program.error().message +
                    " (install e2fsprogs, or use --rm to keep it in memory)");
  }
  // Under another name until it is whole.
  auto const half_made = path + ".new";
  {
    auto const file = BH_TRY(os::open_at(AT_FDCWD, half_made, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    if (::ftruncate(file.get(), static_cast<off_t>(mib * kMebibyte)) != 0) {
      return fail_errno("give " + half_made + " its size", errno);
    }
  }
  auto const pid = BH_TRY(
      os::spawn({.words = {*program, "-q", "-F", "-t", "ext4", "-m", "0", "-J", "size=16", "-E",
                           "lazy_itable_init=1,lazy_journal_init=1,nodiscard", half_made}}));
  int const status = BH_TRY(os::wait_for(pid));
  if (status != 0) {
    return fail(Errc::Io, "mke2fs " + half_made + ": exit status " + std::to_string(status) +
                              " (is the disk full?)");
  }
  if (::rename(half_made.c_str(), path.c_str()) != 0)
    return fail_errno("rename " + half_made, errno);
  return {};
}

}  // namespace bh::machine
