// Signals at any instruction, whose handlers use every register, and faults that handlers mend.

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPages = 64;

std::uint64_t volatile handled = 0;
std::uint8_t* guarded = nullptr;

void disturb(int /*signal*/) {
  handled = handled + 1;
  // Other numbers in the registers that the interrupted work has numbers in.
  if (work_of(7) != work_of(7)) ::_exit(3);
}

/// A write to a page that may not be written: allows it, and the instruction runs again.
void mend(int /*signal*/, siginfo_t* info, void* /*context*/) {
  auto* const address = static_cast<std::uint8_t*>(info->si_addr);
  if (address < guarded || address >= guarded + kPages * kPage) ::_exit(4);
  auto* const page = guarded + (address - guarded) / kPage * kPage;
  if (::mprotect(page, kPage, PROT_READ | PROT_WRITE) != 0) ::_exit(5);
  handled = handled + 1;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_NODEFER;
  if (::sigaction(signal, &action, nullptr) != 0) give_up("sigaction");
}

void interrupt_every(suseconds_t microseconds) {
  itimerval timer{};
  timer.it_interval.tv_usec = microseconds;
  timer.it_value.tv_usec = microseconds;
  if (::setitimer(ITIMER_REAL, &timer, nullptr) != 0) give_up("setitimer");
}

/// A process that sends this one signals until it is killed.
pid_t start_sender() {
  pid_t const target = ::getpid();
  pid_t const process = ::fork();
  if (process < 0) give_up("fork");
  if (process != 0) return process;
  // The timer is not inherited; the parent's end is seen by the send that fails.
  while (::kill(target, SIGUSR1) == 0 && ::getppid() == target) ::usleep(300);
  ::_exit(0);
}

void end(pid_t sender) {
  ::kill(sender, SIGKILL);
  while (::waitpid(sender, nullptr, 0) != sender) {
  }
}

void compute(Random& random) {
  std::uint64_t const seed = random.next();
  std::uint64_t const first = work_of(seed);
  for (int i = 0; i < 20; ++i) check("work that signals interrupt", work_of(seed), first);
}

void fault(Random& random) {
  if (::mprotect(guarded, kPages * kPage, PROT_READ) != 0) give_up("mprotect");
  std::uint64_t const before = handled;
  std::array<bool, kPages> written{};
  std::uint64_t pages = 0;
  for (int i = 0; i < 100; ++i) {
    auto const place = random.below(kPages * kPage - sizeof(std::uint64_t));
    auto const value = random.next();
    __builtin_memcpy(guarded + place, &value, sizeof value);
    std::uint64_t found = 0;
    __builtin_memcpy(&found, guarded + place, sizeof found);
    check("what was written where a handler allowed it", found, value);
    for (auto const page : {place / kPage, (place + sizeof value - 1) / kPage}) {
      pages += written[page] ? 0 : 1;
      written[page] = true;
    }
  }
  check("faults, one for each page", handled - before, pages);
}

void round(Random& random) {
  handle(SIGALRM, disturb);
  handle(SIGUSR1, disturb);
  pid_t const sender = start_sender();
  interrupt_every(static_cast<suseconds_t>(200 + random.below(1000)));
  compute(random);
  interrupt_every(0);
  end(sender);

  struct sigaction action{};
  action.sa_sigaction = mend;
  action.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGSEGV, &action, nullptr) != 0) give_up("sigaction");
  if (guarded == nullptr) {
    void* const memory =
        ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) give_up("mmap");
    guarded = static_cast<std::uint8_t*>(memory);
  }
  fault(random);
}

}  // namespace

Kind signal_storm() {
  return {"signal_storm", round};
}

}  // namespace bh::stress
