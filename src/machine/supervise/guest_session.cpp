#include "machine/supervise/guest_session.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace bh::machine {

namespace {

constexpr std::size_t kInputLimit = std::size_t{256} * 1024;
// "OK 1073741824\n"
constexpr std::size_t kLongestAnswer = 32;
// The status of a command that nobody knows the end of.
constexpr int kLost = 125;

}  // namespace

void GuestSession::connect(os::UniqueFd socket, std::string_view greeting) {
  socket_ = std::move(socket);
  answered_ = greeting.empty();
  loop_.watch(socket_.get(), POLLIN, [this](short events) {
    if ((events & POLLOUT) != 0) update();
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
  });
  queue_.put(socket_.get(), greeting);
  send(std::exchange(early_, {}));
}

GuestSession::~GuestSession() {
  if (socket_.valid()) loop_.forget(socket_.get());
}

void GuestSession::send(std::string_view frame) {
  if (ended_) return;
  if (!socket_.valid()) {
    early_ += frame;
    return;
  }
  queue_.put(socket_.get(), frame);
  update();
}

void GuestSession::update() {
  if (!socket_.valid()) return;
  queue_.flush(socket_.get());
  auto const reading = static_cast<short>(held_ ? 0 : POLLIN);
  loop_.change(socket_.get(), queue_.empty() ? reading : static_cast<short>(reading | POLLOUT));
}

bool GuestSession::take_answer() {
  auto const end = answer_.find('\n');
  if (end == answer_.npos) {
    if (answer_.size() > kLongestAnswer) close();
    return false;
  }
  if (!answer_.starts_with("OK ")) {
    close();
    return false;
  }
  answered_ = true;
  frames_.add(std::string_view(answer_).substr(end + 1));
  return true;
}

void GuestSession::receive() {
  std::array<char, std::size_t{32} * 1024> bytes{};
  ssize_t const count = ::read(socket_.get(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    end();
    return;
  }
  std::string_view const got(bytes.data(), static_cast<std::size_t>(count));
  if (answered_) {
    frames_.add(got);
  } else {
    answer_ += got;
    if (!take_answer()) return;
  }
  while (!ended_) {
    auto const frame = frames_.next();
    if (!frame) {
      close();
      return;
    }
    if (!*frame) return;
    handle(**frame);
  }
}

void GuestSession::handle(wire::Frame const& frame) {
  switch (frame.type) {
    case wire::FrameType::Output:
      if (on_output) on_output(Stream::Output, frame.payload);
      return;
    case wire::FrameType::ErrorOutput:
      if (on_output) on_output(Stream::Error, frame.payload);
      return;
    case wire::FrameType::Exit:
      status_ = wire::decode_byte(frame.payload).value_or(kLost);
      end();
      return;
    default:
      // Nothing that a guest has to say.
      close();
  }
}

void GuestSession::close() {
  end();
}

void GuestSession::end() {
  if (ended_) return;
  ended_ = true;
  if (socket_.valid()) loop_.forget(socket_.get());
  socket_.reset();
  if (!answered_ && on_output) {
    on_output(Stream::Error,
              "bulkhead: the guest does not answer (it may be starting; try again)\n");
  }
  if (on_end) on_end(status_.value_or(kLost));
}

void GuestSession::input(std::string_view bytes) {
  while (!bytes.empty()) {
    auto const piece = bytes.substr(0, wire::kPayloadLimit);
    send(wire::encode(wire::FrameType::Input, piece));
    bytes.remove_prefix(piece.size());
  }
}

void GuestSession::end_input() {
  send(wire::encode(wire::FrameType::Input));
}

void GuestSession::resize(wire::WindowSize size) {
  send(wire::encode(size));
}

void GuestSession::signal(int number) {
  send(wire::encode(wire::FrameType::Signal, std::string(1, static_cast<char>(number))));
}

void GuestSession::hold_output(bool held) {
  held_ = held;
  update();
}

bool GuestSession::input_is_full() const {
  return queue_.size() + early_.size() > kInputLimit;
}

}  // namespace bh::machine
