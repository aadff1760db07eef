#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "machine/supervise/out_queue.h"
#include "machine/supervise/session.h"
#include "machine/wire/frame.h"
#include "os/unique_fd.h"

namespace bh::machine {

class Supervisor;

/// Who is connected to a supervisor's socket. Its first frame is a request, a JSON object whose
/// member `do` says what; docs/design/machines.md has them all.
class Client {
 public:
  /// The supervisor outlives it, and destroys it after drop().
  Client(os::UniqueFd socket, Supervisor& supervisor);
  Client(Client const&) = delete;
  ~Client();

  /// It sees the console.
  bool attached() const { return role_ == Role::Attached; }
  std::size_t queued() const { return queue_.size(); }
  void output(Stream stream, std::string_view bytes);
  void run_ended(int status);
  /// Nothing happens after this.
  void machine_ended();
  /// Looks again whether it may send more.
  void look_again();

 private:
  enum class Role { New, Attached, Waiting, Stopping, Executing, Done };

  void on_ready(short events);
  void receive();
  void handle(wire::Frame const& frame);
  void serve_session(wire::Frame const& frame);
  Session* session();
  Result<> begin(std::string_view text);
  Result<> attach(boost::json::object const& request);
  Result<> execute(boost::json::object const& request);
  Result<> copy(boost::json::object const& request);
  void serve(std::unique_ptr<Session> session, bool input);
  Result<> tell_usage();
  void send(std::string_view frame);
  void answer(boost::json::object const& json);
  void refuse(Error const& error);
  void update();
  void close();

  os::UniqueFd socket_;
  Supervisor& supervisor_;
  wire::FrameReader frames_;
  OutQueue queue_;
  Role role_ = Role::New;
  bool may_input_ = false;
  bool ends_input_ = false;
  bool looks_again_ = false;
  bool closed_ = false;
  std::unique_ptr<Session> exec_;
};

}  // namespace bh::machine
