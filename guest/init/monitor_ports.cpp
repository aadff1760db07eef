#include "init/monitor_ports.h"

#include <fcntl.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "init/report.h"

namespace bh::init {

namespace {

constexpr std::uint8_t kBooted = 123;
// Firecracker's boot timer, which Bulkhead's has to be found at too. It lies in the gap below
// 4 GiB that is never RAM, so a kernel with STRICT_DEVMEM lets it be mapped.
constexpr off_t kBootTimerAddress = 0xc0000000;
constexpr std::size_t kPageBytes = 4096;
constexpr std::uint16_t kBootTimerPort = 0x3f0;
constexpr std::uint16_t kExitPort = 0xf4;

/// 0, or the errno of what failed.
int write_port(std::uint16_t port, std::uint8_t value) {
  if (::ioperm(port, 1, 1) != 0) return errno;
  ::outb(value, port);
  return 0;
}

/// 0, or the errno of what failed.
int write_physical(off_t address, std::uint8_t value) {
  // O_SYNC makes the mapping uncached, as a device's must be.
  int const fd = ::open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
  if (fd < 0) return errno;
  void* const page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address);
  int const error = page == MAP_FAILED ? errno : 0;
  ::close(fd);
  if (error != 0) return error;
  *static_cast<std::uint8_t volatile*>(page) = value;
  ::munmap(page, kPageBytes);
  return 0;
}

}  // namespace

void announce_boot() {
  int const memory_error = write_physical(kBootTimerAddress, kBooted);
  if (memory_error == 0) return;
  int const port_error = write_port(kBootTimerPort, kBooted);
  if (port_error == 0) return;
  report_errno("boot timer: map", "/dev/mem at 0xc0000000", memory_error);
  report_errno("boot timer: ioperm", "0x3f0", port_error);
}

void announce_exit(std::uint8_t status) {
  int const error = write_port(kExitPort, status);
  if (error != 0) report_errno("exit port: ioperm", "0xf4", error);
}

}  // namespace bh::init
