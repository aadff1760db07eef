#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "container/spec/spec.h"
#include "container/state.h"
#include "jail/proc_dir.h"
#include "os/unique_fd.h"

namespace bh::container {

/// 1 to 255 letters, digits and "_+-.", and not "." or "..": it becomes the name of a folder.
Result<> check_id(std::string_view id);

/// The folder of one container below --root: state.json, config.json as it was at the start, and
/// while the container waits to be started, the socket start.
class ContainerFolder {
 public:
  int fd() const { return fd_.get(); }
  std::string const& id() const { return id_; }

  Result<State> state() const;
  Result<> write_state(State const& state) const;
  Result<std::string> config() const;
  Result<> write_config(std::string_view text) const;

  /// A socket that listens at start; `start` connects to it.
  Result<os::UniqueFd> listen() const;
  Result<os::UniqueFd> connect() const;
  void stop_listening() const;
  bool waits_for_start() const;

 private:
  friend class Store;
  ContainerFolder(os::UniqueFd fd, std::string id) : fd_(std::move(fd)), id_(std::move(id)) {}

  os::UniqueFd fd_;
  std::string id_;
};

/// --root: where containers are kept between calls.
class Store {
 public:
  /// The default is /run/bulkhead-oci, or bulkhead-oci in $XDG_RUNTIME_DIR without root of the
  /// host: engines without it start us as root of a user namespace.
  static Result<Store> open(jail::ProcDir const& proc, std::optional<std::string> const& root);

  /// Errc::Exists if there is one of that name.
  Result<ContainerFolder> create(std::string const& id) const;
  Result<ContainerFolder> find(std::string const& id) const;
  Result<std::vector<std::string>> ids() const;
  Result<> remove(std::string const& id) const;

 private:
  explicit Store(os::UniqueFd folder) : folder_(std::move(folder)) {}

  os::UniqueFd folder_;
};

/// What the container is doing now.
Status status_of(jail::ProcDir const& proc, ContainerFolder const& folder, State const& state);

}  // namespace bh::container
