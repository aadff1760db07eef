#include "tests/isa/host_executor.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <new>

#include "tests/isa/memory_image.h"

namespace bh::isa {

namespace {

constexpr long kSliceNanoseconds = 100'000'000;
constexpr int kSlicesWithoutProgress = 20;  // Two seconds: a case takes microseconds.

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           timespec const* timeout) {
  return ::syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<std::unique_ptr<HostExecutor>> HostExecutor::create() {
  build_memory_images();
  void* const shared =
      ::mmap(nullptr, sizeof(Mailbox), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return fail_errno("mmap of the mailbox", errno);
  std::unique_ptr<HostExecutor> executor(new HostExecutor(new (shared) Mailbox));
  executor->start_child();
  if (!executor->wait_for_batch(executor->mailbox_->requested)) {
    return fail(Errc::Unsupported,
                "the child that runs cases on the host CPU " + executor->last_words_);
  }
  return executor;
}

HostExecutor::~HostExecutor() {
  stop_child();
  ::munmap(mailbox_, sizeof(Mailbox));
}

void HostExecutor::start_child() {
  // Not equal, so that the child's first report is awaited like that of a batch.
  mailbox_->finished = mailbox_->requested - 1;
  child_ = ::fork();
  if (child_ == 0) serve_cases(*mailbox_);
}

void HostExecutor::stop_child() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  child_ = -1;
}

bool HostExecutor::wait_for_batch(std::uint32_t request) {
  timespec const slice{0, kSliceNanoseconds};
  std::uint32_t progress = mailbox_->progress;
  int idle = 0;
  for (;;) {
    std::uint32_t const finished = mailbox_->finished.load(std::memory_order_acquire);
    if (finished == request) return true;
    futex(mailbox_->finished, FUTEX_WAIT, finished, &slice);
    if (mailbox_->finished.load(std::memory_order_acquire) == request) return true;
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) == child_) {
      child_ = -1;
      trouble_ = Ending::Died;
      last_words_ = describe_status(status);
      return false;
    }
    std::uint32_t const now = mailbox_->progress;
    idle = now == progress ? idle + 1 : 0;
    progress = now;
    if (idle >= kSlicesWithoutProgress) {
      trouble_ = Ending::Stuck;
      last_words_ = "makes no progress";
      stop_child();
      return false;
    }
  }
}

std::span<Outcome const> HostExecutor::run(std::span<CaseInput const> cases) {
  std::ranges::copy(cases, mailbox_->cases);
  mailbox_->count = static_cast<std::uint32_t>(cases.size());
  mailbox_->progress = 0;
  ++mailbox_->requested;
  futex(mailbox_->requested, FUTEX_WAKE, 1, nullptr);
  while (!wait_for_batch(mailbox_->requested)) {
    std::uint32_t const culprit = mailbox_->progress;
    if (culprit < cases.size()) {
      mailbox_->outcomes[culprit].ending = trouble_;
      mailbox_->progress = culprit + 1;
    }
    start_child();
  }
  return {mailbox_->outcomes, cases.size()};
}

}  // namespace bh::isa
