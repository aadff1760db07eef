#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/mutex.h"
#include "vmm/engine/engine.h"

namespace bh::vmm::testing {

/// Plays back exits, then waits for a kick as a vCPU in HLT does. kick() may come from any thread.
class FakeVcpu final : public Vcpu {
 public:
  explicit FakeVcpu(std::deque<Exit> exits) : exits_(std::move(exits)) {}

  Exit run() override {
    if (!exits_.empty()) {
      Exit exit = std::move(exits_.front());
      exits_.pop_front();
      return exit;
    }
    MutexLock const lock(mutex_);
    kicked_.wait(mutex_, [this]() BH_REQUIRES(mutex_) { return is_kicked_; });
    is_kicked_ = false;
    return Interrupted();
  }
  void kick() override {
    MutexLock const lock(mutex_);
    is_kicked_ = true;
    kicked_.notify_all();
  }
  Result<VcpuState> save() override { return VcpuState(); }
  Result<> restore(VcpuState const& /*state*/) override { return {}; }

 private:
  std::deque<Exit> exits_;
  Mutex mutex_;
  std::condition_variable_any kicked_;
  bool is_kicked_ BH_GUARDED_BY(mutex_) = false;
};

/// Remembers the level of each interrupt line.
class FakeEngine final : public Engine {
 public:
  std::string_view name() const override { return "fake"; }
  Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned /*index*/) override {
    return std::make_unique<FakeVcpu>(std::deque<Exit>());
  }
  Result<> set_irq_line(unsigned gsi, LineLevel level) override {
    lines[gsi] = level;
    return {};
  }

  std::map<unsigned, LineLevel> lines;
};

}  // namespace bh::vmm::testing
