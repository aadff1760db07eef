#include "container/launch/plan.h"

namespace bh::container {

void Plan::add(Phase phase, std::string name, std::move_only_function<Result<>()> apply,
               std::move_only_function<void()> undo) {
  steps_.push_back({.phase = phase,
                    .name = std::move(name),
                    .apply = std::move(apply),
                    .undo = std::move(undo)});
}

Result<> Plan::run(Phase phase) {
  for (auto& step : steps_) {
    if (step.phase != phase) continue;
    auto applied = step.apply();
    if (!applied) return std::unexpected(std::move(applied).error().while_doing(step.name));
    if (step.undo) done_.push_back(&step);
  }
  return {};
}

void Plan::undo() {
  while (!done_.empty()) {
    done_.back()->undo();
    done_.pop_back();
  }
}

}  // namespace bh::container
