#include "machine/supervise/prober.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace bh::machine {

namespace {

// As much as docker keeps of what a check says.
constexpr std::size_t kMostWords = 4096;

}  // namespace

Prober::Prober(Probe const& probe, Run& run, os::EventLoop& loop, OnChange on_change)
    : probe_(probe), run_(run), loop_(loop), on_change_(std::move(on_change)), judge_(probe) {
  wait();
}

Prober::~Prober() {
  loop_.cancel(next_);
  drop_session();
}

void Prober::wait() {
  next_ = loop_.after(probe_.interval, [this] { ask(); });
}

void Prober::ask() {
  if (paused_) {
    wait();
    return;
  }
  words_.clear();
  auto session = run_.probe(probe_);
  if (!session) {
    take_answer(false, session.error().message);
    return;
  }
  session_ = std::move(*session);
  session_->on_output = [this](Stream, std::string_view bytes) {
    words_ += bytes.substr(0, kMostWords - std::min(kMostWords, words_.size()));
  };
  session_->on_end = [this](int status) {
    // Not within the session itself.
    end_ = loop_.after(std::chrono::milliseconds(0), [this, status] {
      drop_session();
      take_answer(status == 0, std::exchange(words_, {}));
    });
  };
  patience_ = loop_.after(probe_.timeout, [this] {
    // All of it.
    session_->signal(SIGTERM);
    drop_session();
    take_answer(false, "no answer within " + std::to_string(probe_.timeout.count()) + " ms");
  });
}

void Prober::drop_session() {
  loop_.cancel(patience_);
  loop_.cancel(end_);
  session_.reset();
}

void Prober::take_answer(bool good, std::string words) {
  auto const since_start =
      std::chrono::duration_cast<std::chrono::milliseconds>(os::EventLoop::Clock::now() - start_);
  auto const before = judge_.verdict();
  auto const verdict = judge_.take(good, since_start);
  words.erase(words.find_last_not_of('\n') + 1);
  wait();
  if (verdict != before) on_change_(verdict == ProbeJudge::Verdict::Good, words);
}

}  // namespace bh::machine
