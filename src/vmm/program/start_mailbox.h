#pragma once

#include <optional>
#include <semaphore>

#include "base/error.h"
#include "base/mutex.h"
#include "os/unique_fd.h"
#include "vmm/api/config.h"
#include "vmm/control/machine.h"
#include "vmm/loop/event.h"

namespace bh::vmm {

/// How the API's thread asks the main thread to start a machine, and gets the answer.
class StartMailbox {
 public:
  static Result<StartMailbox> create() {
    auto event = BH_TRY(create_event());
    return StartMailbox(std::move(event));
  }
  StartMailbox(StartMailbox&& other) noexcept : event_(std::move(other.event_)) {}

  /// The API's thread: waits for answer(). `config` stays as it is meanwhile.
  Result<control::Machine*> ask(VmConfig const& config) {
    config_ = &config;
    signal_event(event_);
    answered_.acquire();
    return std::move(answer_);
  }

  /// The main thread. Readable when something was asked.
  os::UniqueFd const& event() const { return event_; }
  VmConfig const& take() {
    clear_event(event_);
    return *config_;
  }
  void answer(Result<control::Machine*> answer) {
    answer_ = std::move(answer);
    answered_.release();
  }

 private:
  explicit StartMailbox(os::UniqueFd event) : event_(std::move(event)) {}

  os::UniqueFd event_;
  VmConfig const* config_ = nullptr;
  Result<control::Machine*> answer_ = nullptr;
  std::binary_semaphore answered_{0};
};

}  // namespace bh::vmm
