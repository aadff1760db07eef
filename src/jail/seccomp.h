#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// What happens to a system call. The numbers are those of libseccomp, less the error number.
struct SeccompAction {
  std::string name;                    // "SCMP_ACT_ERRNO"
  std::optional<std::uint32_t> error;  // For ERRNO and TRACE; EPERM when absent.
};

/// One comparison of an argument.
struct SeccompArgument {
  std::uint32_t index = 0;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
  std::string comparison;  // "SCMP_CMP_EQ"
};

struct SeccompRule {
  std::vector<std::string> names;
  SeccompAction action;
  std::vector<SeccompArgument> arguments;
};

/// linux.seccomp of config.json.
struct SeccompProfile {
  SeccompAction default_action;
  std::vector<std::string> architectures;  // "SCMP_ARCH_X86_64"
  std::vector<std::string> flags;          // "SECCOMP_FILTER_FLAG_LOG"
  std::vector<SeccompRule> rules;
  std::string listener_path;
  std::string listener_metadata;
};

/// A filter compiled for this kernel, ready to be installed without any allocation.
class SeccompFilter {
 public:
  /// Refuses unknown actions, comparisons, flags and architectures. A name of a system call that
  /// no architecture of the profile has is left out, as profiles are written for many kernels.
  static Result<SeccompFilter> compile(SeccompProfile const& profile);

  bool notifies() const { return notifies_; }
  /// Binds the calling process. Returns the descriptor of the listener if the filter notifies.
  /// Needs no_new_privileges or CAP_SYS_ADMIN.
  Result<os::UniqueFd> install() const;

 private:
  struct Instruction {  // struct sock_filter
    std::uint16_t code;
    std::uint8_t jump_true;
    std::uint8_t jump_false;
    std::uint32_t value;
  };

  std::vector<Instruction> program_;
  unsigned flags_ = 0;
  bool notifies_ = false;
};

std::vector<std::string_view> seccomp_actions();
std::vector<std::string_view> seccomp_operators();
std::vector<std::string_view> seccomp_architectures();
std::vector<std::string_view> seccomp_flags();

}  // namespace bh::jail
