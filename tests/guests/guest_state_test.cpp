#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "guest_engines.h"
#include "guest_ports.h"
#include "guest_runner.h"

namespace bh::guest_test {
namespace {

constexpr std::uint16_t kMovePort = 0xf6;
constexpr std::uint16_t kExitPort = 0xf4;
constexpr std::uint16_t kTextPort = 0xe9;

struct Machine {
  std::unique_ptr<vmm::Engine> engine;
  std::unique_ptr<vmm::Vcpu> vcpu;
};

struct Param {
  GuestEngine engine;
  std::string_view guest;
  bool whole_cpu;
};

void PrintTo(Param const& param, std::ostream* out) {
  *out << param.guest;
}

std::vector<Param> params() {
  std::vector<Param> all;
  for (GuestEngine const& engine : guest_engines()) {
    all.push_back({engine, "state", false});
    all.push_back({engine, "state_fpu", true});
  }
  return all;
}

/// A guest on one machine, which can be moved to a fresh one over the same RAM.
class GuestStateTest : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    auto const& param = GetParam();
    if (auto const why = param.engine.absence(); !why.empty()) GTEST_SKIP() << why;
    auto memory = vmm::GuestMemory::create(kGuestMemory);
    ASSERT_TRUE(memory) << memory.error().message;
    memory_ = std::make_unique<vmm::GuestMemory>(*std::move(memory));
    auto const images = guest_images();
    auto const image = std::ranges::find(images, param.guest, &GuestImage::name);
    ASSERT_NE(image, images.end());
    ASSERT_TRUE(load_guest(*memory_, *image, StartMode::Long));
    make_machine();
    auto reset = machine_.vcpu->save();
    ASSERT_TRUE(reset) << reset.error().message;
    auto const started = machine_.vcpu->restore(start_state(*std::move(reset), StartMode::Long));
    ASSERT_TRUE(started) << started.error().message;
  }

  void make_machine() {
    // The engine outlives its vCPUs.
    machine_.vcpu.reset();
    machine_.engine.reset();
    auto engine = GetParam().engine.make(*memory_, {.chips = vmm::InterruptChips::Present});
    ASSERT_TRUE(engine) << engine.error().message;
    auto vcpu = (*engine)->create_vcpu(0);
    ASSERT_TRUE(vcpu) << vcpu.error().message;
    machine_ = {*std::move(engine), *std::move(vcpu)};
  }

  vmm::VcpuState save() {
    // An access is only over when the vCPU has been entered again.
    machine_.vcpu->kick();
    auto const exit = machine_.vcpu->run();
    EXPECT_TRUE(std::holds_alternative<vmm::Interrupted>(exit));
    auto state = machine_.vcpu->save();
    EXPECT_TRUE(state) << state.error().message;
    return state ? *std::move(state) : vmm::VcpuState{};
  }

  /// Runs until the guest writes to `port` and returns what it wrote, or -1 if the engine stopped.
  int run_to(std::uint16_t port) {
    while (true) {
      auto const exit = machine_.vcpu->run();
      if (auto const* const error = std::get_if<vmm::InternalError>(&exit)) {
        words_ = error->words;
        return -1;
      }
      auto const* const write = std::get_if<vmm::PortWrite>(&exit);
      if (write == nullptr) continue;
      auto const byte = std::to_integer<int>(write->data[0]);
      if (write->port == kTextPort) words_.push_back(static_cast<char>(byte));
      if (write->port == port || write->port == kExitPort) return byte;
    }
  }

  std::unique_ptr<vmm::GuestMemory> memory_;
  Machine machine_;
  std::string words_;
};

TEST_P(GuestStateTest, MovesToAFreshMachine) {
  int const moved = run_to(kMovePort);
  auto const why = GetParam().engine.weakness();
  if (moved < 0 && GetParam().whole_cpu && !why.empty()) GTEST_SKIP() << words_ << "; " << why;
  ASSERT_GE(moved, 0) << words_;
  auto const state = save();
  make_machine();
  auto const restored = machine_.vcpu->restore(state);
  ASSERT_TRUE(restored) << restored.error().message;
  int const status = run_to(kExitPort);
  EXPECT_EQ(status, 0) << words_;
}

TEST_P(GuestStateTest, SavesWhatItRestored) {
  auto const first = machine_.vcpu->save();
  ASSERT_TRUE(first) << first.error().message;
  auto const restored = machine_.vcpu->restore(*first);
  ASSERT_TRUE(restored) << restored.error().message;
  auto const second = machine_.vcpu->save();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->general, first->general);
  EXPECT_EQ(second->system, first->system);
  EXPECT_EQ(second->fpu, first->fpu);
  EXPECT_EQ(second->debug, first->debug);
  EXPECT_EQ(second->activity, first->activity);
  ASSERT_EQ(second->msrs.size(), first->msrs.size());
  constexpr std::uint32_t kTsc = 0x10;
  for (std::size_t i = 0; i < first->msrs.size(); ++i) {
    if (first->msrs[i].index == kTsc) continue;
    EXPECT_EQ(second->msrs[i], first->msrs[i]) << std::hex << first->msrs[i].index;
  }
}

TEST_P(GuestStateTest, KeepsItsOldStateWhenTheNewOneIsRefused) {
  auto const before = machine_.vcpu->save();
  ASSERT_TRUE(before) << before.error().message;
  auto broken = *before;
  broken.general.rip = 0x4242;
  broken.msrs.push_back({.index = 0xdead'beef});
  EXPECT_FALSE(machine_.vcpu->restore(broken));
  broken = *before;
  broken.general.rip = 0x4242;
  broken.system.cr0 = 0x8000'0000;  // Paging without protection.
  EXPECT_FALSE(machine_.vcpu->restore(broken));
  auto const after = machine_.vcpu->save();
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->general, before->general);
  EXPECT_EQ(after->system, before->system);
}

TEST_P(GuestStateTest, KeepsAKickForTheNextRun) {
  machine_.vcpu->kick();
  EXPECT_TRUE(std::holds_alternative<vmm::Interrupted>(machine_.vcpu->run()));
}

INSTANTIATE_TEST_SUITE_P(Guests, GuestStateTest, testing::ValuesIn(params()), [](auto const& info) {
  return std::string(info.param.engine.name) + "_" + std::string(info.param.guest);
});

}  // namespace
}  // namespace bh::guest_test
