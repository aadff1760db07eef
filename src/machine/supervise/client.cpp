#include "machine/supervise/client.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <utility>

#include "image/json.h"
#include "machine/supervise/exec_request.h"
#include "machine/supervise/supervisor.h"

namespace bh::machine {

namespace {

using wire::FrameType;

// More is not kept of what a command prints before its client has read it.
constexpr std::size_t kQueueLimit = std::size_t{1024} * 1024;

bool is_set(boost::json::object const& json, std::string_view name) {
  auto const* const value = json.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

Client::Client(os::UniqueFd socket, Supervisor& supervisor)
    : socket_(std::move(socket)), supervisor_(supervisor) {
  supervisor_.loop().watch(socket_.get(), POLLIN, [this](short events) { on_ready(events); });
}

Client::~Client() {
  if (socket_.valid()) supervisor_.loop().forget(socket_.get());
}

void Client::on_ready(short events) {
  if ((events & POLLOUT) != 0) update();
  if (!closed_ && (events & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
}

void Client::receive() {
  std::array<char, std::size_t{32} * 1024> bytes{};
  ssize_t const count = ::read(socket_.get(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    close();
    return;
  }
  frames_.add({bytes.data(), static_cast<std::size_t>(count)});
  while (!closed_) {
    auto const frame = frames_.next();
    if (!frame) {
      close();
      return;
    }
    if (!*frame) break;
    handle(**frame);
  }
  update();
}

void Client::handle(wire::Frame const& frame) {
  if (role_ != Role::New) {
    serve_session(frame);
    return;
  }
  if (frame.type != FrameType::Request) {
    close();
    return;
  }
  if (auto const begun = begin(frame.payload); !begun) refuse(begun.error());
}

Result<> Client::begin(std::string_view text) {
  auto const request = BH_TRY(image::parse_object(text));
  auto const what = BH_TRY(image::text_member(request, "do"));
  if (what == "attach") return attach(request);
  if (what == "exec") return execute(request);
  if (what == "copy") return copy(request);
  if (what == "wait") {
    role_ = Role::Waiting;
    return {};
  }
  if (what == "stop") {
    auto const patience = BH_TRY(image::number_member(request, "milliseconds"));
    role_ = Role::Stopping;
    return supervisor_.stop(std::chrono::milliseconds(patience));
  }
  if (what == "usage") return tell_usage();
  if (what == "kill") {
    auto const number = BH_TRY(image::number_member(request, "signal"));
    BH_TRY(supervisor_.signal(static_cast<int>(number)));
  } else if (what == "pause" || what == "resume") {
    BH_TRY(supervisor_.set_paused(what == "pause"));
  } else if (what == "reload") {
    BH_TRY(supervisor_.reload());
  } else {
    return fail(Errc::Unsupported, "\"" + what + "\" is nothing this supervisor can do");
  }
  answer({});
  return {};
}

Result<> Client::attach(boost::json::object const& request) {
  may_input_ = is_set(request, "input");
  ends_input_ = is_set(request, "ends_input");
  auto const rows = BH_TRY(image::number_member(request, "rows"));
  auto const columns = BH_TRY(image::number_member(request, "columns"));
  if (is_set(request, "start")) BH_TRY(supervisor_.release_start());
  if (supervisor_.run() == nullptr) {
    return fail(Errc::Busy, "it is between two runs; try again when it runs");
  }
  role_ = Role::Attached;
  send(wire::encode(FrameType::Answer, R"({"ok": true})"));
  if (is_set(request, "replay")) output(Stream::Output, supervisor_.recent_output());
  if (rows != 0) {
    supervisor_.run()->main().resize(
        {.rows = static_cast<std::uint16_t>(rows), .columns = static_cast<std::uint16_t>(columns)});
  }
  return {};
}

Result<> Client::execute(boost::json::object const& request) {
  auto const exec = BH_TRY(ExecRequest::parse(request));
  if (supervisor_.run() == nullptr) return fail(Errc::Busy, "it is between two runs");
  auto session = BH_TRY(supervisor_.run()->exec(exec));
  serve(std::move(session), exec.input);
  return {};
}

Result<> Client::copy(boost::json::object const& request) {
  auto const copy = BH_TRY(CopyRequest::parse(request));
  if (supervisor_.run() == nullptr) return fail(Errc::Busy, "it is between two runs");
  auto session = BH_TRY(supervisor_.run()->copy(copy));
  serve(std::move(session), !copy.out);
  return {};
}

void Client::serve(std::unique_ptr<Session> session, bool input) {
  exec_ = std::move(session);
  role_ = Role::Executing;
  may_input_ = input;
  ends_input_ = true;
  exec_->on_output = [this](Stream stream, std::string_view bytes) { output(stream, bytes); };
  exec_->on_end = [this](int status) {
    send(wire::encode(FrameType::Exit, std::string(1, static_cast<char>(status))));
  };
  send(wire::encode(FrameType::Answer, R"({"ok": true})"));
}

Result<> Client::tell_usage() {
  if (supervisor_.run() == nullptr) return fail(Errc::Busy, "it is between two runs");
  auto const usage = BH_TRY(supervisor_.run()->usage());
  answer({{"cpu", usage.cpu},
          {"memory", usage.memory},
          {"memory_limit", usage.memory_limit},
          {"processes", usage.processes}});
  return {};
}

Session* Client::session() {
  if (role_ == Role::Executing) return exec_.get();
  if (role_ == Role::Attached && supervisor_.run() != nullptr) return &supervisor_.run()->main();
  return nullptr;
}

void Client::serve_session(wire::Frame const& frame) {
  auto* const session = this->session();
  if (session == nullptr) return;
  switch (frame.type) {
    case FrameType::Input:
      if (!may_input_) return;
      if (!frame.payload.empty()) session->input(frame.payload);
      if (frame.payload.empty() && ends_input_) session->end_input();
      return;
    case FrameType::Resize:
      if (auto const size = wire::decode_size(frame.payload)) session->resize(*size);
      return;
    case FrameType::Signal:
      if (auto const number = wire::decode_byte(frame.payload)) session->signal(*number);
      return;
    default: close();
  }
}

void Client::output(Stream stream, std::string_view bytes) {
  auto const type = stream == Stream::Output ? FrameType::Output : FrameType::ErrorOutput;
  while (!bytes.empty()) {
    auto const piece = bytes.substr(0, wire::kPayloadLimit);
    send(wire::encode(type, piece));
    bytes.remove_prefix(piece.size());
  }
}

void Client::run_ended(int status) {
  auto const exit = wire::encode(FrameType::Exit, std::string(1, static_cast<char>(status)));
  if (role_ == Role::Attached) send(exit);
  if (role_ == Role::Waiting) answer({{"status", status}});
}

void Client::machine_ended() {
  if (role_ == Role::Stopping) answer({});
  if (role_ == Role::Waiting || role_ == Role::Attached || role_ == Role::Done) return;
  if (role_ != Role::Executing) close();
}

void Client::send(std::string_view frame) {
  queue_.put(socket_.get(), frame);
  update();
}

void Client::answer(boost::json::object const& json) {
  auto full = json;
  full["ok"] = true;
  role_ = Role::Done;
  send(wire::encode(FrameType::Answer, boost::json::serialize(full)));
}

void Client::refuse(Error const& error) {
  boost::json::object const json{{"error", error.message}, {"code", static_cast<int>(error.code)}};
  role_ = Role::Done;
  send(wire::encode(FrameType::Answer, boost::json::serialize(json)));
}

void Client::look_again() {
  looks_again_ = false;
  update();
}

void Client::update() {
  if (closed_) return;
  if (!queue_.flush(socket_.get())) {
    close();
    return;
  }
  auto* const target = session();
  // A client that sends faster than the command reads waits, too.
  bool const reads = target == nullptr || !target->input_is_full();
  auto events = static_cast<short>(reads ? POLLIN : 0);
  if (!queue_.empty()) events = static_cast<short>(events | POLLOUT);
  supervisor_.loop().change(socket_.get(), events);
  if (!reads && !std::exchange(looks_again_, true)) {
    supervisor_.loop().after(std::chrono::milliseconds(20),
                             [&supervisor = supervisor_, this] { supervisor.look_at(*this); });
  }
  if (exec_) exec_->hold_output(queue_.size() > kQueueLimit);
  if (attached()) supervisor_.balance();
}

void Client::close() {
  if (closed_) return;
  closed_ = true;
  supervisor_.loop().forget(socket_.get());
  supervisor_.drop(*this);
}

}  // namespace bh::machine
