#include "init/report.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace bh::init {

namespace {

template <std::size_t N>
void write_line(std::array<std::string_view, N> const& parts) {
  std::array<iovec, N> pieces{};
  for (std::size_t i = 0; i < N; ++i) {
    pieces[i] = {.iov_base = const_cast<char*>(parts[i].data()), .iov_len = parts[i].size()};
  }
  // With no console there is nobody to tell about a failure to write, either.
  [[maybe_unused]] auto const written = ::writev(STDERR_FILENO, pieces.data(), pieces.size());
}

}  // namespace

void report_errno(std::string_view action, std::string_view object, int error_number) {
  // Unlike strerror(), which may allocate and translate.
  char const* const words = ::strerrordesc_np(error_number);
  write_line(std::array<std::string_view, 7>{"bulkhead-init: ", action, " ", object, ": ",
                                             words != nullptr ? words : "unknown error", "\n"});
}

void report(std::string_view object, std::string_view problem) {
  write_line(std::array<std::string_view, 5>{"bulkhead-init: ", object, " ", problem, "\n"});
}

}  // namespace bh::init
