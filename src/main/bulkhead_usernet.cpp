// The program bulkhead-usernet: a user network for one container.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "os/text_file.h"
#include "vmm/api/json.h"
#include "vmm/api/sections.h"
#include "vmm/loop/worker.h"
#include "vmm/virtio/net/cable.h"

namespace bh::vmm {
namespace {

constexpr std::size_t kLongestConfig = std::size_t{1} << 20;

Result<NetworkInterfaceConfig> read_config(std::string const& path) {
  auto const text = BH_TRY(os::read_text_at(AT_FDCWD, path, kLongestConfig));
  auto const json = BH_TRY(parse_json(text));
  NetworkInterfaceConfig config;
  BH_TRY(decode_section(json, config));
  return config;
}

/// Of the calling thread.
void drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> const none{};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::syscall(SYS_capset, &header, none.data()) != 0) std::abort();
}

/// Nothing that a container sends may lead to more than sockets of somebody who owns nothing.
void give_up_rights(Worker& worker, pid_t parent) {
  constexpr unsigned kNobody = 65534;
  // Where a user has one id only, there is nobody else to be.
  if (::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0) {
    (void)!::setresuid(kNobody, kNobody, kNobody);
  }
  drop_capabilities();
  worker.run_and_wait(drop_capabilities);
  // Who changes the user lives on without its parent.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

Result<> serve(std::string const& path) {
  pid_t const parent = ::getppid();
  ::signal(SIGPIPE, SIG_IGN);
  auto const config = BH_TRY(read_config(path));
  os::UniqueFd wire(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!wire.valid()) return fail_errno("take the packet socket from standard input", errno);
  auto worker = BH_TRY(Worker::start("usernet"));
  auto const cable = BH_TRY(virtio::Cable::join(config, std::move(wire), *worker));
  give_up_rights(*worker, parent);
  fmt::print("ready\n");
  std::fflush(stdout);
  ::fclose(stdout);
  while (true) ::pause();
}

}  // namespace
}  // namespace bh::vmm

int main(int argc, char** argv) {
  constexpr int kUsage = 2;
  constexpr int kArguments = 2;
  if (argc != kArguments) {
    fmt::print(stderr, "bulkhead-usernet: started by bulkhead-supervise, not by hand\n");
    return kUsage;
  }
  auto const served = bh::vmm::serve(argv[1]);
  fmt::print(stderr, "{}\n", served.error().message);
  return 1;
}
