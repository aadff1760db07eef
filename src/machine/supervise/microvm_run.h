#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "machine/providers/microvm.h"
#include "machine/supervise/guest_session.h"
#include "machine/supervise/run.h"
#include "os/unique_fd.h"

namespace bh::machine {

struct MicrovmDisks {
  std::string image;
  std::optional<std::string> writable;  // Else what is written is in memory.
};

/// A machine as a microVM: bulkhead-vmm is its process, and its command's session is a stream that
/// the guest opens to us.
class MicrovmRun final : public Run {
 public:
  static Result<std::unique_ptr<Run>> start(Record const& record, Process const& process,
                                            MicrovmDisks disks, std::vector<SecretValue> secrets,
                                            RunWorld const& world);
  ~MicrovmRun() override;

  Session& main() override { return session_; }
  bool ready() const override { return session_.connected(); }
  Result<> pause() override;
  Result<> resume() override;
  void kill() override;
  Result<std::unique_ptr<Session>> exec(ExecRequest const& request) override;
  Result<std::unique_ptr<Session>> copy(CopyRequest const& request) override;
  Result<std::unique_ptr<Session>> probe(Probe const& probe) override;
  Result<Usage> usage() override;
  Result<> set_limits(Definition const& definition) override;

 private:
  explicit MicrovmRun(RunWorld const& world) : world_(world), session_(world.loop) {}

  Result<std::unique_ptr<Session>> ask_guest(std::string_view request);
  Result<> launch(std::vector<std::string> words);
  void watch(os::UniqueFd& fd, std::string& tail, bool shown);
  void on_connection();
  void on_exit(int status);
  void end_if_over();
  End how_it_ended() const;

  RunWorld world_;
  GuestSession session_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  bool killed_ = false;
  os::UniqueFd initrd_;  // Until the guest has it.
  std::uint64_t memory_ = 0;
  os::UniqueFd listener_;
  os::UniqueFd console_;
  os::UniqueFd complaints_;
  std::string console_tail_;  // The last the guest's kernel has printed,
  std::string words_;         // and the last that bulkhead-vmm has.
};

}  // namespace bh::machine
