#include "tests/isa/host_child.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>

#include "tests/isa/memory_image.h"
#include "tests/isa/signal_frame.h"

// Nothing here may use thread-local storage once cases run: FS belongs to them.

namespace bh::isa {

namespace {

constexpr std::uint64_t kNestedTask = 1u << 14;
constexpr std::uint64_t kIdentification = 1u << 21;
struct Child {
  Mailbox* mailbox = nullptr;
  std::uint64_t own_fs = 0;
  std::uint64_t own_gs = 0;
  // Windows through which the handler writes what the cases see as code and as read-only data: at
  // addresses the kernel chooses, where no case strays.
  std::byte* code = nullptr;
  std::byte* data = nullptr;
  std::uint32_t request = 0;  // The batch being served.
  bool started = false;
  Code last_code;
};
Child child;

long raw_syscall(long number, long a, long b, long c, long d) {
  long result;
  register long r10 asm("r10") = d;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
               : "rcx", "r11", "memory");
  return result;
}

[[gnu::target("fsgsbase")]] void set_bases(std::uint64_t fs, std::uint64_t gs) {
  __builtin_ia32_wrfsbase64(fs);
  __builtin_ia32_wrgsbase64(gs);
}
[[gnu::target("fsgsbase")]] std::uint64_t fs_base() {
  return __builtin_ia32_rdfsbase64();
}
[[gnu::target("fsgsbase")]] std::uint64_t gs_base() {
  return __builtin_ia32_rdgsbase64();
}

void wait_for_batch() {
  Mailbox& mailbox = *child.mailbox;
  for (;;) {
    std::uint32_t const requested = mailbox.requested.load(std::memory_order_acquire);
    if (requested != child.request) {
      child.request = requested;
      return;
    }
    raw_syscall(SYS_futex, reinterpret_cast<long>(&mailbox.requested), FUTEX_WAIT, requested, 0);
  }
}

void finish_batch() {
  Mailbox& mailbox = *child.mailbox;
  mailbox.finished.store(child.request, std::memory_order_release);
  raw_syscall(SYS_futex, reinterpret_cast<long>(&mailbox.finished), FUTEX_WAKE, 1, 0);
}

void put_code(Code const& code) {
  std::memset(child.code + (child.last_code.rip - kCodeStart), kMarker, child.last_code.length);
  // An instruction at the end of the last page is cut off there.
  std::uint64_t const room = kCodeStart + kCodeSize - code.rip;
  auto const length = static_cast<std::uint8_t>(code.length < room ? code.length : room);
  std::memcpy(child.code + (code.rip - kCodeStart), code.bytes.data(), length);
  child.last_code = code;
  child.last_code.length = length;
}

std::uint64_t load(ucontext_t& context, CaseInput const& input) {
  put_code(input.code);
  std::memcpy(child.data, memory_image(input.image).data(), sizeof(MemoryImage));
  for (Patch const& patch : input.patches) {
    apply_patch(patch, std::span(child.data, sizeof(MemoryImage)));
  }
  put_registers(context, input);
  set_bases(input.fs_base, input.gs_base);
  return input.rflags & (kNestedTask | kIdentification);
}

}  // namespace

extern "C" std::uint64_t isa_on_signal(int, siginfo_t*, void* opaque) {
  std::uint64_t const case_fs = fs_base();
  std::uint64_t const case_gs = gs_base();
  set_bases(child.own_fs, child.own_gs);
  auto& context = *static_cast<ucontext_t*>(opaque);
  Mailbox& mailbox = *child.mailbox;

  if (child.started) {
    std::uint32_t const index = mailbox.progress.load(std::memory_order_relaxed);
    Outcome& outcome = mailbox.outcomes[index];
    take_registers(context, outcome);
    outcome.fs_base = case_fs;
    outcome.gs_base = case_gs;
    std::memcpy(outcome.memory.data(), child.data, sizeof(MemoryImage));
    mailbox.progress.store(index + 1, std::memory_order_release);
  }
  child.started = true;
  while (mailbox.progress.load(std::memory_order_acquire) >= mailbox.count) {
    finish_batch();
    wait_for_batch();
  }
  return load(context, mailbox.cases[mailbox.progress.load(std::memory_order_relaxed)]);
}

extern "C" void isa_signal_entry();

namespace {

std::byte* map_window(std::uint64_t size, int file, std::uint64_t offset) {
  void* const got = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file,
                           static_cast<off_t>(offset));
  if (got == MAP_FAILED) ::_exit(10);
  return static_cast<std::byte*>(got);
}

void map_at(std::uint64_t address, std::uint64_t size, int protection, int file,
            std::uint64_t offset) {
  void* const where = reinterpret_cast<void*>(address);
  void* const got = ::mmap(where, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE,
                           file, static_cast<off_t>(offset));
  if (got != where) ::_exit(10);
}

void map_pages() {
  std::uint64_t const data_offset = kCodeSize;
  int const file = ::memfd_create("isa-case", 0);
  if (file < 0 || ::ftruncate(file, data_offset + sizeof(MemoryImage)) != 0) ::_exit(11);
  child.code = map_window(kCodeSize, file, 0);
  child.data = map_window(sizeof(MemoryImage), file, data_offset);
  std::memset(child.code, kMarker, kCodeSize);
  map_at(kCodeStart, kCodeSize, PROT_READ | PROT_EXEC, file, 0);
  for (std::uint64_t const start : {kDataStart, kHighDataStart}) {
    for (DataPage const& page : kDataPages) {
      map_at(start + page.offset, kPage, page.writable ? PROT_READ | PROT_WRITE : PROT_READ, file,
             data_offset + page.image_offset);
    }
  }
}

void catch_signals() {
  constexpr std::size_t kStackSize = 64 * 1024;
  void* const stack = ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  stack_t alternate{};
  alternate.ss_sp = stack;
  alternate.ss_size = kStackSize;
  if (stack == MAP_FAILED || ::sigaltstack(&alternate, nullptr) != 0) ::_exit(12);
  struct sigaction action{};
  action.sa_sigaction = reinterpret_cast<void (*)(int, siginfo_t*, void*)>(&isa_signal_entry);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigfillset(&action.sa_mask);
  for (int const number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) {
    if (::sigaction(number, &action, nullptr) != 0) ::_exit(13);
  }
}

}  // namespace

[[noreturn]] void serve_cases(Mailbox& mailbox) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  constexpr unsigned long kFsGsBaseUsable = 2;  // HWCAP2_FSGSBASE
  if ((::getauxval(AT_HWCAP2) & kFsGsBaseUsable) == 0) ::_exit(14);
  child.mailbox = &mailbox;
  child.own_fs = fs_base();
  child.own_gs = gs_base();
  child.request = mailbox.requested.load();
  child.last_code = {.rip = kCodeStart};
  map_pages();
  catch_signals();
  asm volatile("int3");
  ::_exit(15);
}

}  // namespace bh::isa
