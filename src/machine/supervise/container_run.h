#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "machine/providers/container_bundle.h"
#include "machine/supervise/program_session.h"
#include "machine/supervise/run.h"
#include "machine/supervise/user_network.h"

namespace bh::machine {

/// Where a container's bulkhead-oci keeps its state, in the folder of a run.
inline constexpr char kRuntimeState[] = "oci";

/// A machine as a container: bulkhead-oci in the foreground is its session.
class ContainerRun final : public Run {
 public:
  static Result<std::unique_ptr<Run>> start(Record const& record, Process const& process,
                                            std::vector<std::string> layers,
                                            std::string const& disk_folder,
                                            std::vector<SecretValue> secrets, RunWorld const& world,
                                            NotStarted& refused);
  ~ContainerRun() override;

  Session& main() override { return *session_; }
  bool ready() const override { return ready_; }
  Result<> pause() override;
  Result<> resume() override;
  void kill() override;
  Result<std::unique_ptr<Session>> exec(ExecRequest const& request) override;
  Result<std::unique_ptr<Session>> copy(CopyRequest const& request) override;
  Result<std::unique_ptr<Session>> probe(Probe const& probe) override;
  Result<Usage> usage() override;
  Result<> set_limits(Definition const& definition) override;

 private:
  ContainerRun(Record const& record, Process process, ContainerBundle bundle, std::string runtime,
               RunWorld const& world)
      : id_(record.id),
        process_(std::move(process)),
        bundle_(std::move(bundle)),
        runtime_(std::move(runtime)),
        world_(world) {}

  std::vector<std::string> words(std::vector<std::string> const& command) const;
  /// The container's first process, as a word.
  Result<std::string> first_process();
  Result<std::string> ask(std::vector<std::string> const& command);
  End end_with(int status) const;
  void look_for_start();
  void remove_rest();

  std::string id_;
  Process process_;
  ContainerBundle bundle_;
  std::string runtime_;
  RunWorld world_;
  std::unique_ptr<UserNetwork> network_;
  std::unique_ptr<ProgramSession> session_;
  os::EventLoop::Timer timer_ = 0;
  bool ready_ = false;
  std::uint64_t next_console_ = 1;
};

}  // namespace bh::machine
