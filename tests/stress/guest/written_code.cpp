// Functions written at run time over others, through one mapping or two, with memory that is
// writable and executable at once or in turns.

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "guest/stress.h"

namespace bh::stress {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kBytes = 16 * kPage;
constexpr std::size_t kMostSteps = 40;
constexpr std::size_t kLongestStep = 8;

/// Code of some steps over EAX, and the number it must give.
class Function {
 public:
  Function(Random& random, std::uint32_t argument) : result_(argument) {
    append({0x89, 0xf8});  // mov eax, edi
    auto const steps = 1 + random.below(kMostSteps);
    for (std::uint64_t i = 0; i < steps; ++i) add_step(random);
    append({0xc3});
  }

  [[nodiscard]] std::uint8_t const* bytes() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint32_t result() const { return result_; }

 private:
  void add_step(Random& random) {
    auto const number = static_cast<std::uint32_t>(random.next());
    switch (random.below(6)) {
      case 0:
        append({0x05});  // add eax, number
        append_number(number);
        result_ += number;
        return;
      case 1:
        append({0x35});  // xor eax, number
        append_number(number);
        result_ ^= number;
        return;
      case 2:
        append({0x69, 0xc0});  // imul eax, eax, number
        append_number(number);
        result_ *= number;
        return;
      case 3:
        append({0xc1, 0xc0, 7});  // rol eax, 7
        result_ = result_ << 7 | result_ >> 25;
        return;
      case 4:
        append({0xa8, 1, 0x74, 2, 0xf7, 0xd8});  // test al, 1; jz over; neg eax
        if (result_ % 2 != 0) result_ = 0 - result_;
        return;
      default:
        append({0x50, 0x0f, 0xc8, 0x59, 0x29, 0xc8});  // push rax; bswap eax; pop rcx; sub eax, ecx
        result_ = __builtin_bswap32(result_) - result_;
    }
  }

  template <std::size_t N>
  void append(std::uint8_t const (&code)[N]) {
    std::memcpy(bytes_.data() + size_, code, N);
    size_ += N;
  }
  void append_number(std::uint32_t number) {
    std::memcpy(bytes_.data() + size_, &number, sizeof number);
    size_ += sizeof number;
  }

  std::array<std::uint8_t, kMostSteps * kLongestStep + kLongestStep> bytes_{};
  std::size_t size_ = 0;
  std::uint32_t result_;
};

enum class Way : std::uint8_t { kBothAtOnce, kInTurns, kTwoMappings };

class Arena {
 public:
  explicit Arena(Way way) : way_(way) {
    int const file = ::memfd_create("code", MFD_CLOEXEC);
    if (file < 0 || ::ftruncate(file, kBytes) != 0) give_up("memfd_create");
    int const access =
        way == Way::kBothAtOnce ? PROT_READ | PROT_WRITE | PROT_EXEC : PROT_READ | PROT_EXEC;
    code_ = map(file, access);
    writable_ = way == Way::kTwoMappings ? map(file, PROT_READ | PROT_WRITE) : code_;
    ::close(file);
  }
  Arena(Arena const&) = delete;
  Arena& operator=(Arena const&) = delete;
  ~Arena() {
    ::munmap(code_, kBytes);
    if (writable_ != code_) ::munmap(writable_, kBytes);
  }

  void write(std::size_t place, Function const& function) {
    protect(PROT_READ | PROT_WRITE);
    std::memcpy(writable_ + place, function.bytes(), function.size());
    protect(PROT_READ | PROT_EXEC);
    // Two mappings: this program must serialize before it runs what it wrote by another address.
    if (way_ == Way::kTwoMappings) serialize();
  }

  [[nodiscard]] std::uint32_t call(std::size_t place, std::uint32_t argument) const {
    return reinterpret_cast<std::uint32_t (*)(std::uint32_t)>(code_ + place)(argument);
  }

 private:
  static std::uint8_t* map(int file, int access) {
    void* const memory = ::mmap(nullptr, kBytes, access, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) give_up("mmap executable memory");
    return static_cast<std::uint8_t*>(memory);
  }

  static void serialize() {
    unsigned leaf = 0;
    asm volatile("cpuid" : "+a"(leaf) : : "rbx", "rcx", "rdx", "memory");
  }

  void protect(int access) {
    if (way_ != Way::kInTurns) return;
    if (::mprotect(code_, kBytes, access) != 0) give_up("mprotect code");
  }

  Way way_;
  std::uint8_t* code_ = nullptr;
  std::uint8_t* writable_ = nullptr;
};

void round(Random& random) {
  Arena arena(static_cast<Way>(random.below(3)));
  for (int i = 0; i < 200; ++i) {
    auto const argument = static_cast<std::uint32_t>(random.next());
    Function const function(random, argument);
    // Few places, so that most are written over code that ran, and some lie across pages.
    auto const place = random.below(kBytes / 64 - 16) * 64 % (4 * kPage) + random.below(8);
    arena.write(place, function);
    for (int calls = 0; calls < 3; ++calls) {
      check("a function just written", arena.call(place, argument), function.result());
    }
  }
}

}  // namespace

Kind written_code() {
  return {"written_code", round};
}

}  // namespace bh::stress
