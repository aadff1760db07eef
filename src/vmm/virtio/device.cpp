#include "vmm/virtio/device.h"

#include <utility>

namespace bh::vmm::virtio {

void VirtioDevice::activate(std::uint64_t features, std::vector<std::optional<Queue>> queues,
                            DriverLink& link) {
  negotiated_ = features;
  queues_ = std::move(queues);
  link_ = &link;
  faulted_ = false;
  on_activate();
}

void VirtioDevice::deactivate() {
  if (link_ == nullptr) return;
  on_deactivate();
  queues_.clear();
  link_ = nullptr;
}

void VirtioDevice::notify(std::size_t index) {
  if (queue(index) != nullptr) process(index);
}

std::vector<QueueProgress> VirtioDevice::progress() const {
  std::vector<QueueProgress> progress;
  for (auto const& queue : queues_) {
    progress.push_back(queue ? queue->progress() : QueueProgress());
  }
  return progress;
}

Queue* VirtioDevice::queue(std::size_t index) {
  if (faulted_ || index >= queues_.size() || !queues_[index]) return nullptr;
  return &*queues_[index];
}

void VirtioDevice::fault(std::string_view why) {
  if (std::exchange(faulted_, true) || link_ == nullptr) return;
  link_->need_reset(why);
}

bool VirtioDevice::pop(Queue& queue, Chain& chain) {
  if (faulted_) return false;
  auto const popped = queue.pop(chain);
  if (!popped) {
    // What was done before is the driver's all the same.
    publish(queue);
    fault(popped.error().message);
    return false;
  }
  return *popped;
}

void VirtioDevice::publish(Queue& queue) {
  if (queue.publish() && link_ != nullptr) link_->interrupt_used();
}

void VirtioDevice::end_turn(Queue& queue) {
  publish(queue);
  for (std::size_t index = 0; index < queues_.size() && link_ != nullptr; ++index) {
    if (this->queue(index) == &queue) link_->come_again(index);
  }
}

}  // namespace bh::vmm::virtio
