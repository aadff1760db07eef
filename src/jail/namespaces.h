#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/unique_fd.h"

namespace bh::jail {

/// One kind of namespaces(7).
struct NamespaceKind {
  std::string_view type;  // As in config.json.
  std::uint64_t flag;     // CLONE_NEW...
  std::string_view file;  // Below /proc/PID/ns.
};

/// Every kind, in the order in which namespaces are joined: the user namespace first, since it
/// gives the right to join the others.
std::span<NamespaceKind const> namespace_kinds();
NamespaceKind const* namespace_kind(std::string_view type);
NamespaceKind const* namespace_kind(std::uint64_t flag);

/// A namespace that exists and is to be joined.
struct JoinedNamespace {
  std::uint64_t flag = 0;
  std::string path;
  os::UniqueFd file;
};

/// Opens `path` and checks that it is a namespace of that kind.
Result<JoinedNamespace> open_namespace(std::uint64_t flag, std::string const& path);
/// Joins one. A PID namespace takes effect for children only.
Result<> join_namespace(JoinedNamespace const& target);

}  // namespace bh::jail
