// Trees of processes that inherit memory, change their copies of it, execute this program and
// answer through pipes.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr int kDeepest = 3;
constexpr std::size_t kWords = 16 * 1024;  // 32 pages, shared until they are written.

std::array<std::uint64_t, kWords> memory{};

std::uint64_t sum_of_memory() {
  std::uint64_t sum = 0;
  for (auto const word : memory) sum = sum * 31 + word;
  return sum;
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) give_up("pipe");
    read = ends[0];
    write = ends[1];
  }
  int read = -1;
  int write = -1;
};

void send(int pipe, std::uint64_t value) {
  if (::write(pipe, &value, sizeof value) != sizeof value) give_up("write to a pipe");
}

std::uint64_t receive(int pipe) {
  std::uint64_t value = 0;
  if (::read(pipe, &value, sizeof value) != sizeof value) give_up("read from a pipe");
  return value;
}

void wait_for(pid_t process) {
  int status = -1;
  if (::waitpid(process, &status, 0) != process) give_up("waitpid");
  check("the status of a child", static_cast<std::uint64_t>(status), 0);
}

[[noreturn]] void execute(int pipe, std::uint64_t seed) {
  std::array<char, 32> digits{};
  static_cast<void>(
      std::snprintf(digits.data(), digits.size(), "%llu", static_cast<unsigned long long>(seed)));
  ::dup2(pipe, STDOUT_FILENO);
  ::execl("/proc/self/exe", "guest-stress", kWork, digits.data(), static_cast<char*>(nullptr));
  give_up("execl /proc/self/exe (is /proc mounted?)");
}

void execute_one(std::uint64_t seed) {
  Pipe const pipe;
  pid_t const process = ::fork();
  if (process < 0) give_up("fork");
  if (process == 0) execute(pipe.write, seed);
  ::close(pipe.write);
  std::array<char, 17> digits{};
  std::size_t got = 0;
  while (got < 16) {
    auto const more = ::read(pipe.read, digits.data() + got, 16 - got);
    if (more <= 0) break;
    got += static_cast<std::size_t>(more);
  }
  ::close(pipe.read);
  wait_for(process);
  check("what an executed program printed", std::strtoull(digits.data(), nullptr, 16),
        work_of(seed));
}

/// What a process at `depth` computes: its own work, and that of its children.
std::uint64_t tree(Random& random, int depth);

/// Starts a child that runs a tree of `seed`; its answer comes out of the pipe.
pid_t start_child(Pipe const& pipe, std::uint64_t seed, int depth) {
  pid_t const process = ::fork();
  if (process < 0) give_up("fork");
  if (process != 0) return process;
  ::close(pipe.read);
  Random random(seed);
  for (int i = 0; i < 64; ++i) memory[random.below(kWords)] ^= random.next();
  send(pipe.write, tree(random, depth) + sum_of_memory());
  ::_exit(0);
}

std::uint64_t tree(Random& random, int depth) {
  std::uint64_t const before = sum_of_memory();
  std::uint64_t answer = work_of(random.next());
  if (depth == 0) return answer;
  constexpr std::size_t kMostChildren = 3;
  std::array<pid_t, kMostChildren> processes{};
  std::array<Pipe, kMostChildren> pipes;
  std::size_t const children = 1 + random.below(kMostChildren);
  std::uint64_t const seed = random.next();
  // All get the same seed, so all must answer the same.
  for (std::size_t i = 0; i < children; ++i) processes[i] = start_child(pipes[i], seed, depth - 1);
  std::uint64_t const first = receive(pipes[0].read);
  for (std::size_t i = 1; i < children; ++i) {
    check("what a twin of a process computed", receive(pipes[i].read), first);
  }
  for (std::size_t i = 0; i < children; ++i) wait_for(processes[i]);
  for (auto const& pipe : pipes) {
    ::close(pipe.read);
    ::close(pipe.write);
  }
  check("memory that children have changed for themselves", sum_of_memory(), before);
  return answer + first;
}

void round(Random& random) {
  for (auto& word : memory) word = random.next();
  static_cast<void>(tree(random, kDeepest));
  execute_one(random.next());
}

}  // namespace

Kind fork_storm() {
  return {"fork_storm", round};
}

}  // namespace bh::stress
