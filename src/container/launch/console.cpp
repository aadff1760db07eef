#include "container/launch/console.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace bh::container {

Result<Console> Console::open(jail::RootDir const& root) {
  auto master = BH_TRY(root.open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
  struct statfs system{};
  if (::fstatfs(master.get(), &system) != 0) return fail_errno("statfs /dev/pts/ptmx", errno);
  if (system.f_type != DEVPTS_SUPER_MAGIC) {
    return fail(
        Errc::Invalid,
        "/dev/pts/ptmx is not on devpts; a terminal needs a mount of type devpts on /dev/pts");
  }
  int const unlocked = 0;
  if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) != 0)
    return fail_errno("unlock the terminal", errno);
  // By the descriptor and not by name: a name could be exchanged for another terminal's.
  int const fd = ::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return fail_errno("open the terminal", errno);
  return Console(std::move(master), os::UniqueFd(fd));
}

Result<> Console::resize(ConsoleSize size) const {
  winsize const value{.ws_row = size.height, .ws_col = size.width};
  if (::ioctl(master_.get(), TIOCSWINSZ, &value) != 0)
    return fail_errno("resize the terminal", errno);
  return {};
}

Result<> Console::take_over(std::uint32_t user) {
  if (::fchown(terminal_.get(), user, static_cast<gid_t>(-1)) != 0 && errno != EPERM) {
    return fail_errno("chown the terminal", errno);
  }
  for (int const number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(terminal_.get(), number) < 0) return fail_errno("dup2 the terminal", errno);
  }
  if (::ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) return fail_errno("ioctl TIOCSCTTY", errno);
  return {};
}

}  // namespace bh::container
