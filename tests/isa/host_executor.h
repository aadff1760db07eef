#pragma once

#include <sys/types.h>

#include <memory>

#include "base/error.h"
#include "tests/isa/executor.h"
#include "tests/isa/host_child.h"

namespace bh::isa {

/// The host CPU itself, in a forked child that is started again when a case kills it.
class HostExecutor final : public Executor {
 public:
  static Result<std::unique_ptr<HostExecutor>> create();
  ~HostExecutor() override;

  std::string_view name() const override { return "host"; }
  std::span<Outcome const> run(std::span<CaseInput const> cases) override;

 private:
  explicit HostExecutor(Mailbox* mailbox) : mailbox_(mailbox) {}

  void start_child();
  void stop_child();
  /// False when the child is gone or makes no progress.
  bool wait_for_batch(std::uint32_t request);

  Mailbox* mailbox_;  // Owned: shared mapping.
  pid_t child_ = -1;
  Ending trouble_ = Ending::Died;
  std::string last_words_;
};

}  // namespace bh::isa
