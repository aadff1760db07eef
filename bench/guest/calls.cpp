// Calls of the kernel that end at once.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "guest/metric.h"
#include "guest/rate.h"

namespace bh::bench {

namespace {

constexpr std::size_t kPage = 4096;
constexpr char const* kNothing = "/dev/null";

/// Opens `path` or ends the program.
int open_or_give_up(char const* path, int flags) {
  int const fd = ::open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) give_up(path);
  return fd;
}

double parent_id(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) ::syscall(SYS_getppid);
  });
  return rate / kThousand;
}

double read_zeros(double seconds) {
  std::array<char, kPage> page{};
  int const fd = open_or_give_up("/dev/zero", O_RDONLY);
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      if (::read(fd, page.data(), page.size()) != kPage) give_up("read /dev/zero");
    }
  });
  ::close(fd);
  return rate / kThousand;
}

double open_close(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    for (; count != 0; --count) ::close(open_or_give_up(kNothing, O_RDONLY));
  });
  return rate / kThousand;
}

double status(double seconds) {
  auto const rate = units_per_second(seconds, [](std::uint64_t count) {
    struct stat about{};
    for (; count != 0; --count) {
      if (::stat(kNothing, &about) != 0) give_up("stat /dev/null");
    }
  });
  return rate / kThousand;
}

/// Into a file of 1 MiB in memory, over and over.
double write_file(double seconds) {
  constexpr char const* kPath = "/tmp/guest-bench.file";
  constexpr std::size_t kPages = 256;
  std::array<char, kPage> page{};
  page.fill('x');
  int const fd = open_or_give_up(kPath, O_RDWR | O_CREAT | O_TRUNC);
  ::unlink(kPath);
  std::size_t at = 0;
  auto const rate = units_per_second(seconds, [&](std::uint64_t count) {
    for (; count != 0; --count) {
      if (::pwrite(fd, page.data(), kPage, static_cast<off_t>(at * kPage)) != kPage) {
        give_up("write a file");
      }
      at = (at + 1) % kPages;
    }
  });
  ::close(fd);
  return rate * kPage / kMillion;
}

constexpr std::array kMetrics{
    Metric{"syscall_getppid", group::kKernel, "kcalls/s", parent_id},
    Metric{"read_zero_4k", group::kKernel, "kcalls/s", read_zeros},
    Metric{"open_close", group::kKernel, "kcalls/s", open_close},
    Metric{"stat", group::kKernel, "kcalls/s", status},
    Metric{"file_write_4k", group::kKernel, "MB/s", write_file},
};

}  // namespace

std::span<Metric const> call_metrics() {
  return kMetrics;
}

}  // namespace bh::bench
