#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "machine/store/store.h"
#include "machine/supervise/back_off.h"
#include "machine/supervise/client.h"
#include "machine/supervise/keeper.h"
#include "machine/supervise/log_file.h"
#include "machine/supervise/prober.h"
#include "machine/supervise/reaper.h"
#include "machine/supervise/run.h"
#include "os/event_loop.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// When a machine's command starts: at once, or when the first client is there to see it.
enum class Start : std::uint8_t { AtOnce, WhenAttached };

/// Keeps one machine running: its runs one after the other, its console and log, and who is
/// connected to the socket `control` in its folder. One thread.
class Supervisor {
 public:
  /// The process has mounts of its own, and no child that others wait for.
  static Result<std::unique_ptr<Supervisor>> create(Store store, Record record, Tie tie);
  ~Supervisor();

  /// Starts the machine, or gets ready to. `report` is told once what came of it: when others can
  /// talk to the machine, when it is sure that nobody will, or when clients can come.
  void start(Start start, std::function<void(Result<>)> report);
  /// Until the machine has ended and is not started again.
  Result<> serve();

  // For clients.
  Record const& record() const { return record_; }
  os::EventLoop& loop() { return loop_; }
  /// Nullptr between two runs.
  Run* run() { return run_.get(); }
  /// Starts what waits for a client.
  Result<> release_start();
  /// Asks the command to end; ends the machine after `patience`. Clients that wait() learn of it.
  Result<> stop(std::chrono::milliseconds patience);
  Result<> signal(int number);
  Result<> set_paused(bool paused);
  /// Takes over what the store says now. Memory and CPUs change only if they are other ones:
  /// Errc::Unsupported if that needs another start.
  Result<> reload();
  /// Clients' queues have changed: the console waits while one is too long.
  void balance();
  std::string const& recent_output() const { return recent_; }
  void drop(Client& client);
  /// Lets a client look again whether it may send more, if it is still there.
  void look_at(Client& client);

 private:
  Supervisor(Store store, Record record, Tie tie)
      : store_(std::move(store)), record_(std::move(record)), tie_(std::move(tie)) {}

  Result<> listen();
  void on_client();
  void on_signal();
  Result<> begin_run();
  void watch_health();
  void on_health(bool live, bool good, std::string const& words);
  void on_output(Stream stream, std::string_view bytes);
  void finish_run(End end);
  void restart_later(std::chrono::milliseconds delay);
  void finish();
  void leave_when_told();
  void tell(Result<> started);
  void note_failure(Result<> const& done, std::string_view action);

  Store store_;
  Record record_;
  Tie tie_;
  os::EventLoop loop_;
  Reaper reaper_;
  os::UniqueFd signals_;
  os::UniqueFd listener_;
  std::optional<LogFile> log_;
  std::string recent_;
  std::map<Client*, std::unique_ptr<Client>> clients_;
  std::unique_ptr<Run> run_;
  HealthReport health_;
  std::vector<std::unique_ptr<Prober>> probers_;
  std::optional<std::string> unhealthy_;  // Why this run is being ended.
  BackOff back_off_;
  std::uint64_t restarts_ = 0;
  os::EventLoop::Clock::time_point run_start_;
  os::EventLoop::Timer restart_timer_ = 0;
  os::EventLoop::Timer kill_timer_ = 0;
  std::function<void(Result<>)> report_;
  bool waits_for_client_ = false;
  bool stop_wanted_ = false;
  bool paused_ = false;
  bool leaving_ = false;
};

}  // namespace bh::machine
