// Threads that share memory without locks of the kernel's: what one loses or sees twice is found.

#include <pthread.h>
#include <sched.h>

#include <array>
#include <atomic>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr std::size_t kMostThreads = 4;
constexpr std::uint32_t kNodes = 64;
constexpr int kTurns = 4000;

/// A stack of numbered nodes, whose head counts its changes so that an old head is not taken for a
/// new one. Node 0 is none.
class Stack {
 public:
  void push(std::uint32_t node) {
    std::uint64_t head = head_.load();
    do {
      next_[node].store(static_cast<std::uint32_t>(head));
    } while (!head_.compare_exchange_weak(head, changed(head, node)));
  }

  std::uint32_t pop() {
    std::uint64_t head = head_.load();
    for (;;) {
      auto const node = static_cast<std::uint32_t>(head);
      if (node == 0) return 0;
      if (head_.compare_exchange_weak(head, changed(head, next_[node].load()))) return node;
    }
  }

 private:
  static std::uint64_t changed(std::uint64_t head, std::uint32_t node) {
    return ((head >> 32) + 1) << 32 | node;
  }

  std::atomic<std::uint64_t> head_ = 0;
  std::array<std::atomic<std::uint32_t>, kNodes + 1> next_{};
};

/// Words that are written together and must be read together, by a count that is odd meanwhile.
/// x86 keeps loads in order among loads, and stores among stores; that is what is tried here.
class Together {
 public:
  void write(std::uint64_t value) {
    count_.fetch_add(1);
    for (auto& word : words_) word.store(value, std::memory_order_release);
    count_.fetch_add(1);
  }

  /// Whether a read that was not disturbed saw equal words.
  [[nodiscard]] bool consistent() const {
    auto const before = count_.load(std::memory_order_acquire);
    auto const first = words_.front().load(std::memory_order_acquire);
    bool equal = true;
    for (auto const& word : words_) equal &= word.load(std::memory_order_acquire) == first;
    return before % 2 != 0 || count_.load(std::memory_order_acquire) != before || equal;
  }

 private:
  std::atomic<std::uint64_t> count_ = 0;
  std::array<std::atomic<std::uint64_t>, 6> words_{};
};

/// Two threads exclude each other with plain loads and stores and a full fence.
class Peterson {
 public:
  void lock(std::size_t me) {
    wants_[me].store(true, std::memory_order_relaxed);
    turn_.store(1 - me, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    while (wants_[1 - me].load(std::memory_order_acquire) &&
           turn_.load(std::memory_order_acquire) == 1 - me) {
      ::sched_yield();
    }
  }
  void unlock(std::size_t me) { wants_[me].store(false, std::memory_order_release); }

 private:
  std::array<std::atomic<bool>, 2> wants_{};
  std::atomic<std::size_t> turn_ = 0;
};

struct Shared {
  Stack stack;
  Together together;
  Peterson peterson;
  std::uint64_t counted = 0;  // Guarded by peterson.
  std::atomic<std::uint64_t> added = 0;
  std::atomic<std::uint64_t> torn = 0;
};

struct Thread {
  Shared* shared = nullptr;
  std::size_t number = 0;
  std::uint64_t seed = 0;
  pthread_t thread{};
};

void turn(Thread const& self, Random& random) {
  Shared& shared = *self.shared;
  if (std::uint32_t const node = shared.stack.pop(); node != 0) {
    if (random.below(64) == 0) ::sched_yield();
    shared.stack.push(node);
  }
  shared.added.fetch_add(self.number + 1);
  if (self.number == 0) {
    shared.together.write(random.next());
  } else if (!shared.together.consistent()) {
    shared.torn.fetch_add(1);
  }
  if (self.number < 2) {
    shared.peterson.lock(self.number);
    std::uint64_t volatile& counted = shared.counted;
    counted = counted + 1;
    shared.peterson.unlock(self.number);
  }
}

void* run(void* argument) {
  auto const& self = *static_cast<Thread*>(argument);
  Random random(self.seed);
  for (int i = 0; i < kTurns; ++i) turn(self, random);
  return nullptr;
}

void round(Random& random) {
  Shared shared;
  for (std::uint32_t node = 1; node <= kNodes; ++node) shared.stack.push(node);
  std::size_t const count = 2 + random.below(kMostThreads - 1);
  std::array<Thread, kMostThreads> threads;
  std::uint64_t added = 0;
  for (std::size_t i = 0; i < count; ++i) {
    threads[i] = {.shared = &shared, .number = i, .seed = random.next()};
    if (::pthread_create(&threads[i].thread, nullptr, run, &threads[i]) != 0)
      give_up("pthread_create");
    added += (i + 1) * kTurns;
  }
  for (std::size_t i = 0; i < count; ++i) ::pthread_join(threads[i].thread, nullptr);
  check("a sum of atomic additions", shared.added, added);
  check("a count under Peterson's lock", shared.counted, 2 * kTurns);
  check("torn reads", shared.torn, 0);
  std::uint64_t nodes = 0;
  std::uint64_t seen = 0;
  while (std::uint32_t const node = shared.stack.pop()) {
    if (++nodes > kNodes) break;
    seen += node;
  }
  check("nodes of the stack", nodes, kNodes);
  check("the sum of their numbers", seen, kNodes * (kNodes + 1) / 2);
}

}  // namespace

Kind lock_free() {
  return {"lock_free", round};
}

}  // namespace bh::stress
