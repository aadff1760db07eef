#include "jail/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>

#include "jail/seccomp_names.h"

namespace bh::jail {

namespace {

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

Result<std::uint32_t> action_of(SeccompAction const& action) {
  auto const found = find_name(kSeccompActions, action.name);
  if (!found) return fail(Errc::Invalid, "\"" + action.name + "\" is no seccomp action");
  std::uint32_t const error = action.error.value_or(EPERM);
  if (*found == SCMP_ACT_ERRNO(0)) return SCMP_ACT_ERRNO(error);
  if (*found == SCMP_ACT_TRACE(0)) return SCMP_ACT_TRACE(error);
  if (action.error && *action.error != 0) {
    return fail(Errc::Invalid, action.name + " takes no errnoRet");
  }
  return *found;
}

Result<> add_architectures(scmp_filter_ctx context, std::span<std::string const> names) {
  for (auto const& name : names) {
    auto const found = find_name(kSeccompArchitectures, name);
    if (!found) return fail(Errc::Invalid, "\"" + name + "\" is no seccomp architecture");
    int const error = seccomp_arch_add(context, *found);
    if (error != 0 && error != -EEXIST) return fail_errno("seccomp: add " + name, -error);
  }
  return {};
}

Result<std::vector<scmp_arg_cmp>> comparisons_of(std::span<SeccompArgument const> arguments) {
  std::vector<scmp_arg_cmp> out;
  for (auto const& argument : arguments) {
    auto const found = find_name(kSeccompOperators, argument.comparison);
    if (!found) return fail(Errc::Invalid, "\"" + argument.comparison + "\" is no comparison");
    // Six arguments are all that a system call has.
    if (argument.index > 5) return fail(Errc::Invalid, "argument index over 5");
    scmp_arg_cmp comparison{};
    comparison.arg = argument.index;
    comparison.op = static_cast<scmp_compare>(*found);
    comparison.datum_a = argument.value;
    comparison.datum_b = argument.value_two;
    out.push_back(comparison);
  }
  return out;
}

Result<> add_rule(scmp_filter_ctx context, SeccompRule const& rule, std::uint32_t default_action) {
  auto const action = BH_TRY(action_of(rule.action));
  // libseccomp refuses a rule that says what happens anyway.
  if (action == default_action) return {};
  auto const comparisons = BH_TRY(comparisons_of(rule.arguments));
  std::uint32_t seen = 0;
  bool twice = false;
  for (auto const& comparison : comparisons) {
    twice = twice || (seen >> comparison.arg & 1U) != 0;
    seen |= 1U << comparison.arg;
  }
  for (auto const& name : rule.names) {
    int const number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;
    int error = 0;
    if (twice) {
      // One rule cannot compare an argument twice: alternatives, as other runtimes have it.
      for (auto const& comparison : comparisons) {
        error = seccomp_rule_add_array(context, action, number, 1, &comparison);
        if (error != 0 && error != -EEXIST) break;
      }
    } else {
      error = seccomp_rule_add_array(context, action, number,
                                     static_cast<unsigned>(comparisons.size()), comparisons.data());
    }
    if (error != 0 && error != -EEXIST) return fail_errno("seccomp: rule for " + name, -error);
  }
  return {};
}

Result<std::string> export_program(scmp_filter_ctx context) {
  os::UniqueFd const file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create", errno);
  int const error = seccomp_export_bpf(context, file.get());
  if (error != 0) return fail_errno("seccomp: compile the filter", -error);
  std::string bytes(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
  ssize_t const size = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  if (size != static_cast<ssize_t>(bytes.size())) return fail_errno("read the filter", errno);
  return bytes;
}

template <std::size_t kCount>
std::vector<std::string_view> names_of(NamedNumber const (&table)[kCount]) {
  std::vector<std::string_view> names;
  for (auto const& row : table) names.push_back(row.name);
  return names;
}

}  // namespace

Result<SeccompFilter> SeccompFilter::compile(SeccompProfile const& profile) {
  SeccompFilter filter;
  auto const default_action = BH_TRY(action_of(profile.default_action));
  if (default_action == SCMP_ACT_NOTIFY) {
    return fail(Errc::Invalid, "SCMP_ACT_NOTIFY cannot be the default action");
  }
  Context const context(seccomp_init(default_action));
  if (!context) return fail(Errc::Invalid, "seccomp: cannot start a filter");
  // Otherwise libseccomp would set no_new_privs by itself.
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);
  // A binary search over the numbers: profiles have hundreds.
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  BH_TRY(add_architectures(context.get(), profile.architectures));
  for (auto const& name : profile.flags) {
    auto const found = find_name(kSeccompFlags, name);
    if (!found) return fail(Errc::Invalid, "\"" + name + "\" is no seccomp flag");
    filter.flags_ |= *found;
  }
  for (auto const& rule : profile.rules) {
    if (rule.action.name == "SCMP_ACT_NOTIFY") filter.notifies_ = true;
    BH_TRY(add_rule(context.get(), rule, default_action));
  }
  auto const bytes = BH_TRY(export_program(context.get()));
  static_assert(sizeof(Instruction) == sizeof(sock_filter));
  filter.program_.resize(bytes.size() / sizeof(Instruction));
  std::ranges::copy(bytes, reinterpret_cast<char*>(filter.program_.data()));
  return filter;
}

Result<os::UniqueFd> SeccompFilter::install() const {
  sock_fprog const program{
      .len = static_cast<unsigned short>(program_.size()),
      // The kernel reads it only; its type is older than const.
      .filter = reinterpret_cast<sock_filter*>(const_cast<Instruction*>(program_.data()))};
  unsigned flags = flags_;
  if (notifies_) {
    flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Both together would leave the meaning of the result open.
    if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  }
  long const result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (result < 0) return fail_errno("install the seccomp filter", errno);
  return os::UniqueFd(notifies_ ? static_cast<int>(result) : -1);
}

std::vector<std::string_view> seccomp_actions() {
  return names_of(kSeccompActions);
}
std::vector<std::string_view> seccomp_operators() {
  return names_of(kSeccompOperators);
}
std::vector<std::string_view> seccomp_architectures() {
  return names_of(kSeccompArchitectures);
}
std::vector<std::string_view> seccomp_flags() {
  return names_of(kSeccompFlags);
}

}  // namespace bh::jail
