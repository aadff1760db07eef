#include "machine/control/copy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "image/tar_reader.h"

namespace bh::machine {

namespace {

using wire::FrameType;

// As much as anybody reads of what went wrong.
constexpr std::size_t kMostWords = 4096;

/// The conversation behind the answer: bytes one way, and at last a status with words.
class CopyStream {
 public:
  explicit CopyStream(Connection& connection) : connection_(connection) {}

  /// The next bytes of output; empty at the end.
  Result<std::span<std::byte const>> read() {
    while (!status_) {
      auto frame = BH_TRY(connection_.frames().next());
      if (!frame) {
        BH_TRY(receive());
        continue;
      }
      note(*frame);
      if (frame->type != FrameType::Output || frame->payload.empty()) continue;
      output_ = std::move(frame->payload);
      return std::as_bytes(std::span(output_));
    }
    return std::span<std::byte const>();
  }

  Result<> write(std::span<std::byte const> bytes) {
    while (!bytes.empty()) {
      BH_TRY(look());
      auto const piece = bytes.first(std::min(bytes.size(), wire::kPayloadLimit));
      BH_TRY(send({reinterpret_cast<char const*>(piece.data()), piece.size()}));
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }

  Result<> end_input() { return send({}); }

  /// Waits for the end: what went wrong over there, if anything did.
  Result<> finish() {
    while (true) {
      auto const bytes = BH_TRY(read());
      if (bytes.empty()) return outcome();
    }
  }
  bool failed() const { return status_.value_or(0) != 0; }

 private:
  Result<> outcome() const {
    if (*status_ == 0) return {};
    auto words = words_.substr(0, words_.find_last_not_of('\n') + 1);
    constexpr std::string_view kInit = "bulkhead-init: ";
    if (words.starts_with(kInit)) words.erase(0, kInit.size());
    return fail(Errc::Io, words.empty() ? "the machine ended while it copied" : words);
  }

  void note(wire::Frame const& frame) {
    if (frame.type == FrameType::Exit) status_ = wire::decode_byte(frame.payload).value_or(1);
    if (frame.type != FrameType::ErrorOutput) return;
    words_ += frame.payload.substr(0, kMostWords - std::min(kMostWords, words_.size()));
  }

  Result<> receive() {
    std::array<char, wire::kPayloadLimit> bytes{};
    ssize_t const count = ::read(connection_.fd(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) return {};
    if (count <= 0) return fail(Errc::Io, "the machine's bulkhead-supervise has ended");
    connection_.frames().add({bytes.data(), static_cast<std::size_t>(count)});
    return {};
  }

  /// Whether the other side has said something while it should listen.
  Result<> look() {
    pollfd entry{.fd = connection_.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 0) <= 0) return {};
    BH_TRY(receive());
    while (true) {
      auto const frame = BH_TRY(connection_.frames().next());
      if (!frame) return {};
      note(*frame);
      if (status_)
        return status_ == 0 ? fail(Errc::Io, "the machine has stopped to listen") : outcome();
    }
  }

  Result<> send(std::string_view payload) {
    auto const frame = wire::encode(FrameType::Input, payload);
    for (std::string_view rest = frame; !rest.empty();) {
      ssize_t const count = ::send(connection_.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("send to the machine", errno);
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Connection& connection_;
  std::string output_;
  std::string words_;
  std::optional<int> status_;
};

Result<CopyStream> begin(Connection& connection, CopyRequest const& request) {
  auto json = request.json();
  json["do"] = "copy";
  BH_TRY(connection.ask(json));
  return CopyStream(connection);
}

}  // namespace

Result<> copy_from(Connection& connection, CopyRequest const& request, image::LayerSink& sink) {
  auto stream = BH_TRY(begin(connection, request));
  auto const tar = BH_TRY(image::TarReader::open([&stream] { return stream.read(); }));
  auto read = image::read_tar(*tar, sink);
  // Half a tar has its reason over there.
  if (read || stream.failed()) BH_TRY(stream.finish());
  return read;
}

Result<> copy_to(Connection& connection, CopyRequest const& request, TarWriter const& write_tar) {
  auto stream = BH_TRY(begin(connection, request));
  BH_TRY(write_tar([&stream](std::span<std::byte const> bytes) { return stream.write(bytes); }));
  BH_TRY(stream.end_input());
  return stream.finish();
}

}  // namespace bh::machine
