#include "guest_runner.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "guest_ports.h"

namespace bh::guest_test {

namespace {

constexpr std::chrono::seconds kLimit{20};

/// Runs all vCPUs of one machine, a thread each, until one of them ends the run.
class Machine {
 public:
  Machine(vmm::Engine& engine, std::vector<std::unique_ptr<vmm::Vcpu>> vcpus)
      : ports_(engine), vcpus_(std::move(vcpus)) {}

  GuestOutcome run() {
    {
      std::vector<std::jthread> threads;
      for (auto& vcpu : vcpus_) {
        threads.emplace_back([this, &vcpu] { run_vcpu(*vcpu); });
      }
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kLimit, [this] { return ended_; });
      ended_ = true;
      lock.unlock();
      for (auto& vcpu : vcpus_) vcpu->kick();
    }
    outcome_.text = ports_.text();
    return std::move(outcome_);
  }

 private:
  void run_vcpu(vmm::Vcpu& vcpu) {
    while (true) {
      vmm::Exit exit = vcpu.run();
      std::scoped_lock const lock(mutex_);
      if (ended_) return;
      std::visit([this](auto const& each) { handle(each); }, exit);
      if (ended_) {
        changed_.notify_all();
        return;
      }
    }
  }

  void handle(vmm::PortRead const& exit) { ports_.read_port(exit.port, exit.data); }
  void handle(vmm::MmioRead const& exit) { ports_.read_mmio(exit.address, exit.data); }
  void handle(vmm::MmioWrite const& exit) { ports_.write_mmio(exit.address, exit.data); }
  void handle(vmm::PortWrite const& exit) {
    ports_.write_port(exit.port, exit.data);
    if (!ports_.status()) return;
    outcome_.status = *ports_.status();
    end(Ending::Exit);
  }
  void handle(vmm::Halted const& /*exit*/) { end(Ending::Halted); }
  void handle(vmm::Shutdown const& /*exit*/) { end(Ending::Shutdown); }
  void handle(vmm::Interrupted const& /*exit*/) {}
  void handle(vmm::InternalError const& exit) {
    outcome_.words = exit.words;
    end(Ending::Broken);
  }

  void end(Ending ending) {
    outcome_.ending = ending;
    ended_ = true;
  }

  GuestPorts ports_;
  std::vector<std::unique_ptr<vmm::Vcpu>> vcpus_;
  std::mutex mutex_;  // Guards all below, and ports_.
  std::condition_variable changed_;
  bool ended_ = false;
  GuestOutcome outcome_;
};

}  // namespace

std::string describe(GuestOutcome const& outcome) {
  std::string words;
  switch (outcome.ending) {
    case Ending::Exit:
      words =
          outcome.status == 0 ? "passed" : "check " + std::to_string(outcome.status) + " failed";
      break;
    case Ending::Halted: words = "halted"; break;
    case Ending::Shutdown: words = "triple fault"; break;
    case Ending::Broken: words = "engine gave up: " + outcome.words; break;
    case Ending::TimedOut: words = "still running after 20 seconds"; break;
  }
  if (!outcome.text.empty()) words += "; guest says: " + outcome.text;
  return words;
}

Result<GuestOutcome> run_guest(MakeEngine const& make_engine, GuestImage const& image,
                               GuestSetup const& setup) {
  auto memory = BH_TRY(vmm::GuestMemory::create(kGuestMemory));
  BH_TRY(load_guest(memory, image, setup.mode));
  auto engine = BH_TRY(make_engine(memory, {.vcpu_count = setup.vcpus, .chips = setup.chips}));
  std::vector<std::unique_ptr<vmm::Vcpu>> vcpus;
  for (unsigned i = 0; i < setup.vcpus; ++i) {
    auto vcpu = BH_TRY(engine->create_vcpu(i));
    vcpus.push_back(std::move(vcpu));
  }
  auto reset = BH_TRY(vcpus[0]->save());
  BH_TRY(vcpus[0]->restore(start_state(std::move(reset), setup.mode)));
  return Machine(*engine, std::move(vcpus)).run();
}

}  // namespace bh::guest_test
