#pragma once

#include <cstdint>
#include <optional>

namespace bh::vmm::virtio {

/// The runs in which a guest hints at its free pages (VIRTIO 1.2, 5.5.6.5): each has a number that
/// the host gives out and the guest repeats before its first page. On the worker.
class PageHinting {
 public:
  /// Numbers that are no run: the guest has hinted at all there is; it gets its pages back.
  static constexpr std::uint32_t kStop = 0;
  static constexpr std::uint32_t kDone = 1;

  /// Begins a run. With `acknowledge`, the end of it gives the guest its pages back.
  void start(bool acknowledge) {
    acknowledge_ = acknowledge;
    host_ = last_ = last_ + 1 <= kDone ? kDone + 1 : last_ + 1;
  }
  /// Gives the guest its pages back.
  void finish() { host_ = kDone; }
  void reset() {
    host_ = kStop;
    guest_.reset();
  }

  /// The guest said this number; true if host_command() changed by it.
  bool take(std::uint32_t number) {
    bool const of_this_run = runs();
    guest_ = number;
    if (number != kStop || !of_this_run || !acknowledge_) return false;
    finish();
    return true;
  }
  /// Whether pages that come now are of the run that the host wants.
  bool runs() const { return host_ > kDone && guest_ == host_; }

  std::uint32_t host_command() const { return host_; }
  /// What the guest said last, if anything.
  std::optional<std::uint32_t> guest_command() const { return guest_; }

 private:
  std::uint32_t host_ = kStop;
  std::uint32_t last_ = kDone;
  std::optional<std::uint32_t> guest_;
  bool acknowledge_ = true;
};

}  // namespace bh::vmm::virtio
