#include "machine/control/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <span>

#include "image/json.h"
#include "machine/supervise/files.h"
#include "os/file_write.h"
#include "os/folder.h"
#include "os/unix_socket.h"

namespace bh::machine {

namespace {

std::unexpected<Error> not_running(Record const& record) {
  return fail(Errc::Busy, fmt::format("machine {} is not running but {} (`bulkhead start {}`)",
                                      record.name, state_name(record.state), record.name));
}

}  // namespace

Result<Connection> Connection::open(Store const& store, Record const& record) {
  if (!record.supervisor) return not_running(record);
  auto const folder = os::open_folder(store.folder_of(record.id));
  if (!folder) return not_running(record);
  // Paths of sockets are short; this one always is.
  auto socket = os::connect_unix(fmt::format("/proc/self/fd/{}/{}", folder->get(), kControlSocket));
  if (!socket) return not_running(record);
  int const flags = ::fcntl(socket->get(), F_GETFL);
  if (::fcntl(socket->get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return fail_errno("fcntl", errno);
  return Connection(std::move(*socket));
}

Result<boost::json::object> Connection::ask(boost::json::object const& request) {
  auto const text = boost::json::serialize(request);
  if (text.size() > wire::kPayloadLimit) {
    return fail(Errc::Invalid, "the request is longer than 64 KiB");
  }
  auto const frame = wire::encode(wire::FrameType::Request, text);
  BH_TRY(os::write_all(socket_, std::as_bytes(std::span(frame))));
  while (true) {
    auto const answer = BH_TRY(frames_.next());
    if (answer) {
      auto json = BH_TRY(image::parse_object(answer->payload));
      auto const error = BH_TRY(image::text_member(json, "error"));
      if (error.empty()) return json;
      auto const code = BH_TRY(image::number_member(json, "code"));
      return fail(static_cast<Errc>(code), error);
    }
    std::array<char, 4096> bytes{};
    ssize_t const count = ::read(socket_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      return fail(Errc::Io, "the machine's bulkhead-supervise has ended before it answered");
    }
    frames_.add({bytes.data(), static_cast<std::size_t>(count)});
  }
}

Result<boost::json::object> ask(Store const& store, Record const& record,
                                boost::json::object const& request) {
  auto connection = BH_TRY(Connection::open(store, record));
  return connection.ask(request);
}

}  // namespace bh::machine
