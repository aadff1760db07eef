#include "machine/control/start.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "image/json.h"
#include "machine/providers/companions.h"
#include "os/descriptor.h"
#include "os/spawn.h"
#include "os/text_file.h"

namespace bh::machine {

namespace {

constexpr int kReport = 3;
constexpr std::size_t kReportLimit = std::size_t{64} * 1024;

/// In the child: nothing of ours but the way to report.
void become(char* const* words, int report) {
  int const nothing = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < kReport; ++fd) ::dup2(nothing, fd);
  // Without close-on-exec, and from wherever it was.
  if (report == kReport) {
    ::fcntl(kReport, F_SETFD, 0);
  } else {
    ::dup2(report, kReport);
  }
  ::close_range(kReport + 1, ~0U, 0);
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int number = 1; number < SIGRTMIN; ++number) ::signal(number, SIG_DFL);
  if (::chdir("/") != 0) return;
  ::execv(words[0], words);
}

}  // namespace

Result<> start_supervisor(std::string const& root, std::string const& id, Start start) {
  auto const folder = BH_TRY(program_folder());
  auto program = BH_TRY(find_companion("bulkhead-supervise", {folder}));
  std::string own_root = root;
  std::string own_id = id;
  std::string when = start == Start::AtOnce ? "at-once" : "when-attached";
  std::array<char*, 5> const words{program.data(), own_root.data(), own_id.data(), when.data(),
                                   nullptr};
  auto [read_end, write_end] = BH_TRY(os::make_pipe());
  pid_t const child = ::fork();
  if (child < 0) return fail_errno("fork", errno);
  if (child == 0) {
    become(words.data(), write_end.get());
    ::_exit(1);
  }
  write_end.reset();
  auto const text = os::read_text(read_end, kReportLimit);
  (void)os::wait_for(child);
  if (!text) return std::unexpected(text.error());
  auto const report = image::parse_object(*text);
  if (!report) return fail(Errc::Io, "bulkhead-supervise ended before it could say why");
  auto const error = BH_TRY(image::text_member(*report, "error"));
  if (error.empty()) return {};
  auto const code = BH_TRY(image::number_member(*report, "code"));
  return fail(static_cast<Errc>(code), error);
}

}  // namespace bh::machine
