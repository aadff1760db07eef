#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "os/unique_fd.h"

namespace bh::vmm::testing {

/// Both ends of a pipe.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
      reader.reset(ends[0]);
      writer.reset(ends[1]);
    }
  }

  /// What is there, at most `most` bytes; waits for the first.
  std::string read_some(std::size_t most) const {
    std::string text(most, '\0');
    ssize_t const count = ::read(reader.get(), text.data(), text.size());
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  /// False unless all of it was written. Waits for room.
  bool write(std::string_view text) const {
    return ::write(writer.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  os::UniqueFd reader;
  os::UniqueFd writer;
};

}  // namespace bh::vmm::testing
