// bulkhead-init: the first process of a Bulkhead guest. It prepares the machine, runs the one
// command the machine is for, and ends the machine with the command's exit status.

#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "init/command.h"
#include "init/console.h"
#include "init/exit_status.h"
#include "init/file_systems.h"
#include "init/idle.h"
#include "init/image_root.h"
#include "init/layer.h"
#include "init/loopback.h"
#include "init/monitor_ports.h"
#include "init/mounts.h"
#include "init/network.h"
#include "init/report.h"
#include "init/settings.h"

namespace bh::init {

namespace {

constexpr char const* kHome = "/root";
constexpr mode_t kHomeMode = 0700;
constexpr std::string_view kHostName = "bulkhead";

// Too large for a stack that nobody has grown yet.
Arguments command;
Settings settings;

void name_machine() {
  auto const name = settings.find("host").value_or(kHostName);
  if (::sethostname(name.data(), name.size()) != 0) report_errno("set host name", name, errno);
}

void prepare_environment() {
  // The kernel sets HOME=/ and TERM=linux, and passes on what its command line adds.
  if (settings.find("user")) {
    ::unsetenv("HOME");
  } else {
    ::mkdir(kHome, kHomeMode);
    ::setenv("HOME", kHome, 1);
  }
  ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  ::setenv("TERM", "linux", 0);
  settings.set_environment();
}

void end_processes() {
  ::kill(-1, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

[[noreturn]] void end_machine(int status) {
  // What still runs could write for ever; the disks must be whole before the exit port, which ends
  // the machine at once.
  end_processes();
  ::sync();
  drain_console();
  announce_exit(static_cast<std::uint8_t>(status));
  ::reboot(RB_AUTOBOOT);
  report_errno("reboot", "the machine", errno);
  for (;;) ::pause();
}

int run() {
  mount_devices();
  open_console();
  announce_boot();
  if (!settings.read()) return kCannotStart;
  auto const* const image = settings.find_text("root");
  // What is beside this program is out of reach behind it.
  auto const* const writable = settings.find_text("writable");
  int const secrets = open_secrets();
  int written = -1;
  if (image != nullptr && !(find_command(command) && enter_image_root(image, writable, written)))
    return kCannotStart;
  mount_file_systems(image == nullptr ? Root::Initramfs : Root::Image);
  if (!mount_more(settings, secrets)) return kCannotStart;
  name_machine();
  prepare_environment();
  bring_up_loopback();
  if (!bring_up_network(settings)) return kCannotStart;
  let_kernel_sleep();
  if (!protect_root(settings)) return kCannotStart;
  if (image == nullptr && !find_command(command)) return kCannotStart;
  int const status = run_command(command, settings);
  if (status != 0) return status;
  end_processes();
  return send_layer(settings, written) ? status : kCannotStart;
}

}  // namespace

}  // namespace bh::init

int main() {
  // Anywhere else the end of the command would reboot somebody's machine.
  if (::getpid() != 1) {
    bh::init::report("this",
                     "must be the first process of a machine; give it to a kernel as /init");
    return bh::init::kCannotStart;
  }
  bh::init::end_machine(bh::init::run());
}
