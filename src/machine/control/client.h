#pragma once

#include <boost/json/object.hpp>

#include "base/error.h"
#include "machine/store/store.h"
#include "machine/wire/frame.h"
#include "os/unique_fd.h"

namespace bh::machine {

/// A connection to a machine's supervisor. Waits as long as it takes.
class Connection {
 public:
  /// Errc::Busy if the machine does not run.
  static Result<Connection> open(Store const& store, Record const& record);

  /// Sends a request and waits for the answer; an error of the supervisor is ours.
  Result<boost::json::object> ask(boost::json::object const& request);

  int fd() const { return socket_.get(); }
  /// What came behind the answer already.
  wire::FrameReader& frames() { return frames_; }

 private:
  explicit Connection(os::UniqueFd socket) : socket_(std::move(socket)) {}

  os::UniqueFd socket_;
  wire::FrameReader frames_;
};

/// Opens a connection for one question.
Result<boost::json::object> ask(Store const& store, Record const& record,
                                boost::json::object const& request);

}  // namespace bh::machine
