#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "vmm/soft/decode/instruction.h"
#include "vmm/soft/decode/op.h"
#include "vmm/soft/native/code_pool.h"

namespace bh::vmm::soft {

/// Native stubs by the rewritten instruction they run: the same `add rax, [memory]` serves all
/// of the guest's. One vCPU's; no locking.
class StubCache {
 public:
  static Result<StubCache> create();

  /// The stub for a native instruction; nullptr if it cannot be made (see full()).
  Stub find_or_build(Instruction const& instruction);

  /// The pool ran out of room: forget all blocks, then clear().
  bool full() const { return full_; }
  void clear();

  /// Where a stub at whose instruction the host trapped goes on, with its result in EAX.
  static std::uint64_t landing_of(Stub stub);

 private:
  explicit StubCache(CodePool pool) : pool_(std::move(pool)) {}

  CodePool pool_;
  std::unordered_map<std::string, Stub> stubs_;
  bool full_ = false;
};

}  // namespace bh::vmm::soft
