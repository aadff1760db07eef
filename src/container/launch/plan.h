#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace bh::container {

/// When a step is done, and by whom.
enum class Phase : std::uint8_t {
  Prepare,   // The runtime, before there is a process.
  Confine,   // The runtime, while the new process populates its root.
  Populate,  // The new process, in its namespaces: everything below the root.
  Complete,  // The new process, when it is in its control group: what shows that, and what follows.
  Furnish,   // The runtime, while the process waits with all its namespaces made.
  Enter,     // The new process, after the createRuntime hooks: into the root, and last changes.
};

/// One thing that is done to make a container, known by name before anything is done.
struct Step {
  Phase phase;
  std::string name;  // "mount /proc": what errors and --dry-run say.
  std::move_only_function<Result<>()> apply;
  std::move_only_function<void()>
      undo;  // May be empty. Only of the runtime: a process takes its own along.
};

/// The steps of one container. They are made from a checked Spec and nothing else, so that
/// printing them is all that --dry-run needs to do.
class Plan {
 public:
  void add(Phase phase, std::string name, std::move_only_function<Result<>()> apply,
           std::move_only_function<void()> undo = {});

  /// Does the steps of the phase in their order. An error begins with the name of its step.
  Result<> run(Phase phase);
  /// Undoes what was done, the last first.
  void undo();
  /// Forgets what would be undone: the container is there.
  void keep() { done_.clear(); }

  std::vector<Step> const& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
  std::vector<Step*> done_;
};

}  // namespace bh::container
