#include "vmm/control/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <utility>

#include "os/unix_socket.h"

namespace bh::vmm::control {

namespace {

constexpr std::string_view kServerName = "Firecracker API";
// Firecracker answers several requests of one connection in turn. So much unsent means that the
// client does not read.
constexpr std::size_t kUnsentLimit = std::size_t{1} << 20;

http::Response stream_error(int status, std::string_view words) {
  return {.status = status,
          .body = boost::json::serialize(boost::json::object{{"error", words}}),
          .keep_alive = false};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(Worker& worker, std::string path,
                                               std::size_t body_limit, Handler handler) {
  auto listener = BH_TRY(os::listen_unix(path));
  std::unique_ptr<Server> server(
      new Server(worker, std::move(path), std::move(listener), body_limit, std::move(handler)));
  Result<> watched;
  worker.run_and_wait([&, self = server.get()] {
    watched = worker.loop().watch(self->listener_.get(), [self] { self->on_connection(); });
  });
  if (!watched) return std::unexpected(std::move(watched).error());
  return server;
}

Server::Server(Worker& worker, std::string path, os::UniqueFd listener, std::size_t body_limit,
               Handler handler)
    : worker_(worker),
      path_(std::move(path)),
      listener_(std::move(listener)),
      body_limit_(body_limit),
      handler_(std::move(handler)) {}

Server::~Server() {
  worker_.run_and_wait([this] {
    worker_.loop().forget(listener_.get());
    while (!connections_.empty()) close(connections_.begin()->first);
  });
  ::unlink(path_.c_str());
}

void Server::on_connection() {
  os::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket.valid()) return;
  int const fd = socket.get();
  auto connection = std::make_unique<Connection>(
      Connection{std::move(socket), http::RequestParser(body_limit_), {}, false});
  if (connections_.size() >= kMaxConnections) {
    connection->unsent =
        http::serialize(stream_error(503, "Too many open connections"), kServerName);
    send(*connection);
    return;
  }
  if (!worker_.loop().watch(fd, [this, fd] { on_ready(fd); })) return;
  connections_[fd] = std::move(connection);
}

void Server::on_ready(int fd) {
  auto& connection = *connections_.at(fd);
  bool const open = send(connection) && receive(connection) && send(connection);
  if (!open || (connection.closing && connection.unsent.empty())) return close(fd);
  worker_.loop().change(
      fd, connection.unsent.empty() ? DeviceLoop::Interest::Read : DeviceLoop::Interest::Write);
}

/// False when the connection is over.
bool Server::receive(Connection& connection) {
  // A client that does not read its answers is not read either.
  if (connection.closing || !connection.unsent.empty()) return true;
  std::array<char, 16384> buffer;
  ssize_t const count = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  connection.parser.feed({buffer.data(), static_cast<std::size_t>(count)});
  answer(connection);
  return true;
}

void Server::answer(Connection& connection) {
  while (!connection.closing && connection.unsent.size() < kUnsentLimit) {
    auto request = connection.parser.next();
    if (!request) {
      auto const words =
          request.error().message + "\nAll previous unanswered requests will be dropped.";
      connection.unsent += http::serialize(stream_error(400, words), kServerName);
      connection.closing = true;
      return;
    }
    if (!*request) {
      if (connection.parser.take_continue()) {
        connection.unsent += http::serialize({.status = 100}, kServerName);
      }
      return;
    }
    auto response = handler_(**request);
    response.keep_alive = (*request)->keep_alive;
    connection.closing = !response.keep_alive;
    connection.unsent += http::serialize(response, kServerName);
  }
}

/// False when the connection is over.
bool Server::send(Connection& connection) {
  while (!connection.unsent.empty()) {
    ssize_t const count = ::send(connection.socket.get(), connection.unsent.data(),
                                 connection.unsent.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    connection.unsent.erase(0, static_cast<std::size_t>(count));
  }
  return true;
}

void Server::close(int fd) {
  worker_.loop().forget(fd);
  connections_.erase(fd);
}

}  // namespace bh::vmm::control
