#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "os/unique_fd.h"
#include "vmm/http/parser.h"
#include "vmm/http/request.h"
#include "vmm/loop/worker.h"

namespace bh::vmm::control {

/// HTTP on a Unix socket. All of it but create() and the destructor runs on the worker, which
/// outlives it.
class Server {
 public:
  /// As many as Firecracker takes.
  static constexpr std::size_t kMaxConnections = 10;

  using Handler = std::move_only_function<http::Response(http::Request const&)>;

  /// Listens at `path`, which must not be there yet, and answers requests by `handler`.
  static Result<std::unique_ptr<Server>> create(Worker& worker, std::string path,
                                                std::size_t body_limit, Handler handler);
  /// Closes all connections and removes the socket.
  ~Server();
  Server(Server const&) = delete;

 private:
  struct Connection {
    os::UniqueFd socket;
    http::RequestParser parser;
    std::string unsent;
    bool closing = false;  // Once all is sent.
  };

  Server(Worker& worker, std::string path, os::UniqueFd listener, std::size_t body_limit,
         Handler handler);

  void on_connection();
  void on_ready(int fd);
  bool receive(Connection& connection);
  void answer(Connection& connection);
  bool send(Connection& connection);
  void close(int fd);

  Worker& worker_;
  std::string const path_;
  os::UniqueFd const listener_;
  std::size_t const body_limit_;
  Handler handler_;
  std::map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace bh::vmm::control
