#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::container {

/// The two ends of the talk between the runtime and the process it makes. An error of the process
/// arrives in the runtime as the same Error; the end of the process without one is seen too.
class Channel {
 public:
  static Result<std::pair<Channel, Channel>> create();
  explicit Channel(os::UniqueFd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }
  void close() { socket_.reset(); }

  Result<> send_ready();
  /// Ready, with copies of up to 32 descriptors.
  Result<> send_ready(std::span<os::UniqueFd const> descriptors);
  Result<std::vector<os::UniqueFd>> wait_ready_with_descriptors();
  void send_error(Error const& error);

  /// The error that the other end has sent already, if it has; else `otherwise`.
  Error sent_error_or(Error otherwise);

  enum class Answer { Ready, Closed };
  /// Waits for the other end. Its error is ours.
  Result<Answer> receive();
  /// Waits for Ready; Closed is a failure.
  Result<> wait_ready();

 private:
  os::UniqueFd socket_;
};

/// Connects to the stream socket at `path`.
Result<os::UniqueFd> connect_to(std::string const& path);

}  // namespace bh::container
