#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "machine/store/store.h"
#include "net/host_port.h"
#include "os/file_lock.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// A supervisor's hold on the process that keeps its machine's cards (docs/design/networks.md).
/// Without a keeper there is nothing to hold.
class Tie {
 public:
  Tie() = default;
  Tie(os::UniqueFd socket, os::UniqueFd name_space)
      : socket_(std::move(socket)), name_space_(std::move(name_space)) {}

  /// The network namespace made for the machine, as processes of ours in the supervisor's pid
  /// namespace see it; empty if the machine's cards are taps.
  std::string name_space() const;
  /// Waits until the keeper has plugged the cards in. Errc::Io if it could not, and has said so.
  Result<> await_cards() const;
  /// The machine has ended for good: returns when its cards are gone.
  void let_go();

 private:
  os::UniqueFd socket_;
  os::UniqueFd name_space_;
};

/// Plugs a machine's cards in before it starts and takes them away when its supervisor has ended,
/// whatever ended it. It is outside of the supervisor's pid namespace: name servers that it starts
/// are for other machines, too, and outlive both.
class Keeper {
 public:
  /// What both processes have from before they part.
  struct Ends {
    os::UniqueFd keeper;
    os::UniqueFd supervisor;
    os::UniqueFd name_space;  // For a container.
  };
  static Result<Ends> prepare(Isolation isolation);

  Keeper(std::string root, std::string id, Ends ends, os::FileLock lock, pid_t supervisor)
      : root_(std::move(root)),
        id_(std::move(id)),
        ends_(std::move(ends)),
        lock_(std::move(lock)),
        supervisor_(supervisor) {}

  Result<> get_ready();
  /// Takes the ports that the machine publishes, until its cards are gone. plug_in() says what is
  /// in the way.
  void hold(std::vector<net::PublishedPort> const& ports);
  /// Lets the supervisor go on. On an error the machine is as one that could not be started, and
  /// this process is to end, and the supervisor with it. May be called in a child.
  Result<> plug_in() const;
  /// Until the supervisor has ended.
  void keep();

 private:
  static Result<> note_failure(Store& store, Record const& record, Error const& error);
  void clean_up(std::string_view what, Result<> (*action)(Store&)) const;

  std::string root_;
  std::string id_;
  Ends ends_;
  std::optional<os::FileLock> lock_;
  Result<net::HeldPorts> ports_;
  pid_t supervisor_;
};

}  // namespace bh::machine
