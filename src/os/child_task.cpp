#include "os/child_task.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "os/descriptor.h"
#include "os/spawn.h"
#include "os/text_file.h"

namespace bh::os {

Result<ChildTask> ChildTask::start(std::function<Result<>()> const& action) {
  auto [errors, report] = BH_TRY(make_pipe());
  pid_t const child = ::fork();
  if (child < 0) return fail_errno("fork", errno);
  if (child == 0) {
    errors.reset();
    auto const done = action();
    // The kind of an error comes first.
    if (done) ::_exit(0);
    auto const told =
        write_text(report, static_cast<char>(done.error().code) + done.error().message);
    ::_exit(told ? 1 : 2);
  }
  return ChildTask(child, std::move(errors));
}

Result<> ChildTask::wait() {
  constexpr std::size_t kLongestError = std::size_t{64} * 1024;
  auto const text = read_text(errors_, kLongestError);
  int const status = BH_TRY(wait_for(pid_));
  if (!text) return std::unexpected(text.error());
  if (!text->empty()) return fail(static_cast<Errc>(text->front()), text->substr(1));
  if (status != 0) return fail(Errc::Io, "a process that helps was killed");
  return {};
}

Result<> in_child(std::function<Result<>()> const& action) {
  auto task = BH_TRY(ChildTask::start(action));
  return task.wait();
}

}  // namespace bh::os
